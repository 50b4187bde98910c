"""The rules that both services share: claims, verification, DPoP, key sets, sessions and cuts.

This package does no input or output. HTTP, Redis and configuration are in `edge`.
"""
