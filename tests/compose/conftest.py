import pytest

from tests.compose import engine, stand_ins
from tests.compose.stack import Stack


@pytest.fixture(scope="session")
def docker():
    with engine.running() as docker:
        yield docker


@pytest.fixture(scope="session")
def are_stand_ins(docker, tmp_path_factory):
    """Whether the base images are ours; they are there afterwards."""
    return stand_ins.provide(docker, tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="session")
def clone(tmp_path_factory):
    made = engine.clone(tmp_path_factory.mktemp("clone"))
    # As by a umask of 077, but for what is mounted and not copied.
    for name in ("Caddyfile", "healthy.py", "secret_files.py"):
        (made / "containers" / name).chmod(0o600)
    return made


@pytest.fixture(scope="session")
def stack(docker, are_stand_ins, clone):
    """The stack as `docker compose up` starts it in a clone."""
    stack = Stack(docker, clone, "chatgate-test", "10.213.213")
    try:
        # Which builds the images, as there are none.
        stack.up()
        yield stack
    finally:
        stack.end()
