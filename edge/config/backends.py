"""The tables `[backends.NAME]` of `chatgate.toml`: who answers questions, in which dialect, at what price."""

import json
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _parameters(value: str) -> str:
    try:
        members = json.loads(value)
    except ValueError:
        members = None
    if not isinstance(members, dict):
        raise ValueError('must be a JSON object, as in {"temperature": 0.2}')
    own = sorted(members.keys() & OWN_PARAMETERS)
    if own:
        raise ValueError(f"must not have {', '.join(own)}, which have keys of their own or only one value")
    return value


OWN_PARAMETERS: Final = frozenset({"model", "messages", "stream", "n", "max_tokens", "max_completion_tokens"})
"""Members of an OpenAI-style request that `parameters` may not replace."""
DEFAULT_PROMPT: Final = (
    "You answer readers' questions about this documentation, in the language of the question, briefly and "
    "plainly, in Markdown. If you do not know the answer, say so."
)
Parameters = Annotated[str, AfterValidator(_parameters)]


class Backend(Table):
    kind: Literal["native", "openai", "chatkit"] = Field(
        "native",
        description="The dialect that it speaks. `native` is "
        "[decision 2](decisions/0002-backend-contract.md), `openai` are OpenAI's chat completions, "
        "`chatkit` is a chatkit-python server ([backends.md](backends.md)).",
    )
    url: str = Field(
        pattern=r"^https?://[^\s?#]+$",
        description="Base address: `/chat` is appended for `native`, `/chat/completions` for `openai`; "
        "for `chatkit` it is the whole one.",
    )
    secret: SecretStr | None = Field(
        None,
        description="At least 32 bytes, of this backend alone. Signs the proxy's internal JWT, which a "
        "`native` backend and `retrieve_url` are sent.",
    )
    audience: str = Field(
        "chatgate-backend", min_length=1, max_length=256, description="`aud` of the internal JWT."
    )
    first_byte_seconds: float = Field(30, gt=0, le=300, description="How long an answer may take to begin.")
    answer_seconds: float = Field(120, gt=0, le=3600, description="How long an answer may take in all.")
    answer_bytes: int = Field(
        262_144,
        ge=1024,
        le=16_777_216,
        description="How large an answer may be; for `openai` and `chatkit`, its text.",
    )
    key: SecretStr | None = Field(None, description="`openai`, `chatkit`: the API key, sent as bearer.")
    model: str = Field("", max_length=256, description="`openai`: the model to ask; required there.")
    system_prompt: str = Field(
        DEFAULT_PROMPT,
        min_length=1,
        max_length=16_384,
        description="`openai`: the instructions that the model gets before every question but those about a "
        "selection alone.",
    )
    max_tokens: int = Field(
        1024,
        ge=1,
        le=1_000_000,
        description="Tokens that an answer may have, which a question reserves. `openai`: sent with each "
        "question.",
    )
    added_tokens: int = Field(
        0,
        ge=0,
        le=1_000_000,
        description="Tokens that the backend itself adds to a question, such as a prompt and passages: "
        "reserved with each.",
    )
    price_in: float = Field(
        0.0, ge=0, le=1_000_000, description="Price of a million tokens that the model reads."
    )
    price_out: float = Field(
        0.0, ge=0, le=1_000_000, description="Price of a million tokens that the model writes."
    )
    max_tokens_name: Literal["max_tokens", "max_completion_tokens"] = Field(
        "max_tokens",
        description="`openai`: the name under which it is sent. OpenAI's newer models take "
        "`max_completion_tokens` alone.",
    )
    parameters: Parameters = Field(
        "{}",
        max_length=4096,
        description="`openai`: a JSON object of further members of the request, such as "
        '`{"temperature": 0.2}`; null leaves a member out that is sent otherwise.',
    )
    selection_only: bool = Field(
        False,
        description="`chatkit`: whether the server answers from `quoted_text` alone where `metadata.mode` is "
        "`selection_only`. Otherwise such questions are refused. The other kinds always take them.",
    )
    retrieve_url: str | None = Field(
        None,
        pattern=r"^https?://[^\s?#]+$",
        description="`openai`: where passages for a question are asked for first "
        "([backends.md](backends.md)). If it is not set, the server may put them in itself.",
    )
