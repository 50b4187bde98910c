import pytest

from tests.chat_proxy.service import running


@pytest.fixture
async def service(valkey, tmp_path):
    async with running(valkey, tmp_path) as service:
        yield service
