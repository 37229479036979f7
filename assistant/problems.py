"""Wording an error for a person: the one place where every package's errors meet."""

from __future__ import annotations

import errno
import re
import sqlite3
from dataclasses import dataclass

from assistant.engine.errors import ContextOverflow, EngineBusy, EngineError
from assistant.errors import MidwatchError
from knowledge.errors import KnowledgeError
from tools.errors import ToolsError

_MAX_WORDS_CHARS = 200


@dataclass(frozen=True, slots=True)
class Problem:
    """An error in the words a person gets: a stable code, one sentence, and the next step."""

    code: str
    message: str
    hint: str = ""


def describe(error: BaseException) -> Problem:
    """`error` for a person. The code is `internal` for what nobody foresaw."""
    match error:
        case MidwatchError():
            return Problem(error.code, error.message, error.hint)
        case ContextOverflow():
            return Problem(
                "engine",
                error.message,
                "attach long text with -f or pipe it in, ask in a new session, or raise [model] "
                "context_tokens",
            )
        case EngineBusy():
            return Problem("busy", error.message, error.hint)
        case EngineError():
            return Problem("engine", error.message, error.hint)
        case ToolsError():
            return Problem("evidence", error.message, error.hint)
        case KnowledgeError():
            return Problem("knowledge", error.message, error.hint)
        case OSError() if error.errno == errno.ENOSPC:
            return Problem("disk", f"the disk is full: {error}", "free some space and try again")
        case OSError():
            return Problem("files", str(error), "check the path and its permissions")
        case sqlite3.DatabaseError():
            return Problem(
                "data",
                f"a database in the data folder failed: {error}",
                "check its permissions and free space: midwatch doctor",
            )
        case _ if _is_provider_error(error):
            return _provider_problem(error)
    return Problem(
        "internal",
        f"something in midwatch failed: {type(error).__name__}: {error}",
        "run again with --verbose and report the traceback",
    )


def _is_provider_error(error: BaseException) -> bool:
    """Whether `error` is of the OpenAI client, which is not imported to find out."""
    return any(kind.__module__.split(".")[0] == "openai" for kind in type(error).__mro__)


def _provider_problem(error: BaseException) -> Problem:
    """What the refusal means. The server's own words are left out where they may repeat the key."""
    status = getattr(error, "status_code", None)
    match status:
        case 401 | 403:
            message = "the model server refused the key"
            hint = "check the variable that [model] api_key_env names"
        case 404:
            message = f"the model server does not know this model or address: {_words(error)}"
            hint = "check [model] name, and that base_url ends in /v1"
        case 429:
            message = "the model server takes no more requests at the moment"
            hint = f"try again {_after(error)}"
        case int():
            message = f"the model server answered with status {status}: {_words(error)}"
            hint = "look at the server's own log"
        case _:
            message = f"no whole answer came from the model server: {_words(_origin(error))}"
            hint = "check that it runs, and [model] base_url"
    return Problem("provider", message, hint)


def _words(error: BaseException) -> str:
    """The error's first words on one line."""
    text = re.sub(r"^Error code: \d+ - ", "", str(error))
    return " ".join(text.split())[:_MAX_WORDS_CHARS]


def _after(error: BaseException) -> str:
    """When to try again, as far as the server has said."""
    headers = getattr(getattr(error, "response", None), "headers", {})
    seconds = str(headers.get("retry-after", ""))
    return f"in {seconds} s" if seconds.isdecimal() else "later"


def _origin(error: BaseException) -> BaseException:
    """The innermost cause that has something to say: a client wraps it many times over."""
    cause = error.__cause__ or error.__context__
    origin = error if cause is None else _origin(cause)
    return origin if str(origin) else error
