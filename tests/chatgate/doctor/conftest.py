import sys

import pytest

from tests.chatgate.doctor.deployment import FAST, deployed
from tests.missing import cannot


# For the session: modules that are shared out by their size do not come one after the other.
@pytest.fixture(scope="session")
def running():
    if sys.platform != "linux":
        cannot("the packages of the reverse proxies are for Linux")
    with deployed() as deployment:
        yield deployment


@pytest.fixture
def deployment(running, monkeypatch):
    """The running stack, with the site as it should be and a backend that answers at once."""
    monkeypatch.delenv("CHATGATE_DOCTOR_PASSWORD", raising=False)
    running.publish()
    running.backend.script = FAST
    return running
