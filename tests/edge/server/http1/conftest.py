"""The front door with each parser of uvicorn."""

import pytest
import pytest_asyncio

from tests.edge.server.http1.front_door import PARSERS, serving


@pytest.fixture(params=list(PARSERS.values()), ids=list(PARSERS))
def parser(request):
    return request.param


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=list(PARSERS.values()), ids=list(PARSERS))
async def served(request):
    """One server for many tests that leave nothing behind."""
    async with serving(request.param) as app:
        yield app
