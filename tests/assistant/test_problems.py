from __future__ import annotations

import errno
import sqlite3

import pytest

from assistant.engine.errors import ContextOverflow, ModelLoadError
from assistant.errors import (
    DataFolderError,
    MidwatchError,
    ModelError,
    ProviderError,
    PullError,
    SessionError,
    SettingsError,
)
from assistant.problems import Problem, describe
from knowledge.errors import KnowledgeError
from tools.errors import SourceNotFound


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (MidwatchError("m"), Problem("error", "m")),
        (SettingsError("m", "h"), Problem("settings", "m", "h")),
        (ModelError("m", "h"), Problem("model", "m", "h")),
        (PullError("m", "h"), Problem("pull", "m", "h")),
        (ProviderError("m", "h"), Problem("provider", "m", "h")),
        (SessionError("m", "h"), Problem("session", "m", "h")),
        (DataFolderError("m", "h"), Problem("data", "m", "h")),
        (ModelLoadError("m", "h"), Problem("engine", "m", "h")),
        (SourceNotFound("m", "h"), Problem("evidence", "m", "h")),
        (KnowledgeError("m", "h"), Problem("knowledge", "m", "h")),
    ],
)
def test_our_own_errors_keep_their_words(error: Exception, problem: Problem) -> None:
    assert describe(error) == problem


def test_context_overflow_names_the_figures() -> None:
    problem = describe(ContextOverflow(12_345, 8_192))
    assert "12,345" in problem.message
    assert "8,192" in problem.message
    assert "context_tokens" in problem.hint


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "disk", "the disk is full"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), "files", "'/x'"),
        (sqlite3.OperationalError("database or disk is full"), "data", "database or disk is full"),
        (sqlite3.DatabaseError("disk image is malformed"), "data", "malformed"),
    ],
)
def test_errors_of_the_machine_say_what_to_check(error: Exception, code: str, said: str) -> None:
    problem = describe(error)
    assert problem.code == code
    assert said in problem.message
    assert problem.hint


def test_what_nobody_foresaw_is_named_and_can_be_reported() -> None:
    problem = describe(KeyError("x"))
    assert problem.code == "internal"
    assert "KeyError: 'x'" in problem.message
    assert "--verbose" in problem.hint
