"""Looks at the tables that a database has, and makes those that are missing."""

from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Inspector

from broker.accounts.accounts import AccountsUnavailable, NoTables
from broker.storage.account_ids import Kind, kind_of
from broker.storage.sql_tables import OF_PLUGINS, OURS, Tables, tables_of

SCHEMA_LOCK: Final = 0x63686174_67617465
"""The advisory lock of the process that makes the tables: "chatgate" in ASCII."""

_NEW: Final = tables_of("text", "text", frozenset())
_MADE: Final = ("user", "account")


@dataclass(frozen=True, slots=True)
class Schema:
    """`plugins` are the columns of plugins that are read. `required` are columns, as `user.phone`, without
    which no row can be made and which the broker does not know. `has_sessions`: a Better Auth server keeps
    its sessions here, or did."""

    tables: Tables
    plugins: frozenset[str]
    required: tuple[str, ...]
    has_ours: bool
    has_sessions: bool


def look(connection: Connection, *, own: bool) -> Schema:
    """Raises NoTables where `create_schema` would make all of them, AccountsUnavailable where it would refuse
    and for columns of other names than Better Auth's."""
    inspector = sa.inspect(connection)
    present = set(inspector.get_table_names())
    if _missing(present, own):
        raise NoTables("the accounts database has no tables yet")
    found = {name: _columns(inspector, name) for name in _MADE}
    for table in (_NEW.user, _NEW.account):
        missing = [column.name for column in table.columns if column.name not in found[table.name]]
        if missing:
            raise AccountsUnavailable(
                f"the table {table.name} of the accounts database lacks {', '.join(missing)}: the broker "
                "knows Better Auth's own names alone"
            )
    plugins = frozenset(found["user"].keys() & OF_PLUGINS.keys())
    tables = tables_of(_kind(found, "user"), _kind(found, "account"), plugins)
    required = (*_required(found, tables.user), *_required(found, tables.account))
    return Schema(tables, plugins, required, OURS in present, "session" in present)


def create_schema(connection: Connection, *, own: bool) -> None:
    """Make the missing tables and change nothing else. The caller commits.

    Unless the database is the broker's `own`, Better Auth's tables are made in an empty one alone: beside
    other tables they would be a second set of accounts, which no reader signs in to. Raises
    AccountsUnavailable.
    """
    _take_the_schema_lock(connection)
    present = set(sa.inspect(connection).get_table_names())
    missing = _missing(present, own)
    for table in (_NEW.user, _NEW.account):
        if table.name in missing:
            table.create(connection)
    if OURS not in present:
        found = {"user": _columns(sa.inspect(connection), "user")}
        tables_of(_kind(found, "user"), "text", frozenset()).ours.create(connection)


def _missing(present: set[str], own: bool) -> list[str]:
    missing = [name for name in _MADE if name not in present]
    if missing and not own and present - {OURS}:
        raise AccountsUnavailable(
            f"the accounts database has tables, and none of the name {' or '.join(missing)}: run the "
            "migration of its Better Auth server, or set broker.own_database if it has none"
        )
    return missing


def _columns(inspector: Inspector, table: str) -> dict[str, Any]:
    return {column["name"]: column for column in inspector.get_columns(table)}


def _kind(found: dict[str, dict[str, Any]], table: str) -> Kind:
    kind = kind_of(found[table]["id"]["type"])
    if kind is None:
        raise AccountsUnavailable(
            f"the ids of the table {table} of the accounts database are none of text, UUIDs and integers"
        )
    return kind


def _required(found: dict[str, dict[str, Any]], table: sa.Table) -> list[str]:
    there = found[table.name]
    unknown = [
        f"{table.name}.{name}"
        for name, column in there.items()
        if name not in table.columns and _must_be_given(column)
    ]
    # SQLite numbers the rows of an integer key by itself.
    identity = there["id"]
    is_integer = isinstance(identity["type"], sa.Integer) and not identity.get("primary_key")
    return [*unknown, f"{table.name}.id"] if is_integer and _must_be_given(identity) else unknown


def _must_be_given(column: dict[str, Any]) -> bool:
    is_filled = column["default"] is not None or column.get("identity") or column.get("computed")
    return not column["nullable"] and not is_filled


def _take_the_schema_lock(connection: Connection) -> None:
    # IF NOT EXISTS does not protect two Postgres sessions that check at the same moment; a lock does.
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(SCHEMA_LOCK)))
