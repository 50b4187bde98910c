"""The ids of accounts, as tokens and Redis have them and as three kinds of column keep them.

Better Auth's `advanced.database.generateId` makes text, UUIDs or integers. A token's `sub` has 32 to 43
characters, so a shorter id has hyphens before it there.
"""

import re
import uuid
from typing import Any, Final, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

Kind = Literal["text", "uuid", "integer"]

WIDTH: Final = 32
_FILL: Final = "-"

_SHOWN: Final = re.compile(r"-*[A-Za-z0-9][A-Za-z0-9_-]*", re.ASCII)
MAX_LENGTH: Final = 43
"""The longest `sub` of a token (tokens/claims.py)."""

# Canonical UUIDs, and integers that fit into eight bytes: another text would be an error of the database.
_STORABLE: Final[dict[Kind, re.Pattern[str]]] = {
    "text": re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*", re.ASCII),
    "uuid": re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII),
    "integer": re.compile(r"[0-9]{1,18}", re.ASCII),
}
_COLUMNS: Final[dict[Kind, TypeEngine[Any]]] = {
    "text": sa.Text(),
    "uuid": sa.Uuid(as_uuid=False),
    "integer": sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
}


class AccountId(TypeDecorator[str]):
    """A column of ids. One that no column of this kind can hold is bound as NULL, which equals nothing."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, kind: Kind) -> None:
        super().__init__()
        self.kind = kind

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(_COLUMNS[self.kind])

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Any:
        stored = (value or "").lstrip(_FILL)
        if not _STORABLE[self.kind].fullmatch(stored):
            return None
        return int(stored) if self.kind == "integer" else stored

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        """Raises ValueError for an id that no token can have."""
        if value is None:
            return None
        shown = str(value).rjust(WIDTH, _FILL)
        if len(shown) > MAX_LENGTH or str(value).startswith(_FILL) or not _SHOWN.fullmatch(shown):
            raise ValueError("an id that a token cannot have")
        return shown


def kind_of(column: TypeEngine[Any]) -> Kind | None:
    """None for a type that ids of accounts cannot have."""
    if isinstance(column, sa.Uuid):
        return "uuid"
    if isinstance(column, sa.Integer):
        return "integer"
    return "text" if isinstance(column, sa.String) else None


def made(kind: Kind, text: str) -> str | None:
    """An id for a new row; `text` is the one for a column of text, None leaves it to the database."""
    return {"text": text, "uuid": str(uuid.uuid4()), "integer": None}[kind]
