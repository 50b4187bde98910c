"""The table `[sites.NAME.better_auth]`: what each way needs, and what only others use."""

import pytest

from edge.config.read import read
from edge.config.schema import ConfigurationError

SECRETS = {
    "CHATGATE_BROKER_SECRET": "0123456789abcdef0123456789abcdef",
    "CHATGATE_BACKENDS_BOOK_SECRET": "fedcba9876543210fedcba9876543210",
    "REDIS_URL": "redis://127.0.0.1:6379/0",
}
SITE = """
[sites.my-docs]
origins = ["https://owner.github.io"]
backend = "book"
[backends.book]
url = "http://127.0.0.1:8002"
"""
NAME = "sites.my-docs.better_auth"
HTTP = 'upstream = "http"\nurl = "https://docs.example.org/api/auth"\n'


def load(tmp_path, table, **environ):
    path = tmp_path / "chatgate.toml"
    path.write_text(f"{SITE}[{NAME}]\n{table}\n")
    return read(path, {**SECRETS, **environ}).sites["my-docs"].better_auth


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ("", f"{NAME}.upstream: is missing"),
        ('upstream = "cookie"', f"{NAME}.upstream: "),
        ('upstream = "http"', f'{NAME}.url: is missing. upstream = "http" needs it'),
        ('upstream = "jwt"', f"{NAME}.url: is missing"),
        ('upstream = "database"', f"{NAME}.database_url: is missing"),
        (
            'upstream = "database"\ndatabase_url = "mysql://a/b"',
            "must begin with sqlite:/// or postgresql://",
        ),
        ('upstream = "database"\ndatabase_url = "sqlite:///a"\nnames = { sessions = "s" }', "is none of"),
        ('upstream = "redis"\nredis_url = "http://a"', f"{NAME}.redis_url: "),
        (
            'upstream = "redis"\nurl = "https://a.example"',
            f'{NAME}.url: upstream = "redis" has no use for it',
        ),
        ('upstream = "redis"\nremember_seconds = 1', "has no use for it"),
        (HTTP + 'database_url = "sqlite:///a"', "has no use for it"),
        (HTTP + 'secrets = [""]', "one is empty"),
        (HTTP + "remember_seconds = 61", f"{NAME}.remember_seconds: "),
        (HTTP + 'webhook_secret = "short"', f"{NAME}.webhook_secret: has fewer than 32 bytes"),
        (HTTP + f'webhook_secret = "{SECRETS["CHATGATE_BROKER_SECRET"]}"', "two of them are equal"),
        ('upstream = "http"\nurl = "https://a.example/api?x=1"', f"{NAME}.url: "),
    ],
)
def test_a_table_that_cannot_work_is_refused_with_what_to_mend(tmp_path, table, fault):
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, table)
    assert fault in str(caught.value)


def test_variables_and_files_reach_into_the_table(tmp_path):
    secrets = tmp_path / "secrets"
    secrets.write_text("the newer one\nthe older one\n")
    prefix = "CHATGATE_SITES_MY_DOCS_BETTER_AUTH"
    environ = {f"{prefix}_SECRETS_FILE": str(secrets), f"{prefix}_REMEMBER_SECONDS": "0"}
    found = load(tmp_path, HTTP, **environ)
    assert [one.get_secret_value() for one in found.secrets] == ["the newer one", "the older one"]
    assert found.remember_seconds == 0
    # The table itself is in the file, or a misspelt variable would be a new one.
    with pytest.raises(ConfigurationError):
        load(tmp_path, HTTP, **{f"{prefix}_SECERTS": "x"})
