"""The backend's configuration, resolved once from CHATGATE_BACKEND_* variables."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from rag_backend.answers.model import Model
from rag_backend.search import embedding
from rag_backend.search.embedding import Embedding

PREFIX: Final = "CHATGATE_BACKEND_"
MIN_SECRET: Final = 32
"""Bytes: RFC 7518 3.2 requires as many of an HS256 key."""
RESERVED: Final = frozenset({"model", "messages", "stream", "n"})
"""Parameters that an operator must not set: the backend could not read the answer with other values."""


NO_EMBEDDING: Final = "none"
"""In place of a model's name: passages are found by words alone, even where the small model is installed."""


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
    embedding: Embedding | None = None


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
    llm_parameters: str = ""
    embeddings_base_url: str = ""
    embeddings_api_key: str = ""
    embeddings_api_key_file: Path | None = None
    embeddings_model: str = ""


def from_environment() -> Config:
    """The configuration from the environment's variables. Raises ConfigError."""
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
        embedding=_embedding(variables),
    )


def embedding_from_environment() -> Embedding | None:
    """The embedding model that the variables name, else the small one where it is installed. Raises
    ConfigError."""
    return _embedding(_Variables())


def _refuse_unknown(environ: Mapping[str, str]) -> None:
    # pydantic-settings reads known names in any case, and would ignore one that is misspelt.
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
    if len(missing) == len(named) and not key and not variables.llm_parameters:
        return None
    if missing:
        raise ConfigError(f"{' and '.join(missing)} must be set too, or nothing of the language model.")
    _require_address("LLM_BASE_URL", variables.llm_base_url, "/chat/completions")
    return Model(variables.llm_base_url, variables.llm_model, key, _parameters(variables.llm_parameters))


def _embedding(variables: _Variables) -> Embedding | None:
    key = _secret("EMBEDDINGS_API_KEY", variables.embeddings_api_key, variables.embeddings_api_key_file)
    given = (variables.embeddings_base_url, variables.embeddings_model)
    if variables.embeddings_model == NO_EMBEDDING:
        return None
    if not any((*given, key)):
        return embedding.installed()
    if not all(given):
        raise ConfigError(
            f"{PREFIX}EMBEDDINGS_BASE_URL and {PREFIX}EMBEDDINGS_MODEL must both be set, or neither."
        )
    _require_address("EMBEDDINGS_BASE_URL", variables.embeddings_base_url, "/embeddings")
    return embedding.Remote(variables.embeddings_base_url, variables.embeddings_model, key)


def _require_address(name: str, address: str, end: str) -> None:
    url = urlsplit(address)
    if url.scheme not in ("http", "https") or not url.hostname or url.query or url.fragment:
        raise ConfigError(f"{PREFIX}{name} is an http or https URL that ends before {end}.")


def _parameters(text: str) -> dict[str, Any]:
    try:
        parameters = orjson.loads(text or "{}")
    except orjson.JSONDecodeError:
        parameters = None
    if not isinstance(parameters, dict):
        raise ConfigError(f'{PREFIX}LLM_PARAMETERS is a JSON object, such as {{"temperature": 0.2}}.')
    taken = sorted(RESERVED & parameters.keys())
    if taken:
        raise ConfigError(
            f"{PREFIX}LLM_PARAMETERS must not have {' and '.join(taken)}: the backend sets them."
        )
    return parameters


def _secret(name: str, value: str, file: Path | None) -> str:
    if value and file:
        raise ConfigError(f"Set {PREFIX}{name} or {PREFIX}{name}_FILE, not both.")
    if file is None:
        return value
    try:
        return file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"{PREFIX}{name}_FILE names a file that cannot be read.") from None
