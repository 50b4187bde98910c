from redis.crc import key_slot

from tokens import liveness

SUB = "3fBBUxbqlMcvOuLvTBppoIkCzqNfYopz"


def test_all_that_is_known_of_a_user_is_in_one_slot():
    names = [
        liveness.session(SUB, "a"),
        liveness.session(SUB, "b"),
        liveness.sessions(SUB),
        liveness.generation(SUB),
        liveness.revoked_token(SUB, "j"),
        liveness.proof(SUB, "p"),
    ]
    assert {key_slot(name.encode()) for name in names} == {key_slot(SUB.encode())}


def test_the_raw_session_token_is_in_no_key():
    raw = "abcdefghijklmnopqrstuvwxyz012345"
    assert raw not in liveness.session_pointer(liveness.token_hash(raw))


def test_the_root_of_a_token_is_what_comes_before_the_first_dot():
    assert [liveness.root_of(jti) for jti in ("a", "a.b", "a.b.c")] == ["a", "a", "a"]
