"""The reasons to refuse a bearer token, or to judge none. The text never quotes anything of the token."""


class TokenError(Exception):
    """The root of the errors that this package raises."""


class InvalidToken(TokenError):
    """The token is not one of ours, or no longer good (RFC 6750 3.1, `invalid_token`)."""


class KeysUnavailable(TokenError):
    """No verification key has ever been read, so no token can be judged. Answered with 503."""


class CutsMissing(TokenError):
    """Redis has lost the cuts, so no session can be judged. Answered with 503."""
