"""Errors as answers: a status, and `{"error": {"code", "message", "hint", "kind"}}`."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Mapping

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from assistant.access.errors import QuotaExceeded
from assistant.engine.errors import EngineBusy, EngineError
from assistant.errors import (
    ApprovalConflict,
    ApprovalError,
    ApprovalNotFound,
    ApprovalRefused,
    MidwatchError,
    NotAllowed,
    ServerBusy,
    SessionError,
    TurnNotFound,
    UploadRefused,
    WireError,
)
from assistant.observing.metrics import Metrics
from assistant.problems import Problem, describe
from knowledge.errors import KnowledgeError
from knowledge.errors import SourceNotFound as NothingHeld
from tools.errors import SourceNotFound, ToolsError

_log = logging.getLogger(__name__)

# The first that fits; what is in none of them is the server's own trouble.
_STATUSES: tuple[tuple[type[Exception], int], ...] = (
    (NotAllowed, 403),
    (QuotaExceeded, 429),
    (TurnNotFound, 404),
    (ApprovalNotFound, 404),
    (SourceNotFound, 404),
    (NothingHeld, 404),
    (ApprovalConflict, 409),
    (ApprovalRefused, 403),
    (ApprovalError, 422),
    (SessionError, 404),
    (UploadRefused, 422),
    (WireError, 422),
    (ServerBusy, 503),
    (EngineBusy, 503),
    (ToolsError, 422),
    (KnowledgeError, 422),
)
_RETRY_AFTER_S = "5"
_KNOWN = (MidwatchError, ToolsError, KnowledgeError, EngineError)


def error_body(code: str, message: str, hint: str = "", kind: str = "") -> bytes:
    """The JSON of an error; `kind` is its class, for our own client."""
    told = {"code": code, "message": message, "hint": hint, "kind": kind}
    return json.dumps({"error": told}).encode()


def status_of(error: Exception) -> int:
    """The HTTP status that says whose trouble it is."""
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)


def answer_failures(app: FastAPI, redact: Callable[[str], str], metrics: Metrics) -> None:
    """Have `app` answer every error in the same form, without secrets, and count it."""

    def failed(request: Request, error: Exception) -> Response:
        problem = describe(error)
        metrics.failed(problem.code)
        if problem.code == "internal":
            _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        status = 401 if _lacks_token(error, request) else status_of(error)
        return _answer(status, problem, redact, _retry(error), type(error).__name__)

    for kind in (*_KNOWN, Exception):
        app.add_exception_handler(kind, failed)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        hint = "the OpenAPI page says what each request takes: /docs"
        return _answer(422, Problem("request", f"{place}: {first['msg']}", hint), redact)

    @app.exception_handler(HTTPException)
    async def refused(_: Request, error: HTTPException) -> Response:
        problem = Problem("request", str(error.detail), "see /docs for what there is")
        return _answer(error.status_code, problem, redact, error.headers)


def _retry(error: Exception) -> dict[str, str]:
    wait_s = error.retry_after_s if isinstance(error, QuotaExceeded) else None
    return {} if wait_s is None else {"Retry-After": str(math.ceil(wait_s))}


def _lacks_token(error: Exception, request: Request) -> bool:
    return isinstance(error, NotAllowed) and "authorization" not in request.headers


def _answer(
    status: int,
    problem: Problem,
    redact: Callable[[str], str],
    headers: Mapping[str, str] | None = None,
    kind: str = "",
) -> Response:
    more = dict(headers or {})
    if status == 503:
        more["Retry-After"] = _RETRY_AFTER_S
    if status == 401:
        more["WWW-Authenticate"] = "Bearer"
    body = error_body(problem.code, redact(problem.message), redact(problem.hint), kind)
    return Response(body, status, more, media_type="application/json")
