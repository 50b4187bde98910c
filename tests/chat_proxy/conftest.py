import pytest

from tests.chat_proxy.service import running


@pytest.fixture
async def service(valkey, tmp_path, redis_deadline):
    async with running(valkey, tmp_path, redis_deadline=redis_deadline) as service:
        yield service


@pytest.fixture
async def keeping(valkey, tmp_path):
    """A proxy for a site that keeps the texts of rated answers."""
    async with running(valkey, tmp_path, site="feedback_text = true") as service:
        yield service
