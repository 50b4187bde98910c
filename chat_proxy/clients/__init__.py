"""The dialects that clients speak to the proxy: one file for each, which reads questions and writes answers.

Gate, admission, limits and backends are the same for all of them (chat_proxy/chat.py).
"""
