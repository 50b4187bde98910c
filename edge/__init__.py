"""The base that both services share: HTTP, the server process, Redis, configuration, telemetry.

It knows nothing of tokens, accounts or questions.
"""
