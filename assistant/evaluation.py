"""Answering a folder of recorded cases, to see how good the answers are.

A case is a folder with `question.txt`, `expected.yaml` (`quick_regex`: patterns that a right answer
matches, all of them), and what to answer from: `bundle/`, or `runbooks/` to be ingested. A match is
a proxy for a right answer, so the answers are kept, to be read.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from assistant.errors import MidwatchError
from assistant.events import TurnFailed, TurnFinished
from assistant.interface import AskRequest, Assistant
from assistant.live import open_runbooks
from assistant.local import open_local_assistant
from assistant.providers import models_dir
from assistant.settings import DataSettings, Settings


@dataclass(frozen=True, slots=True)
class Case:
    """A recorded case. Without patterns it has to be judged by reading."""

    id: str
    folder: Path
    question: str
    patterns: tuple[str, ...]

    @property
    def bundle(self) -> Path | None:
        """The evidence to answer from, if the case has any."""
        bundle = self.folder / "bundle"
        return bundle if bundle.is_dir() else None


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What became of a case. `missing` are the patterns that the answer does not match."""

    case: Case
    answer: str
    missing: tuple[str, ...]
    error: str
    ttft_s: float
    total_s: float
    prompt_tokens: int
    completion_tokens: int

    @property
    def is_match(self) -> bool | None:
        """Whether every pattern matches; None when the case has none to match."""
        if self.error:
            return False
        return None if not self.case.patterns else not self.missing


def load_cases(suite: Path, only: tuple[str, ...] = ()) -> list[Case]:
    """The cases in `suite`, by name. Raises MidwatchError when there is none."""
    cases = [_load(folder) for folder in sorted(suite.iterdir()) if _is_case(folder, only)]
    if not cases:
        raise MidwatchError(
            f"{suite} holds no cases", "a case is a folder with question.txt and expected.yaml"
        )
    return cases


async def evaluate(cases: list[Case], settings: Settings) -> AsyncGenerator[CaseResult]:
    """Answer the cases one after another, each in a session and a data folder of its own use.

    The model is loaded once; nothing of the user's sessions or runbooks is read or written.
    """
    with TemporaryDirectory(prefix="midwatch-eval-") as scratch:
        isolated = _isolated(settings, Path(scratch))
        async with open_local_assistant(isolated) as assistant:
            for case in cases:
                _ingest(case, isolated)
                yield await _run(case, assistant)


def judge(answer: str, patterns: tuple[str, ...]) -> tuple[str, ...]:
    """The patterns that `answer` does not match."""
    return tuple(p for p in patterns if not re.search(p, answer, re.IGNORECASE))


def _is_case(folder: Path, only: tuple[str, ...]) -> bool:
    return (folder / "question.txt").is_file() and (not only or folder.name in only)


def _load(folder: Path) -> Case:
    expected: dict[str, Any] = yaml.safe_load((folder / "expected.yaml").read_text()) or {}
    return Case(
        id=folder.name,
        folder=folder,
        question=(folder / "question.txt").read_text().strip(),
        patterns=tuple(expected.get("quick_regex") or ()),
    )


def _isolated(settings: Settings, scratch: Path) -> Settings:
    model = settings.model.model_copy(update={"dir": models_dir(settings)})
    return settings.model_copy(update={"model": model, "data": DataSettings(dir=scratch)})


def _ingest(case: Case, settings: Settings) -> None:
    """Put the case's own runbooks, and only those, into the knowledge base."""
    with open_runbooks(settings) as runbooks:
        folder = case.folder / "runbooks"
        if folder.is_dir():
            runbooks.ingest([folder])


async def _run(case: Case, assistant: Assistant) -> CaseResult:
    request = AskRequest(case.question, bundle=case.bundle)
    async with aclosing(assistant.ask(request)) as events:
        async for event in events:
            if isinstance(event, TurnFinished):
                usage = event.usage
                return CaseResult(
                    case,
                    event.answer,
                    judge(event.answer, case.patterns),
                    "",
                    usage.ttft_s,
                    usage.total_s,
                    usage.prompt_tokens,
                    usage.completion_tokens,
                )
            if isinstance(event, TurnFailed):
                return CaseResult(case, "", case.patterns, event.message, 0.0, 0.0, 0, 0)
    raise AssertionError("a turn ends in TurnFinished or TurnFailed")


def summary(results: list[CaseResult]) -> dict[str, Any]:
    """The figures of a whole run."""
    judged = [result for result in results if result.is_match is not None]
    times = sorted(result.total_s for result in results)
    return {
        "cases": len(results),
        "judged": len(judged),
        "matched": sum(bool(result.is_match) for result in judged),
        "failed": sum(bool(result.error) for result in results),
        "median_total_s": round(times[len(times) // 2], 2) if times else 0.0,
        "max_total_s": round(times[-1], 2) if times else 0.0,
    }


def as_rows(results: list[CaseResult]) -> Iterator[dict[str, Any]]:
    """Each result as a plain object."""
    for result in results:
        yield {
            "id": result.case.id,
            "is_match": result.is_match,
            "missing": list(result.missing),
            "error": result.error,
            "ttft_s": round(result.ttft_s, 2),
            "total_s": round(result.total_s, 2),
            "prompt_tokens": result.prompt_tokens,
            "completion_tokens": result.completion_tokens,
            "answer": result.answer,
        }
