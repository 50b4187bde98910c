"""`create_app`: the one place that wires the reference backend."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from structlog.typing import FilteringBoundLogger

from rag_backend import chat, logs, problems
from rag_backend.answers import model
from rag_backend.answers.answer import Sources
from rag_backend.answers.model import SILENCE_SECONDS
from rag_backend.answers.responses import LIFE_SECONDS
from rag_backend.config import Config
from rag_backend.problems import Problem
from rag_backend.search import index
from rag_backend.search.index import IndexUnavailable


def create_app(
    config: Config,
    log: FilteringBoundLogger | None = None,
    now: Callable[[], float] = time.time,
    *,
    silence: float = SILENCE_SECONDS,
    life_every: float = LIFE_SECONDS,
) -> FastAPI:
    """The application. It opens nothing before it starts, and opens the index for each question. It waits
    `silence` seconds for a byte of the model, and gives the proxy a sign of life in each `life_every`."""
    log = log or logs.logger()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with model.client(silence) as http:
            sources = Sources(config.index, config.model, http, config.embedding)
            app.state.backend = chat.State(config.secret, config.audience, sources, log, now, life_every)
            log.info("started", by_model=config.model is not None)
            _warn_of_missing_index(config, log)
            yield
        log.info("stopped")

    # FastAPI's own spans and logs have the texts of errors, which may hold a reader's.
    silent: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
    app = FastAPI(lifespan=lifespan, openapi_url=None, telemetry=silent)

    @app.post("/chat")
    async def ask(request: Request) -> Response:
        return await chat.answer_question(request, request.app.state.backend)

    @app.get("/healthz")
    async def alive() -> Response:
        return JSONResponse({"status": "alive"})

    @app.get("/readyz")
    async def ready() -> Response:
        with index.opened(config.index):
            return JSONResponse({"status": "ready"})

    _add_error_handlers(app, log)
    return app


def _warn_of_missing_index(config: Config, log: FilteringBoundLogger) -> None:
    # A warning is enough: the index may be built while the backend runs, and is opened for each question.
    try:
        with index.opened(config.index):
            pass
    except IndexUnavailable as error:
        log.warning("index_missing", index=str(config.index), detail=str(error))


def _add_error_handlers(app: FastAPI, log: FilteringBoundLogger) -> None:
    @app.exception_handler(Problem)
    async def problem(_: Request, error: Problem) -> Response:
        return problems.render(error)

    @app.exception_handler(IndexUnavailable)
    async def not_ready(_: Request, error: IndexUnavailable) -> Response:
        return problems.render(Problem(503, "index_unavailable", str(error), {"Retry-After": "5"}))

    @app.exception_handler(HTTPException)
    async def not_here(_: Request, error: HTTPException) -> Response:
        code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "refused")
        return problems.render(
            Problem(error.status_code, code, "The backend answers POST /chat.", error.headers)
        )

    @app.exception_handler(Exception)
    async def fault(_: Request, error: Exception) -> Response:
        # Only the exception's type is logged: its text may hold the question.
        log.error("fault", exception=type(error).__name__)
        return problems.render(Problem(500, "internal_error", "The backend failed. Its log says where."))
