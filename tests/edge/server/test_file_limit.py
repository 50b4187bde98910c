import subprocess
import sys

import pytest

from edge.server.file_limit import room
from edge.server.http1.door import MAX_CONNECTIONS

ASK = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
from edge.server.file_limit import raise_limit
print(raise_limit(), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


@pytest.mark.parametrize(("soft", "hard", "files"), [(256, 1024, 1024), (1024, 1024, 1024), (512, 900, 900)])
def test_the_limit_is_raised_as_far_as_is_allowed(soft, hard, files):
    code = ASK.format(soft=soft, hard=hard)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(files)] * 2


@pytest.mark.parametrize(
    ("files", "connections"),
    [(1024, 448), (4096, 1984), (20_128, MAX_CONNECTIONS), (1_000_000, 10_000), (64, 1)],
)
def test_there_is_room_for_a_client_and_its_backend(files, connections):
    assert room(files) == connections
