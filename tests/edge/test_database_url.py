import ssl

import pytest

from edge.database_url import BadDatabaseUrl, driver_url


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("postgres://u:p@h/d", "postgresql+asyncpg://u:p@h/d"),
        ("postgresql://u:p%40@h:5433/d", "postgresql+asyncpg://u:p%40@h:5433/d"),
        ("postgresql+asyncpg://u@/d?host=/run/pg", "postgresql+asyncpg://u@/d?host=%2Frun%2Fpg"),
        ("postgres://u@h/d?connect_timeout=10&pgbouncer=true", "postgresql+asyncpg://u@h/d"),
        ("sqlite:///data/a.db", "sqlite+aiosqlite:///data/a.db"),
        ("sqlite:////srv/a.db", "sqlite+aiosqlite:////srv/a.db"),
    ],
)
def test_a_database_url_becomes_the_drivers(raw, expected):
    assert driver_url(raw)[0].render_as_string(hide_password=False) == expected


@pytest.mark.parametrize(
    ("query", "verifies", "names"),
    [
        ("sslmode=verify-full", ssl.CERT_REQUIRED, True),
        ("sslmode=verify-ca", ssl.CERT_REQUIRED, False),
        ("sslmode=require&channel_binding=require", ssl.CERT_REQUIRED, True),
        ("sslmode=verify-full&sslrootcert=system", ssl.CERT_REQUIRED, True),
    ],
)
def test_a_database_url_can_ask_for_a_checked_certificate(query, verifies, names):
    context = driver_url(f"postgres://u:p@h/d?{query}")[1]["ssl"]
    assert (context.verify_mode, context.check_hostname) == (verifies, names)


@pytest.mark.parametrize(
    "query", ["", "sslmode=disable", "sslmode=require", "sslmode=require&channel_binding=prefer"]
)
def test_without_such_a_wish_tls_is_as_libpq_says(query):
    assert driver_url(f"postgres://u:p@h/d?{query}")[1]["ssl"] == (
        "prefer" if not query else query.partition("&")[0].removeprefix("sslmode=")
    )


@pytest.mark.parametrize("raw", [
    "", "secret", "mysql://u:secret@h/d", "sqlite://", "sqlite:///:memory:", "sqlite:///a.db?mode=ro",
    "postgres://u:secret@h", "postgres://u:secret@h/d?sslmode=maybe", "postgres://u:secret@h/d?hots=x",
    "postgres://u:secret@h:port/d", "postgres://u:secret@h/d?sslmode=verify-ca&sslrootcert=/nowhere",
])  # fmt: skip
def test_a_bad_database_url_is_refused_without_being_repeated(raw):
    with pytest.raises(BadDatabaseUrl) as refused:
        driver_url(raw)
    assert "secret" not in str(refused.value)


def test_the_endpoint_that_neon_is_told_goes_into_the_start_up_message():
    url, arguments = driver_url("postgres://u:p@h/d?sslmode=require&options=endpoint%3Dep-cool-sun-a1b2c3d4")
    assert arguments["server_settings"] == {"options": "endpoint=ep-cool-sun-a1b2c3d4"}
    assert url.query == {}
