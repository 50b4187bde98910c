"""The token broker: accounts, sessions, tokens and the pages on which readers sign in.

`chat_proxy` decides what a token allows; `tokens` defines its claims.
"""
