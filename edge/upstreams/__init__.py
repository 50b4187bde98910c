"""Asks a site's own Better Auth server about its sessions: one file for each way to ask.

Both services ask: the broker when it exchanges or renews a session, the chat proxy before each question.
"""
