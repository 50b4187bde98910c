"""Writes broker/accounts/common_passwords.txt from the password frequency list of the `zxcvbn` package.

`--check` writes nothing and exits 1 when the file is not what this would write.
"""

import argparse
import sys
import unicodedata
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

TARGET = Path(__file__).parents[1] / "broker" / "accounts" / "common_passwords.txt"
SIZE = 10_000
# A shorter password is refused for its length.
MIN_LENGTH = 8

HEADER = (
    "# The {size} most frequent passwords of {length} or more characters, most frequent first, "
    "from the PyPI package zxcvbn {version}: MIT licence, Copyright (c) 2016 Daniel Wolf, "
    "after zxcvbn, Copyright (c) 2012-2016 Dan Wheeler and Dropbox, Inc."
)


def select(frequency_list: list[str]) -> list[str]:
    """The passwords in the form in which a typed one is compared, each once, in order of frequency."""
    folded = (unicodedata.normalize("NFKC", word).casefold() for word in frequency_list)
    return [word for word in dict.fromkeys(folded) if len(word) >= MIN_LENGTH][:SIZE]


def render() -> str:
    # A requirement of development only: the services read the list, not the package.
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415

    words = select(list(FREQUENCY_LISTS["passwords"]))
    header = HEADER.format(size=len(words), length=MIN_LENGTH, version=version("zxcvbn"))
    return "\n".join([header, *words, ""])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    try:
        text = render()
    except (ImportError, PackageNotFoundError):
        print("zxcvbn is missing: `make install` brings it", file=sys.stderr)
        return 2
    if not arguments.check:
        TARGET.write_text(text, encoding="utf-8")
        return 0
    if TARGET.exists() and TARGET.read_text(encoding="utf-8") == text:
        return 0
    print(f"{TARGET.name} is stale: run generators/{Path(__file__).name}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
