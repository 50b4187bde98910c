"""The tables as Better Auth 1.7's own migration makes them, and making those that are missing.

`isAnonymous`, `tier` and `banned` are nullable additions, which a Better Auth server on the same database
does not need and tolerates.
"""

from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect, RowMapping
from sqlalchemy.schema import CreateColumn
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

from broker.accounts.accounts import Account, new_id, to_millisecond

PROVIDER: Final = "credential"
"""Better Auth's name for an account with a password of its own."""

SCHEMA_LOCK: Final = 0x63686174_67617465
"""The advisory lock of the process that makes the tables: "chatgate" in ASCII."""


class _SqliteDate(UserDefinedType[str]):
    cache_ok = True

    def get_col_spec(self, **_options: Any) -> str:
        return "date"


class Instant(TypeDecorator[datetime]):
    """UTC with milliseconds: timestamptz in Postgres, `YYYY-MM-DDTHH:MM:SS.mmmZ` in SQLite."""

    impl = sa.DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        is_sqlite = dialect.name == "sqlite"
        return dialect.type_descriptor(_SqliteDate() if is_sqlite else sa.DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        moment = to_millisecond(value.astimezone(UTC))
        if dialect.name != "sqlite":
            return moment
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if isinstance(value, int | float):
            # Better Auth with Drizzle stores milliseconds here.
            return datetime.fromtimestamp(value / 1000, UTC)
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


_METADATA: Final = sa.MetaData()
_BOOLEAN: Final = sa.Boolean().with_variant(sa.Integer(), "sqlite")

USER: Final = sa.Table(
    "user",
    _METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("email", sa.Text, nullable=False, unique=True),
    sa.Column("emailVerified", _BOOLEAN, nullable=False),
    sa.Column("image", sa.Text),
    sa.Column("createdAt", Instant, nullable=False),
    sa.Column("updatedAt", Instant, nullable=False),
    sa.Column("isAnonymous", _BOOLEAN),
    sa.Column("tier", sa.Text),
    sa.Column("banned", _BOOLEAN),
    quote=True,
)
ADDED_COLUMNS: Final = ("isAnonymous", "tier", "banned")

ACCOUNT: Final = sa.Table(
    "account",
    _METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("accountId", sa.Text, nullable=False),
    sa.Column("providerId", sa.Text, nullable=False),
    sa.Column("userId", sa.Text, sa.ForeignKey(USER.c.id, ondelete="CASCADE"), nullable=False),
    sa.Column("accessToken", sa.Text),
    sa.Column("refreshToken", sa.Text),
    sa.Column("idToken", sa.Text),
    sa.Column("accessTokenExpiresAt", Instant),
    sa.Column("refreshTokenExpiresAt", Instant),
    sa.Column("scope", sa.Text),
    sa.Column("password", sa.Text),
    sa.Column("createdAt", Instant, nullable=False),
    sa.Column("updatedAt", Instant, nullable=False),
    sa.Index("account_userId_idx", "userId"),
)


def user_row(account: Account) -> dict[str, Any]:
    return {
        "id": account.id,
        "name": account.name,
        "email": account.email,
        "emailVerified": account.email_verified,
        "image": account.image,
        "createdAt": account.created_at,
        "updatedAt": account.updated_at,
        "isAnonymous": account.is_anonymous,
        "tier": account.tier,
        "banned": account.banned,
    }


def credential_row(account: Account, password_hash: str | None) -> dict[str, Any]:
    return {
        "id": new_id(),
        "accountId": account.id,
        "providerId": PROVIDER,
        "userId": account.id,
        "password": password_hash,
        "createdAt": account.created_at,
        "updatedAt": account.updated_at,
    }


def to_account(row: RowMapping) -> Account:
    return Account(
        id=row["id"],
        name=row["name"],
        email=row["email"],
        email_verified=bool(row["emailVerified"]),
        image=row["image"],
        created_at=row["createdAt"],
        updated_at=row["updatedAt"],
        is_anonymous=bool(row["isAnonymous"]),
        tier=row["tier"],
        banned=bool(row["banned"]),
    )


def create_schema(connection: Connection) -> None:
    """Make the missing tables and columns and change nothing else. The caller commits."""
    _take_the_schema_lock(connection)
    present = sa.inspect(connection)
    for table in (USER, ACCOUNT):
        if not present.has_table(table.name):
            table.create(connection)
    columns = {column["name"] for column in present.get_columns(USER.name)}
    for name in ADDED_COLUMNS:
        if name not in columns:
            definition = CreateColumn(USER.c[name]).compile(dialect=connection.dialect)
            connection.exec_driver_sql(f'ALTER TABLE "user" ADD COLUMN {definition}')


def _take_the_schema_lock(connection: Connection) -> None:
    # IF NOT EXISTS does not protect two Postgres sessions that check at the same moment; a lock does.
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(SCHEMA_LOCK)))
