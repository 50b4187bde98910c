"""Why a 401 is a 401: the rule over answers, as the services and others write them."""

import base64
import json

import pytest

from chatgate.doctor.readers import tokens
from tests.chatgate.doctor.answers import BROKER, GOOD, NOW, PROXY, answer


def token(kid="k1", **changes):
    parts = ({"kid": kid}, GOOD | changes)
    return ".".join(base64.urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=") for one in parts)


@pytest.mark.parametrize(
    ("refusal", "changes", "code"),
    [
        (answer(), {}, "session_unknown"),
        (answer(), {"aud": "https://other.example"}, "token_audience_wrong"),
        (answer(), {"iss": "https://other.example"}, "token_issuer_wrong"),
        (answer(date=NOW + 400), {}, "token_expired"),
        (answer(date=NOW - 400), {}, "token_expired"),
        (answer(date=None), {}, "session_unknown"),
        (answer(), {"kid": "k9"}, "token_key_unknown"),
        (answer("unauthenticated", challenge=False), {}, "authorization_dropped"),
        (answer("use_dpop_nonce"), {}, "token_refused"),
        (answer("invalid_dpop_proof", reason="iat"), {}, "clock_off"),
        (answer("invalid_dpop_proof", detail="htu is not the request's address"), {}, "path_changed"),
        (answer("invalid_dpop_proof", detail="one DPoP header is needed"), {}, "dpop_dropped"),
        (answer("invalid_dpop_proof", detail="it was seen before"), {}, "token_refused"),
        (answer("", challenge=False), {}, "token_refused"),
    ],
)
def test_a_refusal_has_its_reason(refusal, changes, code):
    sent = f"{token(**changes)}.c2lnbmF0dXJl"
    finding = tokens.explain(refusal, sent, PROXY, BROKER, {"k1", "k2"})
    assert finding.code == code
    told = finding.what + finding.mend
    assert not any(part in told for part in sent.split("."))


@pytest.mark.parametrize("sent", ["", "a.b", "a.b.c", "....", "e30.e30.e30", "W10.W10.W10"])
def test_a_token_that_cannot_be_read_is_explained_too(sent):
    assert tokens.explain(answer(), sent, PROXY, BROKER, {"k1"}).code == "token_audience_wrong"
