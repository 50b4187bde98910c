"""The origins of requests, and bytes that are no request."""

from tests.broker.endpoints.better_auth_parity.cases import (
    ALL,
    ANSWER,
    BODY,
    COOKIES,
    NEW,
    OWN,
    SESSION,
    Case,
    get,
    post,
)
from tests.broker.service import SITE

CASES = {
    # Where a request comes from.
    "sign-in without Origin": post("/sign-in/email", OWN, Origin=None),
    "sign-in from null": post("/sign-in/email", OWN, Origin="null"),
    "sign-in from elsewhere": post("/sign-in/email", OWN, Origin="https://evil.example"),
    "sign-in by a referer": post("/sign-in/email", OWN, Origin=None, Referer=f"{SITE}/docs"),
    "sign-in by a foreign referer": post("/sign-in/email", OWN, Origin=None, Referer="https://evil.example/"),
    "sign-in by a script without Origin": post(
        "/sign-in/email", OWN, Origin=None, Sec_Fetch_Site="cross-site"
    ),
    "sign-in by navigation": post(
        "/sign-in/email", OWN, Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate"
    ),
    "sign-in of a page with the broker's cookie": post("/sign-in/email", OWN, "reader", Origin=None),
    "sign-up from null": post("/sign-up/email", NEW, Origin="null"),
    "sign-out without Origin": post("/sign-out", {}, "fresh", Origin=None),
    "sign-out from null": post("/sign-out", {}, "fresh", Origin="null"),
    "sign-out from null of the same origin": post(
        "/sign-out", {}, "fresh", Origin="null", Sec_Fetch_Site="same-origin"
    ),
    "sign-out from elsewhere": post("/sign-out", {}, "fresh", Origin="https://evil.example"),
    "sign-out by a referer": post("/sign-out", {}, "fresh", Origin=None, Referer=f"{SITE}/docs"),
    "update by bearer without Origin": post("/update-user", {"name": "Ada"}, "bearer", Origin=None),
    "update by bearer from null": post("/update-user", {"name": "Ada"}, "bearer", Origin="null"),
    "update without token or Origin": post("/update-user", {"name": "x"}, "reader", Origin=None),
    "guest from null": post("/sign-in/anonymous", {}, Origin="null"),
    "guest without Origin": post("/sign-in/anonymous", {}, Origin=None),
    "guest by a script without Origin": post(
        "/sign-in/anonymous", {}, Origin=None, Sec_Fetch_Site="cross-site"
    ),
    "session from elsewhere": get("/get-session", "reader", Origin="https://evil.example"),
    "other cookies without Origin": post("/update-user", {"name": "x"}, "bearer", Origin=None, Cookie="a=b"),
    "bad JSON without Origin": post("/sign-out", "{", "reader", Origin=None),
    # Paths and methods.
    "unknown path": get("/nothing-here"),
    "unknown path by POST": post("/nothing-here", {}),
    "the base path": get(""),
    "trailing slash": get("/get-session/", "reader"),
    "two slashes": get("//get-session", "reader"),
    "sign-in by GET": get("/sign-in/email"),
    "sign-out by GET": get("/sign-out", "reader"),
    "list by POST": post("/list-sessions", {}, "reader"),
    "token by POST": post("/token", {}, "reader"),
    "session by DELETE": Case("DELETE", "/api/auth/get-session", None, "reader"),
    "session by PUT": Case("PUT", "/api/auth/get-session", {}, "reader"),
    "session by HEAD": Case("HEAD", "/api/auth/get-session", None, "reader"),
    "session by OPTIONS": Case("OPTIONS", "/api/auth/get-session"),
}

DIFFERENCES = {
    "A session is for the pages of its own site.": {
        "session from elsewhere": (BODY | {"status"}, (200, None), (403, "CLIENT_NOT_ALLOWED")),
    },
    "The origin is judged before the body is read.": {
        "bad JSON without Origin": (ANSWER, (400, "BAD_REQUEST"), (403, "MISSING_OR_NULL_ORIGIN")),
    },
    "CORS stands around everything and refuses the origin `null` before a service sees it.": {
        "sign-in from null": (BODY, (403, "MISSING_OR_NULL_ORIGIN"), (403, "INVALID_ORIGIN")),
        "sign-up from null": (BODY, (403, "MISSING_OR_NULL_ORIGIN"), (403, "INVALID_ORIGIN")),
        "sign-out from null": (BODY, (403, "MISSING_OR_NULL_ORIGIN"), (403, "INVALID_ORIGIN")),
        "sign-out from null of the same origin": (
            {"status", "body", "cookies"},
            (200, None),
            (403, "INVALID_ORIGIN"),
        ),
        "update by bearer from null": (SESSION, (200, None), (403, "INVALID_ORIGIN")),
        "guest from null": (SESSION, (200, None), (403, "INVALID_ORIGIN")),
    },
    "A target that two readers take apart differently is refused at the door.": {
        "two slashes": (ALL, (404, None), (400, None)),
    },
    "A guest's session is a session: a page may not plant one either.": {
        "guest by a script without Origin": (SESSION, (200, None), (403, "MISSING_OR_NULL_ORIGIN")),
    },
}

OF_1_6 = {
    "Neither is followed where 1.7 takes the origin `null` from a page of its own: see above.": {
        "sign-out from null of the same origin": (
            ANSWER | COOKIES,
            (403, "MISSING_OR_NULL_ORIGIN"),
            (200, None),
        ),
    },
}
