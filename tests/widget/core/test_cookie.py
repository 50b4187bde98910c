"""A site whose pages are on the broker's own site: its session cookie is how a reader is known."""

import pytest

from tests.widget.core.core_page import CorePage
from tests.widget.stage import PASSWORD, Stage

pytestmark = pytest.mark.private


class SameSite(Stage):
    @property
    def origin(self):
        return self.site.url


def sign_in_at_the_broker(tab):
    """A new reader, whose cookie takes the place of another's."""
    url = f"{tab.stage.stack.broker}/api/auth/sign-in/email?client_id=same"
    tab.call(
        """const headers = { "Content-Type": "application/json" };
        const body = JSON.stringify({ email: args[1], password: args[2] });
        await fetch(args[0], { method: "POST", credentials: "include", headers, body });""",
        url,
        tab.stage.reader("same"),
        PASSWORD,
    )


@pytest.fixture
def tab(context, stage):
    """Signed in at the broker, and so here."""
    same = SameSite(**vars(stage))
    tab = CorePage(context, same, auth="cookie", clientId="same")
    tab.wait_for_session(name="signed_out", because="never")
    context.complaints.clear()
    sign_in_at_the_broker(tab)
    tab.page.reload()
    tab.wait_for_session(name="signed_in")
    return tab


def test_a_reader_with_the_brokers_cookie_asks_and_signs_out(tab):
    assert tab.session()["as"] == "reader"
    assert tab.ask("Is it so?")["text"] == "It is so."
    assert [one["isCurrent"] for one in tab.call("return gate.session.places();")["places"]].count(True) == 1
    tab.call("await gate.session.signOut();")
    tab.page.reload()
    tab.wait_for_session(name="signed_out", because="never")


def test_a_sign_out_that_the_broker_did_not_hear_is_told_before_the_cookie_counts_again(tab, context):
    context.set_offline(True)
    assert tab.call("return caught(gate.session.signOut());")["code"] == "offline"
    context.set_offline(False)
    tab.page.reload()
    tab.wait_for_session(name="signed_out", because="never")
    context.complaints.clear()


def test_nothing_of_one_reader_is_left_for_the_next_with_the_brokers_cookie(tab):
    tab.ask("Is it so?")
    sign_in_at_the_broker(tab)
    tab.call("gate.session.refused(await gate.session.token()); await gate.session.token();")
    assert tab.chat()["turns"] == []
    assert tab.session()["name"] == "signed_in"
    tab.ask("Is it so?")
