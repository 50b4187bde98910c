import asyncio

import uvloop


def pytest_asyncio_loop_factories(config, item):
    """The services run on uvloop, and on asyncio's own loop where that is missing."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
