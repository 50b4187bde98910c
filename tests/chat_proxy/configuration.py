"""The configuration of a proxy in the tests: two sites, one backend, limits that no other test meets."""

from collections.abc import Mapping
from pathlib import Path

from tests.valkey import PATIENT_S

SITE = "https://docs.example.org"
OTHER_SITE = "https://other.example.org"
SECRET = "0123456789abcdef0123456789abcdef-backend"
GENEROUS = "questions_per_minute = 6000\nburst = 1000\nconcurrent = 100\ndaily_questions = 100000\n"


def configuration(
    folder: Path,
    redis_url: str,
    jwks_url: str,
    backend_url: str,
    *,
    tiers: Mapping[str, str] | None = None,
    site: str = "",
    other: str = "",
    backend: str = "",
    proxy: str = "",
    more: str = "",
    redis_deadline: float = PATIENT_S,
) -> tuple[Path, dict[str, str]]:
    path = folder / "chatgate.toml"
    tables = {"reader": GENEROUS, "guest": GENEROUS, **(tiers or {})}
    text = _toml(jwks_url, backend_url, site, other, backend, proxy)
    text += "".join(f"[tiers.{name}]\n{limits}\n" for name, limits in tables.items())
    path.write_text(text + more.format(url=backend_url))
    # The proxy makes no write that a replica has to acknowledge.
    return path, {
        "REDIS_URL": redis_url,
        "CHATGATE_REDIS_WAIT_REPLICAS": "0",
        "CHATGATE_REDIS_DEADLINE_SECONDS": str(redis_deadline),
    }


def _toml(jwks_url: str, backend_url: str, site: str, other: str, backend: str, proxy: str) -> str:
    return f"""
env = "development"
[broker]
secret = "0123456789abcdef0123456789abcdef-broker"
[proxy]
jwks_url = "{jwks_url}"
{proxy}
[sites.docs]
origins = ["{SITE}"]
backend = "main"
guests = true
{site}
[sites.other]
origins = ["{OTHER_SITE}"]
backend = "main"
{other}
[backends.main]
url = "{backend_url}"
secret = "{SECRET}"
{backend}
"""
