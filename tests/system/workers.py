"""The workers of a service that runs as a process."""

import psutil


def workers_of(pid):
    return [child.pid for child in psutil.Process(pid).children()]


def ready_in(process):
    return process.log.read_text().count('"event":"worker_ready"')
