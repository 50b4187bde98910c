import sys

import pytest

from edge.http.traces import ENDPOINT, CannotTrace, Traces, configured


def test_no_trace_begins_unless_it_is_asked_for():
    assert type(configured("proxy", {})) is Traces
    assert type(configured("proxy", {ENDPOINT: ""})) is Traces


def test_missing_packages_for_it_are_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk", None)
    with pytest.raises(CannotTrace, match="is not installed: install what the extra `otel` names"):
        configured("proxy", {ENDPOINT: "http://127.0.0.1:4318"})
