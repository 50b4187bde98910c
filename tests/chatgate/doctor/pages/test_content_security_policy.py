"""Which sources allow an address, by the table of CSP3 6.7.2.8."""

import pytest

from chatgate.doctor.pages.content_security_policy import allows

PAGE = "https://owner.github.io"
URL = "https://chat.example.org"


@pytest.mark.parametrize(
    ("sources", "url", "expected"),
    [
        ([], URL, False),
        (["'none'"], URL, False),
        (["'self'"], URL, False),
        (["'self'"], PAGE, True),
        (["*"], URL, True),
        (["https:"], URL, True),
        (["http:"], URL, True),
        (["data:"], URL, False),
        (["https://chat.example.org"], URL, True),
        (["http://chat.example.org"], URL, True),
        (["https://chat.example.org"], "http://chat.example.org", False),
        (["chat.example.org"], URL, True),
        (["CHAT.example.org"], URL, True),
        (["*.example.org"], URL, True),
        (["*.example.org"], "https://example.org", False),
        (["https://*.example.org:*"], "https://chat.example.org:8443", True),
        (["https://chat.example.org:8443"], URL, False),
        (["https://chat.example.org:443"], URL, True),
        (["https://chat.example.org"], "https://chat.example.org:8443", False),
        (["https://other.example.org", "https://chat.example.org"], URL, True),
        (["https://chat.example.org.evil.example"], URL, False),
        (["https://[::1]:8001"], "http://[::1]:8001", False),
        (["http://[::1]:8001"], "http://[::1]:8001", True),
        (["http://127.0.0.1:8001"], "http://127.0.0.1:8001", True),
    ],
)
def test_a_source_list_allows(sources, url, expected):
    assert allows(sources, url, PAGE) is expected
