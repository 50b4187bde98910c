"""DPoP proofs (RFC 9449): the client that sends a token, or asks for one, holds the key it is bound to.

The checks are those of RFC 9449 4.3 except two: the caller checks that there is one header, and the store
checks that the proof is new, by `Proof.id`. The signature is checked without PyJWT, and a key is parsed once
and not for each proof: all checks cost 57 µs, PyJWT's of the signature alone 88 µs (CPU, measured on one of
two shared x86-64 cores).
"""

import base64
import hashlib
import re
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from tokens import strict_json
from tokens.errors import TokenError
from tokens.nonces import Nonces

PROOF_TYPE: Final = "dpop+jwt"
ALGORITHMS: Final = ("ES256", "EdDSA", "Ed25519")
"""RFC 9864 calls EdDSA over this curve `Ed25519`; both names are in use."""
MAX_PROOF: Final = 4096
"""Characters; a proof with its key takes about 500."""
MAX_JTI: Final = 256
WINDOW: Final = 60
"""Seconds by which `iat` may be before or after our clock."""
LEEWAY: Final = 5
"""Seconds more, as for an access token: two machines of ours may disagree on the time."""
UNTIMELY: Final = f"iat is more than {WINDOW} s from the time here"
"""The one fault that a client can correct by itself, as its clock is wrong. This text identifies it: RFC 9449
has no error of its own for it."""
KEPT_MS: Final = 150_000
"""The time for which a used proof is remembered: all the time in which it could pass, and some more."""
KEYS: Final = 4096
"""Keys remembered; the least recently used is forgotten first."""
MAX_HEADER: Final = 1024
"""Characters of a proof's header; one of our widget has about 230."""
THUMBPRINT: Final = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")
"""Base64url of 32 bytes, in its one canonical spelling."""

_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
_PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_ECDSA: Final = ec.ECDSA(hashes.SHA256())
_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_MAX_URI: Final = 2048
_ED25519_P: Final = 2**255 - 19
# The y of the eight points whose order divides eight: every attacker can sign for them. With either sign of
# x, and with 0 and 1 also as p and p + 1, they have 14 encodings; a y beyond p is refused in any case.
_ORDER_8_Y: Final = 2707385501144840649318225287225658788936804267575313519463743609750303402022
_LOW_ORDER_Y: Final = frozenset({0, 1, _ED25519_P - 1, _ORDER_8_Y, _ED25519_P - _ORDER_8_Y})


class InvalidProof(TokenError):
    """`invalid_dpop_proof`; the text names the fault and quotes nothing of the proof."""


class NonceNeeded(TokenError):
    """`use_dpop_nonce`: the proof is good but has no nonce of ours, or an expired one."""


class Proof(NamedTuple):
    """A good proof. `jkt` is its key's thumbprint (RFC 7638), `id` the name under which a store keeps it."""

    jkt: str
    id: str


@dataclass(frozen=True, slots=True)
class _Key:
    alg: str
    public: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
    jkt: str

    def verify(self, signature: bytes, signed: bytes) -> None:
        """Raises InvalidProof."""
        if len(signature) != 64:
            raise InvalidProof("the signature is not 64 bytes")
        try:
            if isinstance(self.public, ed25519.Ed25519PublicKey):
                self.public.verify(signature, signed)
            else:
                r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
                self.public.verify(encode_dss_signature(r, s), signed, _ECDSA)
        except InvalidSignature:
            raise InvalidProof("the signature is not its key's") from None


class Proofs:
    """Verifies proofs, each of which needs a nonce of `nonces`. Keeps the `keys` that were used last."""

    def __init__(self, nonces: Nonces, keys: int = KEYS) -> None:
        self.nonces = nonces
        self._most_keys = keys
        self._keys: OrderedDict[str, _Key] = OrderedDict()

    def verify(
        self, proof: str, *, method: str, uri: str, now: float, access_token: str | None = None
    ) -> Proof:
        """`uri` is the request's, by our configuration and without a query; `now` in seconds since the epoch.
        With `access_token` the proof must be for that token. Raises InvalidProof and NonceNeeded."""
        match = _COMPACT.fullmatch(proof) if len(proof) <= MAX_PROOF else None
        if match is None:
            raise InvalidProof("it is not a JWT, or too long")
        header, payload, signature = match.groups()
        key = self._key(header, _decode(signature), proof[: match.end(2)].encode())
        claims = _object(payload)
        jti = _text(claims, "jti")
        if len(jti) > MAX_JTI:
            raise InvalidProof("jti is too long")
        if _text(claims, "htm") != method:
            raise InvalidProof("htm is not the request's method")
        htu = _text(claims, "htu")
        if htu != uri and _normalised(htu) != uri:
            raise InvalidProof("htu is not the request's address")
        _require_timely(claims.get("iat"), now)
        if access_token is not None and _text(claims, "ath") != access_token_hash(access_token):
            raise InvalidProof("ath is not the access token's hash")
        self._require_nonce(claims.get("nonce"), now)
        name = hashlib.sha256("\0".join((key.jkt, method, uri, jti)).encode()).digest()
        return Proof(key.jkt, _encode(name[:18]))

    def _key(self, header: str, signature: bytes, signed: bytes) -> _Key:
        """The key that made the signature. It is cached only once the signature is good, so that forged
        proofs cannot fill the cache."""
        if len(header) > MAX_HEADER:
            raise InvalidProof("its header is too long")
        known = self._keys.get(header)
        key = known or _read_key(_object(header))
        key.verify(signature, signed)
        if known is None:
            self._keys[header] = key
            if len(self._keys) > self._most_keys:
                self._keys.popitem(last=False)
        else:
            self._keys.move_to_end(header)
        return key

    def _require_nonce(self, nonce: Any, now: float) -> None:
        if nonce is not None and not isinstance(nonce, str):
            raise InvalidProof("nonce is not a string")
        if nonce is None or not self.nonces.is_good(nonce, now):
            raise NonceNeeded("the proof needs the nonce that is in DPoP-Nonce")


def access_token_hash(access_token: str) -> str:
    """`ath` (RFC 9449 4.2)."""
    return _encode(hashlib.sha256(access_token.encode()).digest())


def _read_key(header: dict[str, Any]) -> _Key:
    alg, jwk = header.get("alg"), header.get("jwk")
    if header.get("typ") != PROOF_TYPE:
        raise InvalidProof(f"typ is not {PROOF_TYPE}")
    if alg not in ALGORITHMS:
        raise InvalidProof(f"alg is not one of {', '.join(ALGORITHMS)}")
    if "crit" in header or "b64" in header:
        raise InvalidProof("it has an extension that is not known here")
    if not isinstance(jwk, dict):
        raise InvalidProof("jwk is missing")
    if _PRIVATE_MEMBERS & jwk.keys():
        raise InvalidProof("jwk has a private or symmetric part")
    if "alg" in jwk and jwk["alg"] != alg:
        raise InvalidProof("jwk is for another alg")
    return _ec_key(jwk) if alg == "ES256" else _ed25519_key(alg, jwk)


def _ec_key(jwk: dict[str, Any]) -> _Key:
    if (jwk.get("kty"), jwk.get("crv")) != ("EC", "P-256"):
        raise InvalidProof("jwk is not a P-256 key, as ES256 needs")
    x, y = _coordinate(jwk, "x"), _coordinate(jwk, "y")
    numbers = ec.EllipticCurvePublicNumbers(int.from_bytes(x), int.from_bytes(y), ec.SECP256R1())
    try:
        public = numbers.public_key()
    except ValueError:
        raise InvalidProof("jwk is not a point of its curve") from None
    canonical = f'{{"crv":"P-256","kty":"EC","x":"{jwk["x"]}","y":"{jwk["y"]}"}}'
    return _Key("ES256", public, _thumbprint(canonical))


def _ed25519_key(alg: str, jwk: dict[str, Any]) -> _Key:
    if (jwk.get("kty"), jwk.get("crv")) != ("OKP", "Ed25519"):
        raise InvalidProof(f"jwk is not an Ed25519 key, as {alg} needs")
    x = _coordinate(jwk, "x")
    y = int.from_bytes(x, "little") & (2**255 - 1)
    if y >= _ED25519_P or y in _LOW_ORDER_Y:
        raise InvalidProof("jwk is a key that anybody can sign for")
    try:
        public = ed25519.Ed25519PublicKey.from_public_bytes(x)
    except ValueError:
        raise InvalidProof("jwk is not a point of its curve") from None
    return _Key(alg, public, _thumbprint(f'{{"crv":"Ed25519","kty":"OKP","x":"{jwk["x"]}"}}'))


def _coordinate(jwk: dict[str, Any], name: str) -> bytes:
    text = jwk.get(name)
    # A key has one spelling: another spelling would give another thumbprint.
    if not isinstance(text, str) or not THUMBPRINT.fullmatch(text):
        raise InvalidProof(f"jwk.{name} is not 32 bytes in base64url")
    return _decode(text)


def _thumbprint(canonical: str) -> str:
    return _encode(hashlib.sha256(canonical.encode()).digest())


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(part: str) -> bytes:
    try:
        raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:
        raise InvalidProof("a part is not base64url") from None
    if _encode(raw) != part:
        raise InvalidProof("a part is not base64url in its one spelling")
    return raw


def _object(part: str) -> dict[str, Any]:
    try:
        members = strict_json.loads(_decode(part))
    except strict_json.NotStrictJSON as error:
        raise InvalidProof(str(error)) from None
    if not isinstance(members, dict):
        raise InvalidProof("a part is not a JSON object")
    return members


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidProof(f"{name} is missing or not a string")
    return value


def _require_timely(iat: Any, now: float) -> None:
    # A fraction is allowed (RFC 7519 2, NumericDate); true and false are not numbers.
    if type(iat) not in (int, float):
        raise InvalidProof("iat is missing or not a number")
    if abs(now - iat) > WINDOW + LEEWAY:
        raise InvalidProof(UNTIMELY)


def _normalised(htu: str) -> str | None:
    """`htu` normalised by RFC 3986 6.2.2 and 6.2.3, without query and fragment (RFC 9449 4.3); None if it is
    no such address."""
    if len(htu) > _MAX_URI or not htu.isascii() or any(letter <= " " or letter == "\\" for letter in htu):
        return None
    try:
        parts = urlsplit(htu)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or parts.hostname is None or "@" in parts.netloc:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    shown = "" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{host}{shown}{_PERCENT.sub(_unescaped, parts.path) or '/'}"


def _unescaped(match: re.Match[str]) -> str:
    letter = chr(int(match.group()[1:], 16))
    is_unreserved = letter.isascii() and (letter.isalnum() or letter in "-._~")
    return letter if is_unreserved else match.group().upper()
