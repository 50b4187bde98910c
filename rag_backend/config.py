"""The backend's configuration, resolved once from CHATGATE_BACKEND_* variables."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from rag_backend.llm import Model

PREFIX: Final = "CHATGATE_BACKEND_"
MIN_SECRET: Final = 32
"""Bytes: what RFC 7518 3.2 asks of an HS256 key."""


class ConfigError(Exception):
    """The backend cannot start; the message names the variable and what it should be."""


@dataclass(frozen=True, slots=True)
class Config:
    secret: bytes = field(repr=False)
    host: str = "127.0.0.1"
    port: int = 8002
    audience: str = "chatgate-backend"
    index: Path = Path(".chatgate/book.db")
    model: Model | None = None


class _Variables(BaseSettings):
    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="ignore")

    host: str = "127.0.0.1"
    port: int = Field(8002, ge=1, le=65535)
    secret: str = ""
    secret_file: Path | None = None
    audience: str = "chatgate-backend"
    index: Path = Path(".chatgate/book.db")
    llm_base_url: str = ""
    llm_api_key: str = ""
    llm_api_key_file: Path | None = None
    llm_model: str = ""


def from_environment() -> Config:
    """Raises ConfigError."""
    _refuse_unknown(os.environ)
    try:
        variables = _Variables()
    except ValidationError as error:
        raise ConfigError(" ".join(_fault(str(fault["loc"][0])) for fault in error.errors())) from None
    secret = _secret("SECRET", variables.secret, variables.secret_file)
    if len(secret.encode()) < MIN_SECRET:
        raise ConfigError(
            f"{PREFIX}SECRET, or the file that {PREFIX}SECRET_FILE names, must hold at least {MIN_SECRET}"
            " bytes. It is the secret that the chat proxy has for this backend."
        )
    return Config(
        secret=secret.encode(),
        host=variables.host,
        port=variables.port,
        audience=variables.audience,
        index=variables.index,
        model=_model(variables),
    )


def _refuse_unknown(environ: Mapping[str, str]) -> None:
    # pydantic-settings reads the names it knows, in any case, and would pass over one that is misspelt.
    known = {PREFIX + name.upper() for name in _Variables.model_fields}
    unknown = sorted(
        name for name in environ if name.upper().startswith(PREFIX) and name.upper() not in known
    )
    if unknown:
        verb = "is no setting" if len(unknown) == 1 else "are no settings"
        raise ConfigError(f"{', '.join(unknown)} {verb}: correct the spelling or unset it.")


def _fault(name: str) -> str:
    should = "a whole number from 1 to 65535" if name == "port" else "another kind of value"
    return f"{PREFIX}{name.upper()} must be {should}."


def _model(variables: _Variables) -> Model | None:
    key = _secret("LLM_API_KEY", variables.llm_api_key, variables.llm_api_key_file)
    named: Mapping[str, str] = {"LLM_BASE_URL": variables.llm_base_url, "LLM_MODEL": variables.llm_model}
    missing = [PREFIX + name for name, value in named.items() if not value]
    if len(missing) == len(named) and not key:
        return None
    if missing:
        raise ConfigError(f"{' and '.join(missing)} must be set too, or nothing of the language model.")
    url = urlsplit(variables.llm_base_url)
    if url.scheme not in ("http", "https") or not url.hostname or url.query or url.fragment:
        raise ConfigError(f"{PREFIX}LLM_BASE_URL is an http or https URL that ends before /chat/completions.")
    return Model(variables.llm_base_url, variables.llm_model, key)


def _secret(name: str, value: str, file: Path | None) -> str:
    if value and file:
        raise ConfigError(f"Set {PREFIX}{name} or {PREFIX}{name}_FILE, not both.")
    if file is None:
        return value
    try:
        return file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"{PREFIX}{name}_FILE names a file that cannot be read.") from None
