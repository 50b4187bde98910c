"""Values that look random and are no secrets: they are made to be shown, or say that they are no secret."""

import re
from typing import Final

from edge.config.guessing import readings

_UUID: Final = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_IDENTIFIER: Final = re.compile(rf"(?:urn:uuid:|\{{)?{_UUID}\}}?")
"""RFC 9562 8: a UUID must not be assumed to be hard to guess. At most 122 of its bits are random, and in the
versions that contain a time hardly any."""
_TOKEN: Final = re.compile(r"(?:^|[\s:=_])eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_.-]*")
"""A JWT (RFC 7519), which each of its bearers has seen."""
_PUBLIC_KEY: Final = re.compile(r"-----BEGIN |^(?:ssh|ecdsa)-[a-z0-9@.-]+ AAAA")
_PASSWORD_HASH: Final = re.compile(
    r"\$2[abxy]?\$\d\d\$[./A-Za-z0-9]{22}|\$(?:argon2(?:id|i|d)|scrypt|pbkdf2[a-z0-9-]*)\$"
    r"|\$(?:1|5|6|y)\$[^$]{1,40}\$(?:[^$]{1,40}\$)?[./A-Za-z0-9]{20}"
    r"|^(?:pbkdf2|bcrypt|scrypt|argon2)[a-z0-9_]*[:$]"
)
"""A hash of crypt(3), or of Django or Spring: it comes from a database, or from an example of one."""
_DECLARATIONS: Final = (
    "insecure",
    "change[-_ ]?(?:me|this|it)",
    "replace[-_ ]?(?:me|this)",
    "place[-_ ]?holder",
    "your[-_ ](?:own|secret|key)",
    "(?:do[-_ ]?not|don'?t|never)[-_ ]?(?:use|share)",
    "not[-_ ]?(?:so[-_ ]?|a[-_ ]?)?secret",
    "to[-_ ]?be[-_ ]?modified",
    "example",
)
"""Each has at least seven letters: one in 10^8 random texts of 64 letters contains one."""
_DECLARATION: Final = re.compile("|".join(_DECLARATIONS), re.IGNORECASE)
_DER: Final = re.compile(
    rb"\x30(?:[\x20-\x7f]|\x81.|\x82..)(?:\x30[\x00-\x7f]\x06|\x02\x01[\x00\x01]|\x02\x82|\x30\x82)",
    re.DOTALL,
)
"""A key or certificate in ASN.1 (X.690 8.9): a sequence that holds a sequence with an identifier, a version,
or a large number."""


def is_shown(secret: str) -> bool:
    if _IDENTIFIER.fullmatch(secret.strip()):
        return True
    if any(pattern.search(secret) for pattern in (_TOKEN, _PUBLIC_KEY, _PASSWORD_HASH, _DECLARATION)):
        return True
    return any(_DER.match(raw) for raw in readings.octets(secret[: len(secret) // 4 * 4]))
