"""Better Auth's clients for React, Vue and Solid, on a page of each framework: every call of the plain
client, and the page shows what has changed."""

import pytest

from tests.broker.endpoints.better_auth_steps import RAW, SITES, STEPS, seen, steps_of
from tests.broker.service import SECRET, SITE
from tests.node_packages import node
from tests.processes import broker_process

pytestmark = pytest.mark.node

# Beyond those of the plain client, which stands on no page.
PAGES = {
    "page at first": None,
    "sign in elsewhere": "signed in",
    "update elsewhere, in view": {"status": True},
    "page in view": {"user": "Ada in view"},
    "update elsewhere, after another tab": {"status": True},
    "page after another tab": {"user": "Ada after another tab"},
    "page while the broker is down": {"user": "Ada after another tab"},
    "page when the broker is back": {"user": "Ada after another tab"},
}
OF_VUE = {"session by useFetch": "session"}


@pytest.fixture(scope="module")
def broker():
    node()
    with broker_process(SITES, secret=SECRET) as url:
        yield url


@pytest.mark.parametrize("library", ["better-auth", "better-auth-1.6"])
@pytest.mark.parametrize("kind", ["react", "vue", "solid"])
def test_every_step_gives_what_better_auth_would(broker, kind, library):
    steps = steps_of(broker, SITE, "cookie", library, kind)
    found = {name: seen(step, RAW) for name, step in steps.items()}
    assert found == STEPS | PAGES | (OF_VUE if kind == "vue" else {})
    for name in ("page in view", "page after another tab"):
        assert {one["path"] for one in steps[name]["wire"]} == {"/api/auth/get-session"}
