"""Tests of `edge.http`. test_cors and test_direct test `middleware`; every refusal passes through `problems`
and `request_id`. `pieces` needs a server, and is tested in tests/edge/server/http1."""
