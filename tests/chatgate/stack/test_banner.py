"""Lines of the banner: where to ask, for each way to register the plain pages, and where metrics are."""

import pytest

from chatgate.environment import read_environment
from chatgate.stack.banner import metrics, where_to_ask

PAGE, NAMED = "http://127.0.0.1:3000", "http://localhost:3000"
CALLBACK = "/chatgate-callback.html"
FOUND = "Ask about the book on its pages: "


def line(folder, origins, redirect_uris=(), *, guests=False):
    (folder / "chatgate.toml").write_text(
        'env = "development"\n[sites.docs]\nbackend = "book"\n'
        f"origins = {list(origins)}\nredirect_uris = {list(redirect_uris)}\nguests = {str(guests).lower()}\n"
        "[backends.book]\n"
    )
    return where_to_ask(read_environment({}, folder), "")


@pytest.mark.parametrize("page", [PAGE, NAMED])
def test_the_page_is_named_at_the_address_that_is_registered(folder, page):
    assert line(folder, [page], [page + CALLBACK]) == FOUND + page


def test_guests_need_no_callback(folder):
    assert line(folder, [PAGE], guests=True) == FOUND + PAGE


def test_a_page_that_cannot_ask_is_not_named_as_one(folder):
    said = line(folder, ["http://localhost:3001"])
    assert said == (
        f"The plain pages at {PAGE} cannot ask yet: add {PAGE} to sites.docs.origins and {PAGE}{CALLBACK} to "
        f"sites.docs.redirect_uris in {folder}/chatgate.toml. The site's own are at http://localhost:3001."
    )


def test_a_page_whose_readers_cannot_sign_in_is_not_named_as_one(folder):
    said = line(folder, [PAGE])
    assert said.startswith(
        f"The plain pages at {PAGE} cannot ask yet: add {PAGE}{CALLBACK} to sites.docs.red"
    )


def test_a_folder_without_a_configuration_names_the_page(folder):
    assert where_to_ask(read_environment({}, folder), "") == FOUND + PAGE


def test_pages_of_ones_own_take_the_place_of_the_plain_ones(folder):
    said = where_to_ask(read_environment({}, folder), "http://127.0.0.1:3001/book/")
    assert said == f"{FOUND}http://127.0.0.1:3001/book/"


def test_the_metrics_that_listen_are_told(folder):
    assert metrics(read_environment({}, folder)) == [
        "http://127.0.0.1:9000/metrics (broker)",
        "http://127.0.0.1:9001/metrics (proxy)",
    ]
    none = {"CHATGATE_BROKER_METRICS_PORT": "0", "CHATGATE_PROXY_METRICS_PORT": "0"}
    assert metrics(read_environment(none, folder)) == []
