import sys

import pytest

from edge.http.traces import ENDPOINT, CannotTrace, Traces, configured


def test_nobody_is_traced_who_does_not_ask_for_it():
    assert type(configured("proxy", {})) is Traces
    assert type(configured("proxy", {ENDPOINT: ""})) is Traces


def test_what_is_missing_for_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk", None)
    with pytest.raises(CannotTrace, match="is not installed: install what the extra `otel` names"):
        configured("proxy", {ENDPOINT: "http://127.0.0.1:4318"})
