"""The workers of a service that runs as a process."""

from typing import Any

import psutil


def workers_of(pid: int) -> list[int]:
    return [child.pid for child in psutil.Process(pid).children()]


def ready_in(process: Any) -> int:
    return process.log.read_text().count('"event":"worker_ready"')
