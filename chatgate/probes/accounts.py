"""Looks at the accounts' database, and whether the broker can use it as the configuration says."""

from typing import Final

from broker.config import resolve
from broker.storage.account_ids import Kind
from broker.storage.sql_schema import Schema
from broker.storage.sql_tables import OURS
from chatgate.environment import Environment
from chatgate.faults import Fault
from chatgate.probes.result import WELL, Found
from chatgate.records import explained, tables_of

NO_TABLES: Final = "no tables yet; the broker makes them at its first start"
LEFT: Final = (
    "has the tables of a Better Auth server, which could not read the passwords of readers who sign in here. "
    "If one still uses them, set broker.own_database to false"
)
_IDS: Final[dict[Kind, str]] = {"text": "text", "uuid": "UUIDs", "integer": "integers"}


async def found(around: Environment) -> Found:
    try:
        with explained(around):
            tables = await tables_of(around)
    except Fault as fault:
        return Found(False, str(fault))
    if tables is None:
        return Found(True, NO_TABLES)
    config = resolve(around.settings)
    if tables.required and config.sign_up:
        return Found(False, _unfilled(tables))
    if config.own_database:
        return Found(True, LEFT) if tables.has_sessions else WELL
    return Found(True, _shared(tables))


def _unfilled(tables: Schema) -> str:
    return (
        f"broker.database_url: a row needs {', '.join(tables.required)}, which a sign-up here does not give. "
        "Set broker.sign_up to false, or give the columns a default."
    )


def _shared(tables: Schema) -> str:
    plugins = ", ".join(sorted(tables.plugins)) or "none"
    text = (
        f"shared with a Better Auth server, passwords in its format; ids are {_IDS[tables.tables.ids]}, "
        f"columns of plugins that are read: {plugins}"
    )
    return text if tables.has_ours else f"{text}; the broker makes the table {OURS} at its first start"
