#!/usr/bin/env bash
# One key of an unknown kind in a JWKS makes some libraries refuse all keys, each for another kind.
#
# Expected: such a key is passed over (RFC 7517 5), or else a library refuses every unknown kind alike.
# Instead: joserfc 1.8.0 passes over an unknown key type and fails at an unknown curve; Authlib 1.9.10 does
# the opposite; python-jose 3.5.0 fails at both, although the token's `kid` names the good key. PyJWT 2.15.1
# takes both sets.
# Matters: a broker that adds one post-quantum or brainpool key signs out every reader whose backend uses the
# wrong one of these. New kinds of keys need a document of their own.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet \
  joserfc==1.8.0 Authlib==1.9.10 PyJWT==2.15.1 python-jose==3.5.0 cryptography==50.0.2

cat > sets.py <<'PY'
import jwt as pyjwt
from authlib.jose import JsonWebKey, JsonWebToken
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from jose import jwt as python_jose

key = ECKey.generate_key("P-256", {"kid": "a", "alg": "ES256"})
good = key.as_dict(private=False)
token = jwt.encode({"alg": "ES256", "kid": "a"}, {"sub": "reader"}, key)
readers = {
    "joserfc": lambda keys: jwt.decode(token, KeySet.import_key_set(keys)),
    "Authlib": lambda keys: JsonWebToken(["ES256"]).decode(token, JsonWebKey.import_key_set(keys)),
    "PyJWT": lambda keys: pyjwt.decode(token, pyjwt.PyJWKSet.from_dict(keys)["a"], ["ES256"]),
    "python-jose": lambda keys: python_jose.decode(token, keys, ["ES256"]),
}
unknown = {
    "type": {"kty": "AKP", "alg": "ML-DSA-44", "kid": "b", "pub": "AAAA"},
    "curve": {**good, "crv": "brainpoolP256r1", "kid": "b", "alg": "ESB256"},
}
for kind, other in unknown.items():
    for name, read in readers.items():
        try:
            read({"keys": [dict(other), dict(good)]})
            print(kind, name, "accepted")
        except Exception as error:  # each library raises something else
            print(kind, name, type(error).__name__)
PY

expected='type joserfc accepted
type Authlib KeyError
type PyJWT accepted
type python-jose JWKError
curve joserfc KeyError
curve Authlib accepted
curve PyJWT accepted
curve python-jose KeyError'
seen=$(venv/bin/python -W ignore sets.py)

if [ "$seen" != "$expected" ]; then
  printf 'This has changed. Expected:\n%s\nSeen:\n%s\n' "$expected" "$seen" >&2
  exit 1
fi
printf '%s\n' "$seen"
