import pytest
from starlette.datastructures import Headers

from edge.http.authorization import BEARER, DPOP, Credentials, bearer_token, credentials
from edge.http.problems import Problem


def headers(*values):
    return Headers(raw=[(b"authorization", value) for value in values])


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (b"Bearer a.b-c", Credentials(BEARER, "a.b-c")),
        (b"bEARER a", Credentials(BEARER, "a")),
        (b"DPoP a.b-c", Credentials(DPOP, "a.b-c")),
        (b"dpop a", Credentials(DPOP, "a")),
        (b"Basic dTpw", None),
        (b"Bearers a", None),
        (b"DPoP-a b", None),
    ],
)
def test_the_token_and_its_scheme(value, found):
    assert credentials(headers(value)) == found
    assert bearer_token(headers(value)) == (found.token if found and found.scheme == BEARER else None)


def test_without_the_header_there_is_none():
    assert credentials(headers()) is None
    assert bearer_token(headers()) is None


@pytest.mark.parametrize("read", [credentials, bearer_token])
@pytest.mark.parametrize("scheme", [b"Bearer", b"DPoP", b"dpop"])
@pytest.mark.parametrize("rest", [b"", b" ", b"\ta", b"  a", b" a b", b" a\0", b" \xff", b" a ", b"=a"])
def test_one_scheme_one_space_and_one_word(read, scheme, rest):
    with pytest.raises(Problem) as refused:
        read(headers(scheme + rest))
    assert (refused.value.status, refused.value.code) == (400, "invalid_request")


@pytest.mark.parametrize(
    "values", [(b"Bearer a", b"Bearer a"), (b"DPoP a", b"Bearer a"), (b"Basic a", b"DPoP a")]
)
def test_two_headers_are_no_credentials(values):
    with pytest.raises(Problem):
        credentials(headers(*values))
