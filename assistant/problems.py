"""Wording an error for a person: the one place where every package's errors meet."""

from __future__ import annotations

import errno
from dataclasses import dataclass

from assistant.engine.errors import EngineError
from assistant.errors import MidwatchError
from knowledge.errors import KnowledgeError
from tools.errors import ToolsError


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
        case _ if _is_provider_error(error):
            return Problem(
                "provider",
                f"the model server failed: {error}",
                "check [model] base_url and the key",
            )
    return Problem(
        "internal",
        f"something in midwatch failed: {type(error).__name__}: {error}",
        "run again with --verbose and report the traceback",
    )


def _is_provider_error(error: BaseException) -> bool:
    """Whether `error` is of the OpenAI client, which is not imported to find out."""
    return any(kind.__module__.split(".")[0] == "openai" for kind in type(error).__mro__)
