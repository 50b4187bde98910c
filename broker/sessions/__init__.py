"""A reader's sessions: the record, the cookie, finding a request's session, and revocation.

The Redis scripts are in `broker.storage`.
"""
