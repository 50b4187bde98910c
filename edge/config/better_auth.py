"""The table `[sites.NAME.better_auth]`: a Better Auth server of the site's own (docs/better-auth.md)."""

from typing import Final, Literal

from pydantic import Field, SecretStr

from edge.config.backends import Table

NAMES: Final = (
    "schema",
    "session",
    "user",
    *(f"session.{name}" for name in ("id", "token", "userId", "createdAt", "expiresAt")),
    *(f"user.{name}" for name in ("id", "emailVerified", "isAnonymous", "banned", "banExpires")),
)
"""Better Auth's own names of the tables and columns that are read. `schema` is Postgres' own."""


class BetterAuth(Table):
    upstream: Literal["redis", "database", "http", "jwt"] = Field(
        description="How the services learn whether a session of the site's Better Auth server lives. "
        "`redis`: from the Redis that it uses as `secondaryStorage`; `database`: from its own; `http`: by "
        "asking it; `jwt`: not at all, as the JWTs of its `jwt` plugin are exchanged. "
        "[better-auth.md](better-auth.md) says which to choose. Another one later ends all sessions from "
        "before.",
    )
    secrets: tuple[SecretStr, ...] = Field(
        (),
        max_length=8,
        description="The Better Auth server's own secrets, in any order, for session tokens that come "
        "signed, as its cookie holds them, and with `http` for the cookie that goes there. If there is "
        "none, only raw tokens are exchanged. List a new one before the server takes it. A file has one on "
        "a line.",
    )
    redis_url: SecretStr | None = Field(
        None,
        description="The Redis of its `secondaryStorage`, in any form that `redis.url` has. The "
        "default is `redis.url`.",
    )
    key_prefix: str = Field(
        "better-auth:",
        max_length=128,
        pattern=r"^[\x21-\x7e]*$",
        description="Prefix of every key that it writes there.",
    )
    url: str | None = Field(
        None,
        max_length=512,
        pattern=r"^https?://[^\s?#]+$",
        description="The server's address with its `basePath`, such as `https://example.org/api/auth`. "
        "Needed with `http` and `jwt`.",
    )
    cookie_name: str | None = Field(
        None,
        pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$",
        description="With `http`: the name of its session cookie, in which the token goes with `secrets`, "
        "and which the server ends for a session that it has not. The default is "
        "`better-auth.session_token`, with and without `__Secure-` before it.",
    )
    issuer: str | None = Field(
        None,
        max_length=512,
        description="With `jwt`: `iss` of its tokens. The default is the plugin's: the origin of `url`.",
    )
    audience: str | None = Field(
        None,
        max_length=512,
        description="With `jwt`: `aud` of its tokens. The default is the plugin's: the origin of `url`.",
    )
    jwks_path: str = Field(
        "/jwks",
        max_length=256,
        pattern=r"^/[^\s?#]*$",
        description="With `jwt`: where its keys are below `url`, as `jwks.jwksPath` of the plugin says. Neon "
        "Auth has them at `/.well-known/jwks.json`.",
    )
    database_url: SecretStr | None = Field(
        None,
        description="Needed with `database`: `sqlite:///path` or `postgresql://...`. A role that may read "
        "its sessions and users is enough.",
    )
    tables: Literal["camel_case", "snake_case", "neon_auth"] = Field(
        "camel_case",
        description="With `database`: how tables and columns are named. `camel_case` as Better Auth itself "
        "names them, `snake_case` (`user_id`), or `neon_auth`, camel case in the schema of that name.",
    )
    names: dict[str, str] = Field(
        default_factory=dict,
        max_length=32,
        description="With `database`: names that differ from those of `tables`, by Better Auth's own, such "
        'as `{ session = "sessions", "session.userId" = "owner", schema = "auth" }`.',
    )
    timeout_seconds: float = Field(
        2,
        ge=0.1,
        le=10,
        description="With `database`, `http` and `jwt`: for one question, connecting included.",
    )
    remember_seconds: float = Field(
        10,
        ge=0,
        le=60,
        description="With `database` and `http`: how long an answer about a session counts, and so how "
        "long a session that ended there may still ask here.",
    )
    webhook_secret: SecretStr | None = Field(
        None,
        description="Signs what its server posts to `/webhooks/better-auth/NAME` at the end of a session; at "
        "least 32 bytes, of this site alone. If it is not set, nothing is taken there.",
    )
    unverified_users: bool = Field(
        True, description="Whether users whose e-mail address is not verified may ask."
    )
    banned_users: bool = Field(
        False, description="Whether users may ask whom its admin plugin has banned and left a session."
    )
