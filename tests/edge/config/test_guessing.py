"""A person's secrets are refused in production, those that chance made are not."""

import base64
import random
import secrets
import string
import subprocess
import sys
import uuid
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from passlib.hash import argon2 as ARGON2

from edge.config.guessing import known, strength
from edge.config.guessing.lengths import MAX_LENGTH, is_guessable
from edge.config.read import read
from tests.edge.config.configurations import GOOD, SECRETS

WEAK = Path(__file__).with_name("weak_secrets.txt").read_text().splitlines()
LETTERS = string.ascii_letters + string.digits
CHANCE = {
    "token_hex(32)": lambda: secrets.token_hex(32),
    "the containers'": lambda: f"made-for-development-only-{secrets.token_hex(32)}",
    "token_hex(16)": lambda: secrets.token_hex(16),
    "openssl rand -base64 32": lambda: base64.b64encode(secrets.token_bytes(32)).decode(),
    "token_urlsafe(32)": lambda: secrets.token_urlsafe(32),
    "two of uuidgen": lambda: f"{uuid.uuid4()}{uuid.uuid4()}",
    "pwgen -s 32": lambda: drawn(LETTERS, 32),
    "hex in base64": lambda: base64.b64encode(secrets.token_hex(16).encode()).decode(),
    "openssl rand -base64 48": lambda: base64.b64encode(secrets.token_bytes(48)).decode(),
    "64 hex digits in capitals": lambda: secrets.token_hex(32).upper(),
    "base32": lambda: base64.b32encode(secrets.token_bytes(32)).decode(),
    "npx auth secret": lambda: base64.b64encode(secrets.token_bytes(33)).decode(),
    "Laravel": lambda: f"base64:{base64.b64encode(secrets.token_bytes(32)).decode()}",
    "Rails": lambda: secrets.token_hex(64),
    "Django": lambda: drawn(string.ascii_lowercase + string.digits + "!@#$%^&*(-_=+)", 50),
    "a password manager": lambda: drawn(LETTERS + string.punctuation, 32),
    "pwgen -s 40": lambda: drawn(LETTERS, 40),
    "letters alone": lambda: drawn(string.ascii_letters, 40),
    "small letters and digits": lambda: drawn(string.ascii_lowercase + string.digits, 40),
    "base58": lambda: drawn("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", 44),
    "two of uuidgen with a hyphen": lambda: f"{uuid.uuid4()}-{uuid.uuid4()}",
}
SHOWN = {
    "a UUID": lambda: str(uuid.uuid4()),
    "a UUID in capitals and braces": lambda: f"{{{uuid.uuid4()}}}".upper(),
    "a UUID of a time": lambda: str(uuid.uuid1()),
    "a JWT": lambda: jwt.encode({"sub": secrets.token_hex(8)}, secrets.token_bytes(32)),
    "a public key": lambda: public_key(ec.generate_private_key(ec.SECP256R1())),
    "a public key in a line": lambda: "".join(
        public_key(ec.generate_private_key(ec.SECP256R1())).splitlines()[1:-1]
    ),
    "a password's hash": lambda: ARGON2.hash(secrets.token_hex(16)),
    "bcrypt": lambda: f"$2b$12${drawn(LETTERS + './', 53)}",
    "crypt(3)": lambda: f"$6${drawn(LETTERS, 16)}${drawn(LETTERS + './', 86)}",
    "Django's hash": lambda: (
        f"pbkdf2_sha256$600000${drawn(LETTERS, 22)}${CHANCE['openssl rand -base64 32']()}"
    ),
    "Django's startproject": lambda: f"django-insecure-{CHANCE['Django']()}",
    "what says not to use it": lambda: f"{CHANCE['pwgen -s 32']()}-CHANGEME",
    "digits alone": lambda: drawn(string.digits, 36),
    "twelve octets": lambda: base64.b64encode(secrets.token_hex(12).encode()).decode(),
    "octets in order": lambda: base64.b64encode(bytes(range(secrets.randbelow(200), 256)[:32])).decode(),
}


def drawn(alphabet, length):
    return "".join(secrets.choice(alphabet) for _ in range(length))


def public_key(private):
    pem = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return pem.decode()


WORDS = [
    "my",
    "super",
    "secret",
    "key",
    "jwt",
    "token",
    "auth",
    "app",
    "change",
    "this",
    "please",
    "production",
    "random",
    "string",
    "session",
]


@pytest.mark.parametrize("secret", WEAK)
def test_a_secret_that_a_person_wrote_or_that_was_published_is_guessable(secret):
    assert is_guessable(secret)


@pytest.mark.parametrize("make", CHANCE.values(), ids=CHANCE)
def test_a_secret_that_chance_made_is_not_guessable(make):
    assert not any(is_guessable(secret) for secret in [make() for _ in range(5)])


@pytest.mark.parametrize("make", SHOWN.values(), ids=SHOWN)
def test_tokens_that_are_made_to_be_shown_are_no_secrets(make):
    for secret in [make() for _ in range(3)]:
        assert is_guessable(secret), secret


@pytest.mark.parametrize("join", ["-".join, "_".join, " ".join, "".join], ids=["-", "_", "space", "nothing"])
def test_words_in_any_order_and_hand_are_guessable(join):
    some = random.Random(1)
    for _ in range(2):
        words = [some.choice(WORDS) for _ in range(10)]
        text = join(words)
        for written in (text, text.upper(), join(word.title() for word in words), text.replace("e", "3")):
            assert is_guessable(f"{written}{some.choice(['', '123', '!', '2024'])}"), written
            assert is_guessable(base64.b64encode(written.encode()).decode()), written
            assert is_guessable(written.encode().hex()), written


def test_a_table_has_the_published_secrets_and_no_others():
    published = [make() for make in CHANCE.values() for _ in range(20)]
    table = b"".join(sorted(known.fingerprint(one) for one in published))
    for one in published:
        for written in (
            one,
            one.upper(),
            one.lower(),
            f"base64:{one.removeprefix('base64:')}",
            one.rstrip("="),
        ):
            assert known.is_in(table, written), written
            assert not known.is_in(b"", written)
    assert not any(known.is_in(table, make()) for make in CHANCE.values() for _ in range(20))


def test_a_very_long_one_is_judged_by_its_beginning():
    assert is_guessable("a secret that says nothing new " * 3_000)
    assert not is_guessable(secrets.token_hex(MAX_LENGTH * 50))


def settings(tmp_path, text="", **environ):
    path = tmp_path / "chatgate.toml"
    path.write_text(GOOD + text)
    return read(path, {**SECRETS, **environ})


GENERATED = {
    "CHATGATE_BROKER_SECRET": secrets.token_hex(32),
    "CHATGATE_BACKENDS_BOOK_SECRET": secrets.token_hex(32),
}


def test_every_secret_of_production_is_judged(tmp_path):
    gateway = '[resource_servers.gateway]\nsecret = "gateway-secret-gateway-secret-gateway"'
    said = list(strength.faults(settings(tmp_path, gateway, CHATGATE_BROKER_PREVIOUS_SECRETS=WEAK[0])))
    assert [line.partition(":")[0] for line in said] == [
        "broker.secret",
        "broker.previous_secrets.0",
        "backends.book.secret",
        "resource_servers.gateway.secret",
    ]
    assert said[0].endswith("Set CHATGATE_BROKER_SECRET_FILE to a file made by `openssl rand -hex 32`.")
    assert "Take it out of CHATGATE_BROKER_PREVIOUS_SECRETS" in said[1]
    assert WEAK[0] not in "".join(said)
    assert list(strength.faults(settings(tmp_path, **GENERATED))) == []
    assert list(strength.faults(settings(tmp_path, gateway, CHATGATE_ENV="development"))) == []


@pytest.mark.parametrize("password", ["changeme", "%3Cpassword%3E", "password", "your-redis-password"])
def test_a_samples_password_in_an_address_is_a_fault(tmp_path, password):
    urls = {
        "REDIS_URL": f"redis://chatgate:{password}@127.0.0.1:6379/0",
        "CHATGATE_BROKER_DATABASE_URL": f"postgresql://chatgate:{password}@db.internal/chatgate",
    }
    said = list(strength.faults(settings(tmp_path, **GENERATED, **urls)))
    assert [line.partition(":")[0] for line in said] == ["redis.url", "broker.database_url"]
    urls = {key: url.replace(password, secrets.token_hex(8)) for key, url in urls.items()}
    assert list(strength.faults(settings(tmp_path, **GENERATED, **urls))) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", None),
        ("[broker]\nurl = 'https://auth.example.org'", "broker.url: https://auth.example.org is a sample's"),
        ("[proxy]\nurl = 'https://chat.example'", "proxy.url: https://chat.example is a sample's"),
        ("[broker]\nurl = 'https://auth.notexample.org'", None),
        ("[sites.your-site]\norigins = ['https://a.b']\nbackend = 'book'", "sites: your-site looks like"),
        ("[sites.todo]\norigins = ['https://a.b']\nbackend = 'book'", "sites: todo looks like"),
        (
            "[backends.b]\nurl = 'https://<host>/v1'\nsecret = '0123456789abcdef-of-a-backend-0123'",
            "backends.b.url: https://<host>/v1 looks like",
        ),
    ],
)
def test_a_samples_names_are_remarked_on(tmp_path, text, said):
    remarks = list(strength.remarks(settings(tmp_path, text)))
    assert [line[: len(said)] for line in remarks] == [said] if said else remarks == []


def test_no_service_holds_the_word_lists():
    code = "import sys, broker.serve, chat_proxy.serve, edge.server.start; print('zxcvbn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
