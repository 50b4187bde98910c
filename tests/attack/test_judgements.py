"""The rules that the searches judge by, without a server."""

import json
import random

import pytest

from attack import answers
from attack.answer_parts import Sent, text_of
from attack.heads import judged, seen
from attack.inputs.endpoints import JSON, Endpoint
from attack.inputs.requests import Site, attempt
from attack.judging import leftovers, manners
from attack.judging.admitted import Admitted, excess, most_at_once
from attack.racing import deletions
from attack.racing.deletions import Deletion, Message
from attack.report import Found, line, save
from attack.searches import chance_of
from attack.stack import Limits
from attack.wire import Reading, Reply, Unreadable
from bench.load import Answer
from bench.stack import Reader

LIMITS = Limits("a", "https://a.example.org", 60, 3, 2)
GET = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
HEADERS = {"x-request-id": "a", "date": "now", "content-type": "application/problem+json"}
MEMBERS = '{"type":"about:blank","title":"No","status":%d,"detail":"No.","code":"%s"}'


def at(*times):
    return [Admitted(asked, asked, asked + 0.5) for asked in times]


@pytest.mark.parametrize(
    ("questions", "expected"),
    [
        (at(0, 0, 0), 0),
        (at(0, 0, 0, 0), 1),
        (at(0, 0, 0, 1), 0),
        (at(0, 0, 0, 0.5), 0.5),
        (at(0, 10, 10, 10, 10.25), 0.75),
        # It may have been let through at any time in between.
        ([*at(0, 0, 0), Admitted(0.1, 1.0, 1.0)], 0),
    ],
)
def test_the_worst_stretch_of_time_is_found(questions, expected):
    assert excess(questions, LIMITS) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("questions", "expected"),
    [([], 0), (at(0, 0.4, 0.6), 2), (at(0, 0.5, 1.0), 1), (at(0, 0, 0), 3), ([Admitted(0, 1, 1)], 0)],
)
def test_only_what_surely_ran_together_counts(questions, expected):
    assert most_at_once(questions) == expected


@pytest.mark.parametrize(
    ("message", "deletion", "kept", "is_wrong"),
    [
        (Message("m", 0, 1, 2, 200), Deletion(1.5, 1.6, 204), True, True),
        (Message("m", 0, 1, 2, 200), Deletion(1.5, 1.6, 404), True, True),
        (Message("m", 0, 1, 2, 200), Deletion(0.5, 1.6, 204), True, False),
        (Message("m", 0, 1, 2, 200), Deletion(0.5, 1.6, 204), False, False),
        (Message("m", 2, 3, 4, 200), Deletion(0, 1, 204), False, True),
        (Message("m", 2, 3, 4, 429), Deletion(0, 1, 204), False, False),
        (Message("m", 2, 3, 4, 200), Deletion(5, 6, 503), True, False),
        (Message("m", 2, 3, 4, 502), Deletion(0, 1, 204), False, True),
    ],
)
def test_a_deletion_leaves_only_what_it_may(message, deletion, kept, is_wrong):
    assert bool(deletions.wrong([message], [deletion], ["m"] if kept else [])) == is_wrong


def test_the_page_and_the_rule_agree_about_deleted_accounts():
    left = leftovers.left_to_expire(leftovers.PAGE.read_text(), "ab")

    def expires(name):
        return any(one.fullmatch(name) for one in left)

    assert expires("cg:{ab}:gen")
    assert expires("cg:{ab}:r:x")
    assert expires("cg:{ab}:at:docs:gone:c1")
    assert not expires("cg:{ab}:s:x")
    assert not expires("cg:{ab}:at:docs:rate:reader")
    assert not expires("cg:{ab}:at:docs:c:c1")
    assert not expires("cg:{other}:gen")


@pytest.mark.parametrize(
    ("raw", "whole", "waits"),
    [
        (GET, 1, True),
        (GET + GET[:-2], 1, True),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n" + GET, 1, False),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 400\r\n\r\n" + GET, 0, True),
        (b"GET / HTTP/1.1\r\n\r\n" + GET, 0, False),
        (GET.replace(b"Host", b"Connection: close\r\nHost") + GET, 1, False),
    ],
)
def test_h11_says_how_many_requests_there_are(raw, whole, waits):
    read = seen(raw)
    assert (read.whole, read.waits) == (whole, waits)


def refusal(status, code, *, closes=True):
    headers = HEADERS | ({"retry-after": "1"} if status == 503 else {})
    return Reply(status, headers, (MEMBERS % (status, code)).encode(), closes)


ALIVE = Reply(200, HEADERS, b"{}", closes=False)


@pytest.mark.parametrize(
    ("replies", "raw", "is_right"),
    [
        ([ALIVE], GET, True),
        ([ALIVE, ALIVE], GET, False),
        ([ALIVE], GET.replace(b"Host", b"Transfer-Encoding: chunked\r\nHost") + b"x", True),
        ([ALIVE, ALIVE], GET.replace(b"Host", b"Transfer-Encoding: chunked\r\nHost") + b"x", False),
        ([ALIVE], GET + GET, False),
        ([refusal(400, "malformed_request")], GET + GET, True),
        ([ALIVE, refusal(400, "malformed_request")], GET + b"x\r\n\r\n", True),
        ([ALIVE, refusal(401, "invalid_token")], GET + b"x\r\n\r\n", False),
        ([refusal(503, "temporarily_unavailable")], GET, True),
        ([refusal(502, "bad_backend")], GET, False),
        ([refusal(400, "no_such_code")], GET, False),
        ([], GET, False),
    ],
)
def test_there_is_an_answer_to_each_request_and_no_other(replies, raw, is_right):
    assert (judged("chat_proxy", replies, seen(raw)) is None) == is_right


@pytest.mark.parametrize(
    ("path", "kind", "body", "is_right"),
    [
        ("/chat", "application/problem+json", MEMBERS % (401, "invalid_token"), True),
        ("/chat", "application/json", MEMBERS % (401, "invalid_token"), False),
        ("/chat", "application/problem+json", MEMBERS % (400, "invalid_token"), False),
        ("/api/auth/sign-out", "application/json", '{"message":"No","code":"NO"}', True),
        ("/api/auth/sign-out", "application/json", '{"message":"No","code":"no"}', False),
        ("/oauth2/token", "application/json", '{"error":"invalid_grant","error_description":"a"}', True),
        ("/oauth2/token", "application/json", '{"error":"invalid_grant","error_description":"\\""}', False),
        ("/oauth2/token", "application/json", '{"error":"odd","error_description":"a"}', False),
        ("/login", "text/html; charset=utf-8", "<p>", True),
        ("/login", "application/json", "{}", False),
    ],
)
def test_a_refusal_has_the_form_of_its_path(path, kind, body, is_right):
    reply = Reply(401, HEADERS | {"content-type": kind}, body.encode(), closes=False)
    assert (manners.fault("broker", path, reply) is None) == is_right


def test_an_answer_is_read_whole_or_not_at_all():
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
    reading = Reading(["HEAD", "GET"])
    assert [one.body for one in reading.feed(head + b"\r\n" + head + b"\r\n{}")] == [b"", b"{}"]
    assert reading.feed(b"") == []
    cut = Reading()
    assert cut.feed(head + b"\r\n{") == []
    with pytest.raises(Unreadable):
        cut.feed(b"")
    over = Reading()
    assert over.feed(head + b"Connection: close\r\n\r\n{}")[0].closes
    with pytest.raises(Unreadable):
        over.feed(b"x")


def test_the_same_seed_makes_the_same_attempts():
    site = Site("https://a.example.org", "http://127.0.0.1:1", "s", "r")
    endpoint = Endpoint("broker", "POST", "/api/auth/sign-in/email", JSON, ("email", "password"))

    def made(seed, number):
        return attempt(chance_of(seed, "bodies/broker", number), endpoint, Reader("a=b", "t"), site).pieces

    assert [made(1, number) for number in range(200)] == [made(1, number) for number in range(200)]
    assert [made(1, number) for number in range(200)] != [made(2, number) for number in range(200)]


def test_a_fault_is_shown_short_and_kept_whole(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    raw = random.Random(1).randbytes(5_000)
    found = Found("bodies", attempts=12)
    found.see("a wait", 3.0, "ms", 50.0)
    assert " ok " in line(found)
    found.add("answered 500", 34, raw)
    assert "FAULT" in line(found)
    assert "3 ms (at most 50 ms)" in line(found)
    [told] = save(found.faults, "bodies", 7)
    assert len(told) < 1_500
    assert "python -m attack --seed 7 --from 34 bodies" in told
    [file] = tmp_path.glob("*/bodies-34")
    assert file.read_bytes() == raw
    assert str(file) in told


WHOLE, CHANGED = Sent(b"HTTP/1.1 200 OK", is_whole=True), Sent(b"HTTP/1.1 200", is_whole=False)


@pytest.mark.parametrize(
    ("status", "text", "sent", "fault"),
    [
        (200, text_of(7), WHOLE, None),
        (200, text_of(7), CHANGED, None),
        (200, text_of(8), CHANGED, "a reader got the text of another answer"),
        (200, None, WHOLE, "a reader got the text of another answer"),
        (502, None, CHANGED, None),
        (503, None, CHANGED, None),
        # The connection ended before the question was there.
        (502, None, None, None),
        (502, None, WHOLE, "a whole answer was refused with 502"),
        (504, None, CHANGED, "answered 504"),
        (500, None, CHANGED, "answered 500"),
    ],
)
def test_a_reader_has_their_own_text_or_an_error(status, text, sent, fault):
    body = json.dumps({"response": text}).encode()
    assert answers.judged(Answer(status, {}, body, 0.0, 0.1), 7, sent) == fault
