"""The JWS that the broker writes, as PyJWT reads it."""

import jwt
import pytest

from broker.signing import keyring
from broker.signing.jws import signed

CLAIMS = {
    "sub": "s" * 32,
    "iat": 1,
    "name": 'Ö "\\" \u2028',
    "cnf": {"jkt": "k"},
    "list": [1, 2.5, None, True],
}


@pytest.mark.parametrize("alg", ["ES256", "EdDSA", "RS256"])
def test_pyjwt_reads_what_the_broker_signs(alg):
    key = keyring.generate(alg)
    token = signed(key, CLAIMS, "at+jwt")
    assert jwt.get_unverified_header(token) == {"alg": alg, "kid": key.kid, "typ": "at+jwt"}
    public = jwt.PyJWK(dict(key.public))
    assert jwt.decode(token, public, algorithms=[alg], options={"verify_iat": False}) == CLAIMS
    # Another type of the same key has a header of its own.
    other = signed(key, CLAIMS, "token-introspection+jwt")
    assert jwt.get_unverified_header(other)["typ"] == "token-introspection+jwt"
    assert "=" not in token + other
