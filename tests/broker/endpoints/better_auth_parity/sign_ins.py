"""Sign-up, sign-in and guests."""

import json

from tests.broker.endpoints.better_auth_parity.cases import (
    ANSWER,
    BODY,
    FORM,
    NEW,
    OWN,
    SESSION,
    get,
    post,
    without,
)
from tests.broker.service import PASSWORD, SITE

CASES = {
    # Sign-up.
    "sign-up": post("/sign-up/email", NEW),
    "sign-up with everything": post(
        "/sign-up/email", {**NEW, "image": "https://x.example/a.png", "callbackURL": "/docs"}
    ),
    "sign-up for a day": post("/sign-up/email", {**NEW, "rememberMe": False}),
    "sign-up with unknown members": post("/sign-up/email", {**NEW, "role": "x", "emailVerified": True}),
    "sign-up as a form": post(
        "/sign-up/email", f"name=Ada&email={{new}}&password={PASSWORD}", Content_Type=FORM
    ),
    "sign-up without name": post("/sign-up/email", without(NEW, "name")),
    "sign-up without email": post("/sign-up/email", without(NEW, "email")),
    "sign-up without password": post("/sign-up/email", without(NEW, "password")),
    "sign-up with nothing": post("/sign-up/email", {}),
    "sign-up without a body": post("/sign-up/email"),
    "sign-up with an empty name": post("/sign-up/email", {**NEW, "name": ""}),
    "sign-up with an empty password": post("/sign-up/email", {**NEW, "password": ""}),
    "sign-up with a bad email": post("/sign-up/email", {**NEW, "email": "ada"}),
    "sign-up with an empty email": post("/sign-up/email", {**NEW, "email": ""}),
    "sign-up with a spaced email": post("/sign-up/email", {**NEW, "email": " ada@example.com"}),
    "sign-up with a bad email and password": post("/sign-up/email", {**NEW, "email": "ada", "password": "x"}),
    "sign-up with a number as name": post("/sign-up/email", {**NEW, "name": 5}),
    "sign-up with wrong types": post(
        "/sign-up/email", {"name": None, "email": [], "password": {}, "rememberMe": "yes"}
    ),
    "sign-up with null image": post("/sign-up/email", {**NEW, "image": None}),
    "sign-up with a short password": post("/sign-up/email", {**NEW, "password": "1234567"}),
    "sign-up with a long password": post("/sign-up/email", {**NEW, "password": "x" * 129}),
    "sign-up with a password of 128": post("/sign-up/email", {**NEW, "password": "xy" * 64}),
    "sign-up with a common password": post("/sign-up/email", {**NEW, "password": "password123"}),
    "sign-up with a foreign address": post("/sign-up/email", {**NEW, "callbackURL": "https://evil.example"}),
    "sign-up with a long email": post("/sign-up/email", {**NEW, "email": f"{'a' * 250}@example.com"}),
    "sign-up with a long name": post("/sign-up/email", {**NEW, "name": "x" * 257}),
    "sign-up again": post("/sign-up/email", {**NEW, "email": "{reader}"}),
    "sign-up while signed in": post("/sign-up/email", NEW, "fresh"),
    # Sign-in.
    "sign-in": post("/sign-in/email", OWN),
    "sign-in for a day": post("/sign-in/email", {**OWN, "rememberMe": False}),
    "sign-in with a path": post("/sign-in/email", {**OWN, "callbackURL": "/docs"}),
    "sign-in with a trusted address": post("/sign-in/email", {**OWN, "callbackURL": f"{SITE}/docs"}),
    "sign-in with a foreign address": post("/sign-in/email", {**OWN, "callbackURL": "https://evil.example"}),
    "sign-in with two slashes": post("/sign-in/email", {**OWN, "callbackURL": "//evil.example"}),
    "sign-in with a script": post("/sign-in/email", {**OWN, "callbackURL": "javascript:alert(1)"}),
    "sign-in with an empty address": post("/sign-in/email", {**OWN, "callbackURL": ""}),
    "sign-in with a number as address": post("/sign-in/email", {**OWN, "callbackURL": 5}),
    "sign-in as a form": post("/sign-in/email", f"email={{reader}}&password={PASSWORD}", Content_Type=FORM),
    "sign-in as a form for a day": post(
        "/sign-in/email", f"email={{reader}}&password={PASSWORD}&rememberMe=false", Content_Type=FORM
    ),
    "sign-in with a wrong password": post("/sign-in/email", {**OWN, "password": "wrong password"}),
    "sign-in with an empty password": post("/sign-in/email", {**OWN, "password": ""}),
    "sign-in with a long password": post("/sign-in/email", {**OWN, "password": "x" * 129}),
    "sign-in of nobody": post("/sign-in/email", {**OWN, "email": "{new}"}),
    "sign-in with a bad email": post("/sign-in/email", {**OWN, "email": "ada"}),
    "sign-in without email": post("/sign-in/email", without(OWN, "email")),
    "sign-in without password": post("/sign-in/email", without(OWN, "password")),
    "sign-in with nothing": post("/sign-in/email", {}),
    "sign-in with wrong types": post("/sign-in/email", {"email": 1, "password": True, "rememberMe": 0}),
    "sign-in with null": post("/sign-in/email", {"email": None, "password": PASSWORD}),
    "sign-in with a list": post("/sign-in/email", []),
    "sign-in with text": post("/sign-in/email", '"text"'),
    "sign-in with JSON null": post("/sign-in/email", "null"),
    "sign-in with bad JSON": post("/sign-in/email", "{"),
    "sign-in with an empty body": post("/sign-in/email", ""),
    "sign-in with no type": post("/sign-in/email", json.dumps(OWN), Content_Type=None),
    "sign-in with another type": post("/sign-in/email", "email=a", Content_Type="text/plain"),
    "sign-in with JSON of a charset": post(
        "/sign-in/email", OWN, Content_Type="application/json; charset=utf-8"
    ),
    "sign-in with problem JSON": post("/sign-in/email", OWN, Content_Type="application/problem+json"),
    # Guests.
    "guest": post("/sign-in/anonymous", {}),
    "guest without a body": post("/sign-in/anonymous"),
    "guest again": post("/sign-in/anonymous", {}, "guest"),
    "guest while signed in": post("/sign-in/anonymous", {}, "fresh"),
    "guest with bad JSON": post("/sign-in/anonymous", "{"),
    "session of a guest": get("/get-session", "guest"),
}

DIFFERENCES = {
    "A password that is guessed first is no password.": {
        "sign-up with a common password": (SESSION, (200, None), (400, "PASSWORD_COMMON")),
    },
    "Every stored text has a limit, so that no account can fill the database.": {
        "sign-up with a long email": (SESSION, (200, None), (400, "VALIDATION_ERROR")),
        "sign-up with a long name": (SESSION, (200, None), (400, "INVALID_PROFILE")),
    },
    "Every error has a code.": {
        "sign-in with a number as address": (BODY, (400, None), (400, "VALIDATION_ERROR")),
    },
    "Their message names a type of their validator, a record, where JSON has an object.": {
        "sign-up without a body": (BODY, (400, "VALIDATION_ERROR"), (400, "VALIDATION_ERROR")),
    },
    "No error echoes input; theirs repeats the Content-Type.": {
        "sign-in with another type": (BODY, (415, "UNSUPPORTED_MEDIA_TYPE"), (415, "UNSUPPORTED_MEDIA_TYPE")),
        "sign-in with problem JSON": (BODY, (415, "UNSUPPORTED_MEDIA_TYPE"), (415, "UNSUPPORTED_MEDIA_TYPE")),
    },
    "A form has only text, so its `false` must mean false for the member to be of use.": {
        "sign-in as a form for a day": (SESSION, (400, "VALIDATION_ERROR"), (200, None)),
    },
}

OF_1_6 = {
    "A password that is longer than any may be is refused before it is hashed, and the answer says so.": {
        "sign-in with a long password": (
            ANSWER,
            (401, "INVALID_EMAIL_OR_PASSWORD"),
            (400, "PASSWORD_TOO_LONG"),
        ),
    },
}
