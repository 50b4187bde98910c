"""Writes docs/configuration.md from the settings themselves.

`--check` writes nothing and exits 1 when the file is not what this would write.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from edge.config.checks import MIN_SECRET
from edge.config.schema import BUILT_IN_TIERS, NAMED_TABLES, NESTED_TABLES, TABLES, Settings
from edge.config.variables import variable

TARGET = Path(__file__).parents[1] / "docs" / "configuration.md"

INTRODUCTION = f"""# Configuration

Both services and the commands read one TOML file: the one that `CHATGATE_CONFIG` names, else `chatgate.toml`
in the working folder. A variable overrides a key of it (`my-book` is `MY_BOOK` in its name), and a variable
that ends in `_FILE` names a file that holds the value, as secrets should be given. A value that is a list is
written with commas in a variable. A key or a `CHATGATE_*` variable that does not exist stops the start, and
so does every fault that `chatgate check` names.

[`chatgate.example.toml`](../chatgate.example.toml) is a whole file to begin with. A secret has at least
{MIN_SECRET} bytes (`openssl rand -hex 32`); no two may be equal.

In production a secret is judged as well, by `chatgate check` and when a service starts: one that is
published somewhere, that is made to be shown (a UUID, a JWT, a public key, a password's hash), that has fewer
than 128 bits, or that looks like words, a series, a walk over the keyboard, a repetition, or the hash or
encoding of these, is refused, as is a sample's password in `redis.url` and `broker.database_url`. A secret
that a person made up is refused however long it is. `chatgate check` warns of names that a sample left
(`example.org`, `your-site`): nothing is unsafe with them, and nothing works.
"""

BACKEND = """## The reference backend

It reads no file, only these variables.

| variable | default | what it says |
| --- | --- | --- |
| `CHATGATE_BACKEND_HOST` | `127.0.0.1` | Address to listen on. |
| `CHATGATE_BACKEND_PORT` | `8002` | Port to listen on. |
| `CHATGATE_BACKEND_SECRET`, `CHATGATE_BACKEND_SECRET_FILE` | required | The proxy's one for it. |
| `CHATGATE_BACKEND_AUDIENCE` | `chatgate-backend` | `aud` that the internal JWT must have. |
| `CHATGATE_BACKEND_INDEX` | `.chatgate/book.db` | The index that `chatgate index` made. |
| `CHATGATE_BACKEND_LLM_BASE_URL` | none | An OpenAI-style address, up to `/chat/completions`. |
| `CHATGATE_BACKEND_LLM_MODEL` | none | The model to ask there. |
| `CHATGATE_BACKEND_LLM_API_KEY`, `CHATGATE_BACKEND_LLM_API_KEY_FILE` | none | The key to ask with. |
| `CHATGATE_BACKEND_LLM_PARAMETERS` | none | A JSON object sent along, such as `{"temperature": 0.2}`. |
| `CHATGATE_BACKEND_EMBEDDINGS_BASE_URL` | none | An OpenAI-style address, up to `/embeddings`. |
| `CHATGATE_BACKEND_EMBEDDINGS_MODEL` | the small model, if installed | The model there, or `none`. |
| `CHATGATE_BACKEND_EMBEDDINGS_API_KEY`, `CHATGATE_BACKEND_EMBEDDINGS_API_KEY_FILE` | none | Its key. |
"""

COMMAND_LINE = """## Ports and folders of `chatgate up`

`CHATGATE_PAGE_PORT` (3000) is where the sample book's pages are served, `CHATGATE_SITE_PORT` (3001) where
`make site` serves them as a Docusaurus site or `npm start` a site of your own, `CHATGATE_BROKER_PORT` (8000),
`CHATGATE_PROXY_PORT` (8001) and `CHATGATE_BACKEND_PORT` (8002) where the services listen, and
`CHATGATE_DATA_DIR` (`.chatgate`) where data is kept. Metrics are 1,000 ports above those of broker and proxy.
On another port than 8000 the broker's cookies begin with `chatgate-` and that port.
`REDIS_URL` takes the place of the embedded server.
"""


def render() -> str:
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield INTRODUCTION
    yield "## Top level\n"
    top = {
        name: field
        for name, field in Settings.model_fields.items()
        if name not in TABLES and name not in NAMED_TABLES
    }
    yield from _table((), top)
    for name, model in TABLES.items():
        yield f"\n## `[{name}]`\n"
        yield from _table((name,), model.model_fields)
    for name, model in NAMED_TABLES.items():
        yield f"\n## `[{name}.NAME]`\n"
        if name == "tiers":
            yield _built_in()
        nested = NESTED_TABLES.get(name, {})
        fields = {key: field for key, field in model.model_fields.items() if key not in nested}
        yield from _table((name, "NAME"), fields)
        for key, inner in nested.items():
            yield f"\n## `[{name}.NAME.{key}]`\n"
            yield f"{model.model_fields[key].description}\n"
            yield from _table((name, "NAME", key), inner.model_fields)
    yield "\n" + BACKEND
    yield COMMAND_LINE.rstrip()


def _built_in() -> str:
    shown = ", ".join(
        f"`{name}` ({', '.join(f'{key} {value}' for key, value in tier)})"
        for name, tier in BUILT_IN_TIERS.items()
    )
    return f"There without being written: {shown}.\n"


def _table(path: tuple[str, ...], fields: dict[str, FieldInfo]) -> Iterator[str]:
    yield "| key | variable | default | what it says |\n| --- | --- | --- | --- |"
    for name, field in fields.items():
        yield (f"| `{name}` | `{variable(*path, name)}` | {_default(field)} | {_description(name, field)} |")


def _description(name: str, field: FieldInfo) -> str:
    if not field.description:
        raise SystemExit(f"the setting {name} has no description")
    return field.description


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return "none"
    value: Any = field.default
    if value is PydanticUndefined or field.is_required():
        return "required"
    if value is None:
        return "required" if (field.description or "").startswith("At least") else "none"
    if value == ():
        return "none"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    text = render()
    if not arguments.check:
        TARGET.write_text(text, encoding="utf-8")
        return 0
    if TARGET.exists() and TARGET.read_text(encoding="utf-8") == text:
        return 0
    print(f"{TARGET.name} is stale: run generators/{Path(__file__).name}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
