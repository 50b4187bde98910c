"""The tables as Better Auth's own migration makes them, and one of ours beside them.

Nothing is added to Better Auth's tables. Columns that only its plugins make are read where they are.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Dialect, RowMapping
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

from broker.accounts.accounts import Account, new_id, to_millisecond
from broker.accounts.password_hashes import MAX_STORED_HASH
from broker.storage.account_ids import AccountId, Kind, made

PROVIDER: Final = "credential"
"""Better Auth's name for an account with a password of its own."""

OURS: Final = "chatgate_account"
"""Our table: tiers and bans that were set here."""


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


_BOOLEAN: Final = sa.Boolean().with_variant(sa.Integer(), "sqlite")

OF_PLUGINS: Final[dict[str, TypeEngine[Any]]] = {
    "isAnonymous": _BOOLEAN,
    "banned": _BOOLEAN,
    "banExpires": Instant(),
    "twoFactorEnabled": _BOOLEAN,
}
"""Columns of `user` that the plugins anonymous, admin and two-factor make."""


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of one database, with the columns that it has."""

    user: sa.Table
    account: sa.Table
    ours: sa.Table
    ids: Kind
    account_ids: Kind

    @property
    def is_credential(self) -> sa.ColumnElement[bool]:
        # Better Auth, api/routes/sign-in: it ignores a password under any other provider or account id.
        account = self.account.c
        return sa.and_(account.providerId == PROVIDER, account.accountId == sa.cast(account.userId, sa.Text))

    def credentials(self) -> sa.Select[Any]:
        """Users with the hash of their password, and with what our table has of them."""
        user, account, ours = self.user, self.account, self.ours
        # One character more than a hash may have is enough to see that a value is none, however long it is.
        password_hash = sa.func.substr(account.c.password, 1, MAX_STORED_HASH + 1).label("password_hash")
        joined = user.outerjoin(account, sa.and_(account.c.userId == user.c.id, self.is_credential))
        joined = joined.outerjoin(ours, ours.c.userId == user.c.id)
        return sa.select(user, ours.c.tier, ours.c.banned.label("banned_here"), password_hash).select_from(
            joined
        )

    def any_scrypt(self) -> sa.Select[Any]:
        # `<32 hex>:<128 hex>`: recognised by its shape, since it has no prefix.
        password = self.account.c.password
        is_scrypt = sa.and_(sa.func.length(password) == 161, sa.func.substr(password, 33, 1) == ":")
        return sa.select(self.account.c.id).where(self.is_credential, is_scrypt).limit(1)

    def user_row(self, account: Account) -> dict[str, Any]:
        return _with_id(
            made(self.ids, account.id),
            {
                "name": account.name,
                "email": account.email,
                "emailVerified": account.email_verified,
                "image": account.image,
                "createdAt": account.created_at,
                "updatedAt": account.updated_at,
            },
        )

    def credential_row(self, account: Account, password_hash: str) -> dict[str, Any]:
        """`account` has the id that its row got."""
        return _with_id(
            made(self.account_ids, new_id()),
            {
                "accountId": account.id.lstrip("-"),
                "providerId": PROVIDER,
                "userId": account.id,
                "password": password_hash,
                "createdAt": account.created_at,
                "updatedAt": account.updated_at,
            },
        )


def tables_of(ids: Kind, account_ids: Kind, plugins: frozenset[str]) -> Tables:
    """`plugins` has the names of those of `OF_PLUGINS` that are there."""
    metadata = sa.MetaData()
    user = sa.Table(
        "user",
        metadata,
        _id_column(ids),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False, unique=True),
        sa.Column("emailVerified", _BOOLEAN, nullable=False),
        sa.Column("image", sa.Text),
        sa.Column("createdAt", Instant, nullable=False),
        sa.Column("updatedAt", Instant, nullable=False),
        *(sa.Column(name, kind) for name, kind in OF_PLUGINS.items() if name in plugins),
        quote=True,
    )
    ours = sa.Table(
        OURS,
        metadata,
        # No foreign key: the server's own migrations need not know of this table.
        sa.Column("userId", AccountId(ids), primary_key=True, autoincrement=False),
        sa.Column("tier", sa.Text),
        sa.Column("banned", _BOOLEAN, nullable=False, server_default=sa.false()),
    )
    return Tables(user, _account_table(metadata, user, ids, account_ids), ours, ids, account_ids)


def _account_table(metadata: sa.MetaData, user: sa.Table, ids: Kind, account_ids: Kind) -> sa.Table:
    return sa.Table(
        "account",
        metadata,
        _id_column(account_ids),
        sa.Column("accountId", sa.Text, nullable=False),
        sa.Column("providerId", sa.Text, nullable=False),
        sa.Column("userId", AccountId(ids), sa.ForeignKey(user.c.id, ondelete="CASCADE"), nullable=False),
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


def _id_column(kind: Kind) -> sa.Column[str]:
    # FetchedValue: the database numbers its rows, and no statement of ours need give an id.
    default = sa.FetchedValue() if kind == "integer" else None
    return sa.Column("id", AccountId(kind), primary_key=True, server_default=default)


def to_account(row: RowMapping) -> Account:
    is_banned_here = bool(row["banned_here"])
    return Account(
        id=row["id"],
        name=row["name"],
        email=row["email"],
        email_verified=bool(row["emailVerified"]),
        image=row["image"],
        created_at=row["createdAt"],
        updated_at=row["updatedAt"],
        is_anonymous=bool(row.get("isAnonymous")),
        tier=row["tier"],
        banned=is_banned_here or bool(row.get("banned")),
        ban_expires=None if is_banned_here else row.get("banExpires"),
        two_factor=bool(row.get("twoFactorEnabled")),
    )


def _with_id(made_id: str | None, row: dict[str, Any]) -> dict[str, Any]:
    return row if made_id is None else {"id": made_id, **row}
