"""The chat proxy: it lets a question through to a backend while token, session and limits are good.

It makes no token and knows no account; these are the `broker`.
"""
