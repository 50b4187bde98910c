"""Lua sources of this package, by name."""

from importlib.resources import files

from edge.redis.client import Script


def script(*names: str) -> Script:
    """The sources of `names`, one after the other, as one script."""
    folder = files("broker.storage").joinpath("lua")
    return Script("".join(folder.joinpath(f"{name}.lua").read_text() for name in names))
