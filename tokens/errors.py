"""What a bearer token can be refused for. The text never holds anything of the token."""


class TokenError(Exception):
    """The root of what this package raises."""


class InvalidToken(TokenError):
    """The token is not one of ours, or no longer good (RFC 6750 3.1, `invalid_token`)."""


class KeysUnavailable(TokenError):
    """No verification key has ever been read, so no token can be judged. Answered with 503."""
