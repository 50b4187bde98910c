"""Puts each service's secrets into a folder that it alone sees: the operator's, else made for this machine.

Runs before the services, at every start. Exit code 1: something is missing or weak, and it said what.
"""

import hashlib
import os
import re
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

GIVEN: Final = Path("/given")
FOLDERS: Final = Path("/secrets")
NAMES: Final = ("broker_secret", "book_secret", "redis_password")
MARK: Final = "made-for-development-only-"
"""The beginning of a generated secret, by which production recognises one that was copied."""
MIN_BYTES: Final = 32
"""As edge.config.checks asks of every secret."""
_HOST: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class Refused(Exception):
    """Nothing may start; each line names a file or a variable and its mend."""


def choose(
    given: Mapping[str, str], kept: Mapping[str, str], domain: str, make: Callable[[], str]
) -> dict[str, str]:
    """The value of each name: what was given, else, where no domain makes it public, kept or made.

    Raises Refused.
    """
    faults = list(_faults(given, domain))
    if faults:
        raise Refused("\n".join(faults))
    return {name: given.get(name) or kept.get(name) or MARK + make() for name in NAMES}


def _faults(given: Mapping[str, str], domain: str) -> Iterator[str]:
    if domain and not _HOST.fullmatch(domain):
        yield "CHATGATE_DOMAIN: must be a host's name alone and in lower case, as in chat.example.org."
    for name in NAMES:
        value = given.get(name, "")
        if not value and domain:
            yield f"{name}: is missing, and nothing stands in for it where CHATGATE_DOMAIN is set. {_MEND}"
        elif value.startswith(MARK) and domain:
            yield f"{name}: was made for development. {_MEND}"
        elif value and (len(value.encode()) < MIN_BYTES or len(set(value)) < 8):
            yield f"{name}: has fewer than {MIN_BYTES} bytes, or too few different ones. {_MEND}"
        elif value and not re.fullmatch(r"[A-Za-z0-9_.~-]+", value):
            yield f"{name}: has other than letters, digits and _ . ~ -. {_MEND}"
    values = [value for value in given.values() if value]
    if len(set(values)) < len(values):
        yield f"secrets: two of them are equal. {_MEND}"


_MEND: Final = (
    "Put a line of `openssl rand -hex 32` into its file in the folder CHATGATE_SECRETS (docs/containers.md)."
)


def files(values: Mapping[str, str]) -> dict[str, str]:
    """The content of each file by its path: no service gets more than it needs."""
    password = values["redis_password"]
    url = f"redis://chatgate:{password}@redis:6379/0"
    digest = hashlib.sha256(password.encode()).hexdigest()
    return {
        "broker/broker_secret": values["broker_secret"],
        "broker/redis_url": url,
        "proxy/book_secret": values["book_secret"],
        "proxy/redis_url": url,
        "backend/book_secret": values["book_secret"],
        # Redis knows the hash alone; a client with no password may only ask whether it lives. No client can
        # be `default`, which may do everything all the same: with its rights Redis reads its own log at the
        # start, and leaves out what they do not cover (seen with 7.0: all that scripts had written).
        "redis/users.acl": "user default off ~* &* +@all\n"
        f"user chatgate on #{digest} ~cg:* &cg:* +@all -@admin -@dangerous +config|get\n"
        "user health on nopass -@all +ping\n",
    }


def _read(folder: Path) -> dict[str, str]:
    """Raises Refused for a file that is there and cannot be read."""
    found = {}
    for name in NAMES:
        try:
            found[name] = (folder / name).read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            continue
        except (OSError, UnicodeDecodeError):
            raise Refused(
                f"{name}: cannot be read. Let user {os.getuid()} into its folder and read it."
            ) from None
    return found


def _write(path: Path, text: str) -> None:
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    new.touch(0o600)
    new.write_text(text, encoding="utf-8")
    new.chmod(0o400)
    # The file is whole when it appears, as a service may be starting at this moment.
    new.replace(path)


def main() -> int:
    try:
        given, kept = _read(GIVEN), _read(FOLDERS / "generated")
        domain = os.environ.get("CHATGATE_DOMAIN", "")
        values = choose(given, kept, domain, lambda: secrets.token_hex(32))
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    generated = {name: value for name, value in values.items() if not given.get(name)}
    for name, value in generated.items():
        _write(FOLDERS / "generated" / name, value)
    for path, text in files(values).items():
        _write(FOLDERS / path, text)
    made = ", ".join(generated) or "none"
    print(f"Secrets are in place; made for this machine, and good on loopback only: {made}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
