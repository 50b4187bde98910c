"""English words made alike before they are stemmed: forms that no stemmer knows, and the two spellings."""

import re
from functools import cache
from pathlib import Path
from typing import Final

_IZE: Final = re.compile(r"(?<=[a-z]{3})([iy])s(?=(?:e[drs]?|ers|ing|able|ations?)$)")
_OUR: Final = re.compile(r"(?<=[a-z]{3})our(?=(?:s|ed|ing|ite|ful|al)?$)")


def alike(word: str) -> str:
    """A folded word as the index has it: "stung" is "sting", and "colour" is "color"."""
    found = _forms().get(word) or _forms().get(word.removesuffix("s"))
    if found is not None:
        return found
    return _OUR.sub("or", _IZE.sub(r"\1z", word))


@cache
def _forms() -> dict[str, str]:
    lines = Path(__file__).with_name("irregular_forms.txt").read_text("utf-8").splitlines()
    found = (line.split() for line in lines if not line.startswith("#"))
    return {form: word for word, *forms in found for form in (word, *forms)}
