"""What a failed request says about the server that it was sent to.

The errors of the OpenAI client are read here alone, for whoever has another server to ask; what a
person is told of an error that nobody could make good is worded in `assistant.problems`.
"""

from __future__ import annotations

import email.utils
import math
import time
from dataclasses import dataclass
from typing import Literal

from openai import APIConnectionError, APIStatusError, APITimeoutError, OpenAIError

from assistant.errors import ProviderError

SERVER_ERRORS = (OpenAIError, ProviderError, TimeoutError)
"""What a request to a model server may fail with."""

Kind = Literal["unreachable", "broken", "busy", "refused", "request"]
"""No text got there; it failed or sent nonsense; it has too much to do; it will not serve us; it
found fault with the request, as any other would."""

_MAX_REASON_CHARS = 120
_MAX_RETRY_AFTER_S = 3600.0
_REFUSALS = {401: "refused the key", 403: "refused the key", 404: "does not know the model"}
_REQUEST_STATUSES = (400, 413, 422)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a server gave no answer. `retry_after_s`: how long it asked to be left alone."""

    kind: Kind
    reason: str
    retry_after_s: float = 0.0


def failure_of(error: BaseException) -> Failure:
    """What `error`, one of `SERVER_ERRORS`, says about the server."""
    match error:
        case APIStatusError():
            return _failure_of_status(error)
        case APITimeoutError() | TimeoutError() if _is_of_connecting(error):
            return Failure("unreachable", "could not be reached in time")
        case APITimeoutError() | TimeoutError():
            return Failure("broken", "was silent for too long")
        case APIConnectionError() if _is_of_connecting(error):
            return Failure("unreachable", f"could not be reached: {_words(_origin(error))}")
        case APIConnectionError():
            return Failure("broken", f"broke off: {_words(_origin(error))}")
    return Failure("broken", f"sent no whole answer: {_words(error)}")


def _failure_of_status(error: APIStatusError) -> Failure:
    status, after_s = error.status_code, _retry_after_s(error)
    if status == 429 or (status == 503 and after_s):
        return Failure("busy", "takes no more requests at the moment", after_s)
    if status in _REFUSALS:
        # Its own words may repeat the key.
        return Failure("refused", _REFUSALS[status])
    kind: Kind = "request" if status in _REQUEST_STATUSES else "broken"
    return Failure(kind, f"answered with status {status}", after_s)


def _retry_after_s(error: APIStatusError) -> float:
    """The seconds that the server asked for, as a number or as a date; 0.0 when it did not."""
    headers = error.response.headers
    for name, divisor in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        seconds = _number(headers.get(name, "")) / divisor
        if seconds > 0:
            return min(seconds, _MAX_RETRY_AFTER_S)
    date = email.utils.parsedate_tz(headers.get("retry-after", ""))
    seconds = email.utils.mktime_tz(date) - time.time() if date else 0.0
    return min(max(seconds, 0.0), _MAX_RETRY_AFTER_S)


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        return 0.0
    return number if math.isfinite(number) else 0.0


def _is_of_connecting(error: BaseException) -> bool:
    """Whether the connection was never made: the client's transport says so by a class's name."""
    names = [type(cause).__name__ for cause in _causes(error)]
    return "ConnectError" in names or "ConnectTimeout" in names


def _causes(error: BaseException) -> list[BaseException]:
    causes: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in causes:
        causes.append(cause)
        cause = cause.__cause__ or cause.__context__
    return causes


def _origin(error: BaseException) -> BaseException:
    """The innermost cause that has something to say."""
    return next((cause for cause in reversed(_causes(error)) if str(cause)), error)


def _words(error: BaseException) -> str:
    return " ".join(str(error).split())[:_MAX_REASON_CHARS]
