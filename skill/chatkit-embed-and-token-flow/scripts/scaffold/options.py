"""Options of a command line whose errors tell what would be right."""

import argparse
import difflib
from collections.abc import Sequence
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """An option is written out in full. An unknown one ends with the nearest, or with all there are."""

    def __init__(self, program: str | None, description: str | None) -> None:
        super().__init__(prog=program, description=description, allow_abbrev=False)

    def read(self, arguments: Sequence[str] | None) -> argparse.Namespace:
        found, unknown = self.parse_known_args(arguments)
        if unknown:
            self._refuse(unknown[0])
        return found

    def _refuse(self, argument: str) -> NoReturn:
        known = [name for action in self._actions for name in action.option_strings if name.startswith("--")]
        near = difflib.get_close_matches(argument.partition("=")[0], known, 1)
        right = f"Did you mean {near[0]}?" if near else f"The options are {', '.join(known)}."
        self.error(f"{argument!r} is no option. {right}")
