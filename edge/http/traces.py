"""Traces by OpenTelemetry, if the operator sets OTEL_EXPORTER_OTLP_ENDPOINT and installs the extra.

A span has a method, a status, a route as it was declared, names of ours and the id of the log lines; for an
error it has the type only, as the text may hold input. The trace context that a caller sends is ignored: it
would bring the caller's text, and let the caller decide which traces we keep.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final

from fastapi.telemetry import TelemetryConfig
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge.http import request_id

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

NONE_OF_FASTAPI: Final[TelemetryConfig] = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
"""For FastAPI's `telemetry`: its own spans and logs have the texts of errors, and a variable of its own
(FASTAPI_OTEL_AUTO_CONFIGURE) would turn them on."""
ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
EXPORTED_WITHIN: Final = 2.0
"""Seconds for one batch: a collector that is down must not delay the end of a process."""
_METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_NOTHING: Final[AbstractContextManager[None]] = nullcontext()


class CannotTrace(Exception):
    """Traces are configured, but OpenTelemetry is not installed."""


class Traces:
    """Makes no traces."""

    def span(self, name: str, **attributes: str) -> AbstractContextManager[Any]:
        """A block that is one part of a request."""
        return _NOTHING

    def carry(self, headers: dict[str, str]) -> None:
        """Add the header that joins the next service's spans to this trace (W3C Trace Context)."""

    def around(self, app: ASGIApp) -> ASGIApp:
        """`app` with a span for each request."""
        return app


class Exported(Traces):
    def __init__(self, tracer: "Tracer", inject: Callable[[dict[str, str]], None]) -> None:
        self._tracer = tracer
        self._inject = inject

    @contextmanager
    def span(self, name: str, **attributes: str) -> Iterator[Any]:
        with self._tracer.start_as_current_span(
            name, attributes=attributes, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield span
            except Exception as error:
                span.set_attribute("error.type", type(error).__name__)
                raise

    def carry(self, headers: dict[str, str]) -> None:
        self._inject(headers)

    def around(self, app: ASGIApp) -> ASGIApp:
        async def traced(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
            with self.span(method, **{"http.request.method": method}) as span:

                async def noted(message: Message) -> None:
                    if message["type"] == "http.response.start":
                        span.set_attributes(_of_answer(scope, message))
                    await send(message)

                await app(scope, receive, noted)

        return traced


def _of_answer(scope: Scope, message: Message) -> dict[str, str | int]:
    found: dict[str, str | int] = {
        "http.response.status_code": message["status"],
        "chatgate.request_id": dict(message["headers"])[request_id.HEADER].decode(),
    }
    route = getattr(scope.get("route"), "path", None)
    return found if route is None else found | {"http.route": str(route)}


def configured(service: str, environ: Mapping[str, str]) -> Traces:
    """The traces that OpenTelemetry's own variables ask for. Raises CannotTrace."""
    if not environ.get(ENDPOINT):
        return Traces()
    # Imported here, as it takes 8 MiB of memory (measured).
    try:
        from opentelemetry import propagate  # noqa: PLC0415
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError:
        raise CannotTrace(
            f"{ENDPOINT} is set, but OpenTelemetry is not installed: install what the extra `otel` names, "
            "or unset it."
        ) from None
    provider = TracerProvider(resource=Resource.create({"service.name": f"chatgate-{service}"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=EXPORTED_WITHIN)))
    return Exported(provider.get_tracer("chatgate"), propagate.inject)
