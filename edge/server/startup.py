"""Makes a service's start cheap. `python -m broker` and `python -m chat_proxy` import it before all else.

Parts of libraries that no service uses stay out; each library works without its part. Measured on a proxy
whose start took 0.45 s of CPU and 70 MiB:

- structlog loads rich, and rich loads pygments, for coloured lines on a console, wherever they are installed:
  3.5 MiB. It loads greenlet, which SQLAlchemy brings, for threads that no service has: 1 MiB.
- pydantic looks through every installed package for plugins: 35 ms. A plugin would see all settings, and so
  the secrets.
- FastAPI loads the whole of pydantic's version 1, to tell its models from those of today: 1.4 MiB and 16 ms.
- FastAPI builds some thirty models of an OpenAPI description, which no service serves: 1.3 MiB and 30 ms.
  They are built when they are used.
- redis-py's packages load its clients and all commands of Redis as soon as one module of theirs is wanted:
  4.4 MiB and 24 ms. The services use the modules that open a connection.

The garbage collector is off until `edge.server.start` has imported all: it would visit every new object
several times, and find next to nothing (50 ms).
"""

import gc
import importlib.util
import os
import sys
from typing import Final

_ABSENT: Final = ("rich", "pydantic.v1")
_GREENLET: Final = "greenlet"
_BARE: Final = ("redis", "redis.asyncio")
"""Packages whose modules can be imported, and which themselves stay empty."""

gc.disable()
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
for _name in _ABSENT:
    sys.modules.setdefault(_name, None)  # type: ignore[arg-type]

if _GREENLET not in sys.modules:
    sys.modules[_GREENLET] = None  # type: ignore[assignment]
    try:
        import structlog  # noqa: F401
    finally:
        # SQLAlchemy needs it for the accounts.
        del sys.modules[_GREENLET]

for _name in _BARE:
    _found = importlib.util.find_spec(_name)
    if _found is not None and _name not in sys.modules:
        sys.modules[_name] = importlib.util.module_from_spec(_found)

from pydantic import BaseModel  # noqa: E402  after the line about its plugins

BaseModel.model_config["defer_build"] = True
try:
    import fastapi  # noqa: F401
finally:
    del BaseModel.model_config["defer_build"]
