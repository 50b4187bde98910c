"""Metrics are counted, merged and written; read here with the parser of Prometheus' own client."""

import asyncio
import contextlib

import pytest
from prometheus_client.parser import text_string_to_metric_families

from edge.server import metrics_listener
from edge.telemetry.metrics import Family, Histogram, Metrics, dump, lasting, load, merged, render
from tests.ports import free_ports

CODES = Family("chatgate_codes_total", "counter", "Codes.", ("code",))
OLDEST = Family("chatgate_age_seconds", "gauge", "Age.", merge="max")
OPEN = Family("chatgate_open", "gauge", "Open.")
LISTENING = Family("chatgate_listening", "gauge", "Listens.", merge="min")


def parsed(text):
    """Samples by name and labels."""
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def worker(codes, age, listening=1, seconds=()):
    metrics = Metrics()
    metrics.add(CODES, lambda: codes)
    metrics.add(OLDEST, lambda: age)
    metrics.add(OPEN, lambda: 1)
    metrics.add(LISTENING, lambda: listening)
    histogram = metrics.histogram("chatgate_wait_seconds", "Waiting.", (0.1, 1.0))
    for one in seconds:
        histogram.observe(one)
    return metrics.snapshot()


def test_each_kind_is_read_as_it_was_meant():
    found = parsed(render(worker({"a": 2, "b": 0}, 1.5, seconds=(0.05, 0.1, 0.5, 7))))
    assert found["chatgate_codes_total", ("code", "a")] == 2
    assert found["chatgate_codes_total", ("code", "b")] == 0
    assert found["chatgate_age_seconds",] == 1.5
    buckets = {
        bound: found["chatgate_wait_seconds_bucket", ("le", bound)] for bound in ("0.1", "1.0", "+Inf")
    }
    # A bucket holds what is at most its bound, and all buckets below it.
    assert buckets == {"0.1": 2, "1.0": 3, "+Inf": 4}
    assert found["chatgate_wait_seconds_count",] == 4
    assert found["chatgate_wait_seconds_sum",] == pytest.approx(7.65)


def test_workers_are_put_together_as_each_family_says():
    one = worker({"a": 2}, 1.5, listening=1, seconds=(0.05,))
    other = worker({"a": 3, "b": 1}, 4.0, listening=0, seconds=(0.05, 3))
    # As it comes from another process.
    found = parsed(render(merged([one, load(dump(other))])))
    assert found["chatgate_codes_total", ("code", "a")] == 5
    assert found["chatgate_codes_total", ("code", "b")] == 1
    assert found["chatgate_age_seconds",] == 4.0
    assert found["chatgate_open",] == 2
    assert found["chatgate_listening",] == 0
    assert found["chatgate_wait_seconds_bucket", ("le", "0.1")] == 2
    assert found["chatgate_wait_seconds_count",] == 3


def test_putting_together_leaves_the_parts_alone():
    one, other = worker({"a": 2}, 1.5), worker({"a": 3}, 1.5)
    before = render(one)
    merged([one, other])
    assert render(one) == before


def test_a_program_that_counts_in_another_way_begins_anew():
    """As the one that took its place at a replacement may."""

    def program(bounds, labels):
        metrics = Metrics()
        metrics.histogram("chatgate_wait_seconds", "Waiting.", bounds).observe(0.05)
        metrics.add(
            Family("chatgate_codes_total", "counter", "Codes.", labels), lambda: {("x",) * len(labels): 1}
        )
        metrics.add(OPEN, lambda: 1)
        return metrics.snapshot()

    old, new = program((0.1,), ("code",)), program((0.1, 1.0), ("code", "site"))
    found = parsed(render(merged([old, old, new, new])))
    assert found["chatgate_wait_seconds_count",] == 2
    assert found["chatgate_wait_seconds_bucket", ("le", "1.0")] == 2
    assert found["chatgate_codes_total", ("code", "x"), ("site", "x")] == 2
    assert found["chatgate_open",] == 4


def test_an_ended_worker_leaves_its_counts():
    found = lasting(worker({"a": 2}, 1.5, seconds=(1,)))
    assert {"chatgate_codes_total", "chatgate_wait_seconds"} <= set(found)
    assert not {"chatgate_age_seconds", "chatgate_open"} & set(found)


def test_figures_that_are_unknown_are_left_out():
    found = parsed(render(worker({}, None)))
    assert ("chatgate_age_seconds",) not in found
    assert found["chatgate_open",] == 1


def test_a_histogram_is_read_at_one_moment():
    histogram = Histogram((1.0,))
    before = histogram.values()
    histogram.observe(0.5)
    assert before == {(): [0.0, 0.0, 0.0]}


@contextlib.asynccontextmanager
async def listening(text):
    [port] = free_ports(1)
    bound = metrics_listener.bind("broker", port)
    assert bound is not None
    server = await metrics_listener.start(bound, text)
    try:
        yield port
    finally:
        server.close()


async def said(port, request):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    try:
        return await reader.read()
    finally:
        writer.close()


async def _text():
    return b"chatgate_open 1\n"


@pytest.mark.parametrize(
    ("line", "status", "body"),
    [
        (b"GET /metrics HTTP/1.1", b"200", b"chatgate_open 1\n"),
        (b"GET /metrics?name=x HTTP/1.1", b"200", b"chatgate_open 1\n"),
        (b"HEAD /metrics HTTP/1.1", b"200", b""),
        (b"POST /metrics HTTP/1.1", b"405", b"Use GET.\n"),
        (b"GET / HTTP/1.1", b"404", b"Metrics are at /metrics.\n"),
        (b"GET /metrics/x HTTP/1.1", b"404", b"Metrics are at /metrics.\n"),
        (b"", b"404", b"Metrics are at /metrics.\n"),
    ],
)
async def test_only_the_one_path_is_answered(line, status, body):
    async with listening(_text) as port:
        head, _, found = (await said(port, line + b"\r\nHost: x\r\n\r\n")).partition(b"\r\n\r\n")
    assert head.split(b" ")[1] == status
    assert found == body


async def test_a_client_that_speaks_no_http_is_hung_up_on():
    async with listening(_text) as port:
        assert await said(port, b"x" * (metrics_listener.MAX_HEAD + 100)) == b""


async def test_a_port_that_is_taken_is_named_with_its_mend():
    async with listening(_text) as port:
        with pytest.raises(metrics_listener.CannotListen, match="CHATGATE_BROKER_METRICS_PORT") as error:
            metrics_listener.bind("broker", port)
    assert str(port) in str(error.value)


def test_port_0_is_none():
    assert metrics_listener.bind("broker", 0) is None
