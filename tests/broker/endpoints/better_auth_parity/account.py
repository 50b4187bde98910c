"""Changes that a reader makes to their own account."""

from tests.broker.endpoints.better_auth_parity.cases import BODY, SESSION, post
from tests.broker.service import PASSWORD

CASES = {
    # The account.
    "update": post("/update-user", {"name": "Ada King"}, "fresh"),
    "update by bearer": post("/update-user", {"name": "Ada"}, "bearer"),
    "update of the image": post("/update-user", {"image": "https://x.example/a.png"}, "fresh"),
    "update with null image": post("/update-user", {"image": None}, "fresh"),
    "update with null name": post("/update-user", {"name": None}, "fresh"),
    "update with null name and image": post("/update-user", {"name": None, "image": None}, "fresh"),
    "update with an empty name": post("/update-user", {"name": ""}, "fresh"),
    "update of nothing": post("/update-user", {}, "reader"),
    "update without a body": post("/update-user", None, "reader"),
    "update with unknown members": post("/update-user", {"role": "admin"}, "reader"),
    "update of the email": post("/update-user", {"email": "{new}"}, "reader"),
    "update with an empty email": post("/update-user", {"email": ""}, "reader"),
    "update of name and email": post("/update-user", {"name": "x", "email": "{new}"}, "reader"),
    "update with a number as email": post("/update-user", {"email": 5}, "reader"),
    "update with a number as name": post("/update-user", {"name": 5}, "fresh"),
    "update with a list": post("/update-user", [], "reader"),
    "update of nobody": post("/update-user", {"name": "x"}),
    "update of nothing by nobody": post("/update-user", {}),
    "change": post(
        "/change-password", {"currentPassword": PASSWORD, "newPassword": "another horse"}, "fresh"
    ),
    "change for all": post(
        "/change-password",
        {"currentPassword": PASSWORD, "newPassword": "another horse", "revokeOtherSessions": True},
        "fresh",
    ),
    "change with a wrong password": post(
        "/change-password", {"currentPassword": "wrong password", "newPassword": "another horse"}, "reader"
    ),
    "change to a short password": post(
        "/change-password", {"currentPassword": PASSWORD, "newPassword": "1234567"}, "reader"
    ),
    "change to a short password from a wrong one": post(
        "/change-password", {"currentPassword": "wrong password", "newPassword": "1234567"}, "reader"
    ),
    "change to a long password": post(
        "/change-password", {"currentPassword": PASSWORD, "newPassword": "x" * 129}, "reader"
    ),
    "change from a long password": post(
        "/change-password", {"currentPassword": "x" * 129, "newPassword": "another horse"}, "reader"
    ),
    "change with nothing": post("/change-password", {}, "reader"),
    "change with wrong types": post(
        "/change-password", {"currentPassword": 1, "newPassword": [], "revokeOtherSessions": 1}, "reader"
    ),
    "change of nobody": post(
        "/change-password", {"currentPassword": PASSWORD, "newPassword": "another horse"}
    ),
    "change of a guest": post(
        "/change-password", {"currentPassword": PASSWORD, "newPassword": "another horse"}, "guest"
    ),
    "delete": post("/delete-user", {"password": PASSWORD}, "fresh"),
    "delete while fresh": post("/delete-user", {}, "fresh"),
    "delete with a wrong password": post("/delete-user", {"password": "wrong password"}, "reader"),
    "delete with a number": post("/delete-user", {"password": 5}, "reader"),
    "delete without a body": post("/delete-user", None, "fresh"),
    "delete with a long password": post("/delete-user", {"password": "x" * 129}, "reader"),
    "delete with a foreign address": post(
        "/delete-user", {"password": PASSWORD, "callbackURL": "https://evil.example"}, "reader"
    ),
    "delete of nobody": post("/delete-user", {}),
    "delete of a guest": post("/delete-user", {}, "guest"),
}

DIFFERENCES = {
    "A name is text: no rule says how a number would be shown.": {
        "update with a number as name": (SESSION, (200, None), (400, "VALIDATION_ERROR")),
    },
    "Every error has a code.": {
        "update of nothing": (BODY, (400, None), (400, "NO_FIELDS_TO_UPDATE")),
        "update with unknown members": (BODY, (400, None), (400, "NO_FIELDS_TO_UPDATE")),
        "update with an empty email": (BODY, (400, None), (400, "NO_FIELDS_TO_UPDATE")),
    },
    "Members are checked for their type before their meaning, as at every other endpoint.": {
        "update with a number as email": (
            BODY,
            (400, "EMAIL_CAN_NOT_BE_UPDATED"),
            (400, "VALIDATION_ERROR"),
        ),
    },
    "Their message names a type of their validator, a record, where JSON has an object.": {
        "update without a body": (BODY, (400, "VALIDATION_ERROR"), (400, "VALIDATION_ERROR")),
        "update with a list": (BODY, (400, "VALIDATION_ERROR"), (400, "VALIDATION_ERROR")),
    },
}

OF_1_6 = {
    "A password that is longer than any may be is refused before it is hashed, and the answer says so.": {
        "change from a long password": (BODY, (400, "INVALID_PASSWORD"), (400, "PASSWORD_TOO_LONG")),
        "delete with a long password": (BODY, (400, "INVALID_PASSWORD"), (400, "PASSWORD_TOO_LONG")),
    },
}
