import pytest

from tests.chat_proxy.service import running


@pytest.fixture
async def service(valkey, tmp_path, redis_deadline):
    async with running(valkey, tmp_path, redis_deadline=redis_deadline) as service:
        yield service
