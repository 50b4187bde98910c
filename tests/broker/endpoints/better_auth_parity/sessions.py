"""Sessions that are read, listed and ended, the tokens that they give, and forms of a bearer."""

from tests.broker.endpoints.better_auth_parity.cases import (
    ALL,
    ANSWER,
    BODY,
    COOKIES,
    FORM,
    UNKNOWN,
    get,
    post,
)

CASES = {
    # Sign-out.
    "sign-out": post("/sign-out", {}, "fresh"),
    "sign-out without a body": post("/sign-out", None, "fresh"),
    "sign-out of nobody": post("/sign-out", {}),
    "sign-out of an unknown session": post("/sign-out", {}, "unknown"),
    "sign-out as a form": post("/sign-out", "a=b", "fresh", Content_Type=FORM),
    # Reading sessions.
    "session": get("/get-session", "reader"),
    "session by bearer": get("/get-session", "bearer"),
    "session of nobody": get("/get-session"),
    "session of an unknown token": get("/get-session", "unknown"),
    "session of a forged cookie": get(
        "/get-session", Cookie=f"better-auth.session_token={UNKNOWN}.{'A' * 43}%3D"
    ),
    "session of a bare cookie": get("/get-session", Cookie=f"better-auth.session_token={UNKNOWN}"),
    "session of an unknown bearer": get("/get-session", Authorization=f"Bearer {UNKNOWN}"),
    "session of a short bearer": get("/get-session", Authorization="Bearer x"),
    "session without refresh": get("/get-session?disableRefresh=true", "reader"),
    "session without the cache": get("/get-session?disableCookieCache=true", "reader"),
    "session of two cookies": get(
        "/get-session",
        "reader",
        Cookie="better-auth.session_token={quoted}; better-auth.session_token={quoted}",
    ),
    "session by POST": post("/get-session", {}, "reader"),
    "list": get("/list-sessions", "fresh"),
    "list of nobody": get("/list-sessions"),
    "list of an unknown token": get("/list-sessions", "unknown"),
    "list of an unknown bearer": get("/list-sessions", Authorization=f"Bearer {UNKNOWN}"),
    # Revoking them.
    "revoke an unknown session": post("/revoke-session", {"token": UNKNOWN}, "reader"),
    "revoke without token": post("/revoke-session", {}, "reader"),
    "revoke with a number": post("/revoke-session", {"token": 5}, "reader"),
    "revoke without token of nobody": post("/revoke-session", {}),
    "revoke of nobody": post("/revoke-session", {"token": UNKNOWN}),
    "revoke all": post("/revoke-sessions", {}, "fresh"),
    "revoke all without a body": post("/revoke-sessions", None, "fresh"),
    "revoke all of nobody": post("/revoke-sessions", {}),
    "revoke others": post("/revoke-other-sessions", {}, "fresh"),
    "revoke others of nobody": post("/revoke-other-sessions", {}),
    "revoke others of an unknown token": post("/revoke-other-sessions", {}, "unknown"),
    # Tokens.
    "token": get("/token", "reader"),
    "token by bearer": get("/token", "bearer"),
    "token of nobody": get("/token"),
    "token of an unknown session": get("/token", "unknown"),
    "jwks": get("/jwks"),
    "ok": get("/ok"),
    # Forms of a bearer.
    "bearer with a signature": get("/get-session", "reader", Cookie=None, Authorization="Bearer {signed}"),
    "bearer percent-encoded": get("/get-session", "reader", Cookie=None, Authorization="Bearer {quoted}"),
    "bearer in lower case": get("/get-session", "reader", Cookie=None, Authorization="bearer {signed}"),
    "bearer with a forged signature": get("/get-session", Authorization=f"Bearer {UNKNOWN}.{'A' * 43}="),
    "bearer with a forged signature beside a cookie": get(
        "/get-session", "reader", Authorization=f"Bearer {UNKNOWN}.{'A' * 43}="
    ),
    "unknown bearer beside a cookie": get("/get-session", "reader", Authorization=f"Bearer {UNKNOWN}"),
    "bearer of another key of the store": get("/get-session", Authorization="Bearer active-sessions-x"),
    "no bearer but a password": get("/get-session", "reader", Authorization="Basic YTpi"),
    "bearer without a token": get("/get-session", "reader", Authorization="Bearer"),
}

DIFFERENCES = {
    "No error echoes input; theirs repeats the Content-Type.": {
        "sign-out as a form": (BODY, (415, "UNSUPPORTED_MEDIA_TYPE"), (415, "UNSUPPORTED_MEDIA_TYPE")),
    },
    "A bearer that stands for nothing does not clear the cookie, which is judged next.": {
        "session of an unknown bearer": (COOKIES, (200, None), (200, None)),
        "session of a short bearer": (COOKIES, (200, None), (200, None)),
        "bearer of another key of the store": (COOKIES, (200, None), (200, None)),
        "list of an unknown bearer": (COOKIES, (401, "UNAUTHORIZED"), (401, "UNAUTHORIZED")),
        "unknown bearer beside a cookie": (BODY | COOKIES, (200, None), (200, None)),
    },
    "Credentials that can be read in two ways are read in none.": {
        "bearer without a token": (ANSWER, (200, None), (400, "INVALID_REQUEST")),
    },
    "Its client posts here only after `needsRefresh`, which is never answered.": {
        "session by POST": (ALL, (405, "METHOD_NOT_ALLOWED_DEFER_SESSION_REQUIRED"), (404, None)),
    },
    "Verifiers need `use`, and any order of a JWK's members is the same JWK (RFC 7517).": {
        "jwks": (BODY, (200, None), (200, None)),
    },
}

OF_1_6 = {
    "The cookies of a session go with it, so that no browser keeps one that stands for nothing.": {
        "revoke all": (COOKIES, (200, None), (200, None)),
        "revoke all without a body": (COOKIES, (200, None), (200, None)),
    },
}
