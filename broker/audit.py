"""One line for every sign-in, failure, token and revocation, without a secret or a mail address."""

from typing import Final

from broker.sessions.session import Session
from edge.telemetry import logs

SIGNED_UP: Final = "signed_up"
SIGNED_IN: Final = "signed_in"
SIGN_IN_FAILED: Final = "sign_in_failed"
SIGNED_OUT: Final = "signed_out"
TOKEN_ISSUED: Final = "token_issued"  # noqa: S105  the name of an event
TOKEN_REVOKED: Final = "token_revoked"  # noqa: S105
SESSION_REVOKED: Final = "session_revoked"
SESSIONS_REVOKED: Final = "sessions_revoked"
PASSWORD_CHANGED: Final = "password_changed"  # noqa: S105
USER_DELETED: Final = "user_deleted"
KEY_MADE: Final = "key_made"
KEY_PROMOTED: Final = "key_promoted"
KEY_EXPIRED: Final = "key_expired"
KEY_GONE: Final = "key_gone"
KEY_RESEALED: Final = "key_resealed"
SIGNING_KEY_CHANGED: Final = "signing_key_changed"


def signed_in(session: Session, **fields: str) -> None:
    record(
        SIGNED_IN,
        client=session.client,
        sub=session.sub,
        sid=session.id,
        proved_by=session.proved_by,
        address=session.ip_address,
        **fields,
    )


def record(event: str, **fields: str | int | bool | None) -> None:
    logs.audit(event, **fields)
