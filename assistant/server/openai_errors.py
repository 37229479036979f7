"""Errors in the shape of OpenAI's API, whose clients choose by status and code what to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from assistant.chat.completion import FieldRefused
from assistant.engine.errors import (
    ContextOverflow,
    DeadlineExceeded,
    EngineBusy,
    EngineClosed,
    EngineError,
    GrammarDeadEnd,
    ModelFileChanged,
    RequestRefused,
)
from assistant.errors import MidwatchError
from assistant.problems import describe

# A place in the queue comes free when an answer ends.
_RETRY_AFTER_S = 2


class RequestInvalid(MidwatchError):
    """A request that is not of OpenAI's form, or asks for what is not done here."""

    code = "invalid_request"

    def __init__(self, param: str | None, message: str, reason: str = "invalid_value") -> None:
        super().__init__(message)
        self.param = param
        self.reason = reason


class ModelUnknown(MidwatchError):
    """A model that this server does not have."""

    code = "model"


class ModelUnavailable(MidwatchError):
    """A model that could not be loaded; the cause says why."""

    code = "model"


@dataclass(frozen=True, slots=True)
class ApiError:
    """An error as a client gets it: in the body of a response, or in a stream that has begun."""

    status: int
    message: str
    type: str
    code: str
    param: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self, redact: Callable[[str], str]) -> dict[str, Any]:
        """`{"error": {…}}`, its message gone through `redact`."""
        message = redact(self.message)
        error = {"message": message, "type": self.type, "param": self.param, "code": self.code}
        return {"error": error}


def api_error(error: BaseException) -> ApiError | None:
    """`error` as a client gets it; None for what nobody foresaw."""
    match error:
        case RequestInvalid():
            return _bad_request(error.message, error.reason, error.param)
        case ModelUnknown():
            return ApiError(
                404, _told(error), "invalid_request_error", "model_not_found", param="model"
            )
        case ModelUnavailable():
            return _unavailable(error.message, "model_unavailable")
        case EngineError():
            return _of_engine(error)
    problem = describe(error)
    if problem.code == "internal":
        return None
    if problem.code == "provider":
        return _of_provider(error, _sentence(problem.message, problem.hint))
    return ApiError(500, _sentence(problem.message, problem.hint), "server_error", problem.code)


def unforeseen() -> ApiError:
    """What a client gets when nobody foresaw it; the log has the rest."""
    message = "something in midwatch failed; its log has the traceback"
    return ApiError(500, message, "server_error", "internal")


def _of_engine(error: EngineError) -> ApiError:
    match error:
        case EngineBusy():
            retry = {"Retry-After": str(_RETRY_AFTER_S)}
            return ApiError(429, _told(error), "rate_limit_error", "busy", headers=retry)
        case ContextOverflow():
            return _bad_request(_told(error), "context_length_exceeded", "messages")
        case FieldRefused():
            return _bad_request(_told(error), "unsupported_value", error.param)
        case RequestRefused() | GrammarDeadEnd():
            return _bad_request(_told(error), "invalid_value", None)
        case EngineClosed() | ModelFileChanged():
            return _unavailable(_told(error), "engine_unavailable")
        case DeadlineExceeded():
            return ApiError(504, _told(error), "server_error", "deadline_exceeded")
    return ApiError(500, _told(error), "server_error", "engine")


def _of_provider(error: BaseException, message: str) -> ApiError:
    """What the model server refused is the client's to mend; its faults are a bad gateway."""
    status = getattr(error, "status_code", None)
    if status == 400:
        return _bad_request(message, "provider_refused", None)
    if status == 429:
        headers = getattr(getattr(error, "response", None), "headers", {})
        after = str(headers.get("retry-after", ""))
        retry = {"Retry-After": after if after.isdecimal() else str(_RETRY_AFTER_S)}
        return ApiError(429, message, "rate_limit_error", "provider_busy", headers=retry)
    return ApiError(502, message, "server_error", "provider")


def _bad_request(message: str, code: str, param: str | None) -> ApiError:
    return ApiError(400, message, "invalid_request_error", code, param)


def _unavailable(message: str, code: str) -> ApiError:
    return ApiError(503, message, "server_error", code)


def _told(error: EngineError | MidwatchError) -> str:
    return _sentence(error.message, error.hint)


def _sentence(message: str, hint: str) -> str:
    return f"{message}: {hint}" if hint else message
