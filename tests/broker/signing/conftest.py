import pytest
from structlog.testing import capture_logs


@pytest.fixture
def heard():
    """The log lines that were written."""
    with capture_logs() as lines:
        yield lines
