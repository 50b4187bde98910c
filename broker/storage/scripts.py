"""Lua sources of this package, by name."""

from importlib.resources import files

from edge.store import Script


def script(name: str) -> Script:
    return Script(files("broker.storage").joinpath("lua", f"{name}.lua").read_text())
