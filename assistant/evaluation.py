"""Answering a folder of recorded cases, to see how good the answers are.

A case is a folder with `question.txt`, `expected.yaml` (`quick_regex`: patterns that a right answer
matches, all of them), and what to answer from: `bundle/`, or `runbooks/` to be ingested. A match is
a proxy for a right answer, so the answers are kept, to be read.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from assistant.errors import MidwatchError
from assistant.events import TurnFailed, TurnFinished
from assistant.interface import AskRequest, Assistant
from assistant.live import open_runbooks
from assistant.local import ModelLoader, load_model, open_local_assistant
from assistant.providers import models_dir
from assistant.settings import DataSettings, LogsSettings, ServicesSettings, Settings

_EXPECTED = "expected.yaml"


class _Expected(BaseModel):
    """What a case's `expected.yaml` must have; the rest of it is for people."""

    quick_regex: tuple[re.Pattern[str], ...] | None = None


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
    """The cases in `suite`, by name. Raises MidwatchError when one is missing or not usable."""
    found = {folder.name: folder for folder in sorted(suite.iterdir()) if _is_case(folder)}
    missing = [name for name in only if name not in found]
    if missing or not found:
        named = f"named {missing[0]}" if missing else "at all"
        raise MidwatchError(
            f"{suite} holds no case {named}",
            f"a case is a folder with question.txt and {_EXPECTED}",
        )
    return [_load(folder) for name, folder in found.items() if not only or name in only]


async def evaluate(
    cases: list[Case], settings: Settings, load: ModelLoader = load_model
) -> AsyncGenerator[CaseResult]:
    """Answer the cases one after another, each in a session and with runbooks of its own.

    The model is loaded once. Nothing of the user's sessions, runbooks, logs and services is read or
    written.
    """
    with TemporaryDirectory(prefix="midwatch-eval-") as scratch:
        isolated = _isolated(settings, Path(scratch))
        async with open_local_assistant(isolated, load) as assistant:
            for case in cases:
                await asyncio.to_thread(_ingest, case, isolated)
                yield await _run(case, assistant)


def judge(answer: str, patterns: tuple[str, ...]) -> tuple[str, ...]:
    """The patterns that `answer` does not match."""
    return tuple(p for p in patterns if not re.search(p, answer, re.IGNORECASE))


def _is_case(folder: Path) -> bool:
    return (folder / "question.txt").is_file()


def _load(folder: Path) -> Case:
    return Case(
        id=folder.name,
        folder=folder,
        question=(folder / "question.txt").read_text(encoding="utf-8").strip(),
        patterns=tuple(pattern.pattern for pattern in _expected(folder / _EXPECTED)),
    )


def _expected(path: Path) -> tuple[re.Pattern[str], ...]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        return _Expected.model_validate(content or {}).quick_regex or ()
    except ValidationError as error:
        raise _unusable(path, error.errors()[0]["msg"]) from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise _unusable(path, " ".join(str(error).split())) from error


def _unusable(path: Path, reason: str) -> MidwatchError:
    return MidwatchError(
        f"{path} cannot be used: {reason}", "it is YAML with quick_regex, a list of patterns"
    )


def _isolated(settings: Settings, scratch: Path) -> Settings:
    model = settings.model.model_copy(update={"dir": models_dir(settings)})
    return settings.model_copy(
        update={
            "model": model,
            "data": DataSettings(dir=scratch),
            # The cases' runbooks are no business of the team's.
            "knowledge": settings.knowledge.model_copy(update={"chroma_url": ""}),
            "logs": LogsSettings(),
            "services": ServicesSettings(),
        }
    )


def _ingest(case: Case, settings: Settings) -> None:
    """Make the case's own runbooks, and only those, what the knowledge base holds."""
    own = case.folder / "runbooks"
    nothing = settings.data.dir / "no-runbooks"
    nothing.mkdir(exist_ok=True)
    # One path for all cases: an ingest drops what is not to be found below it any more.
    current = settings.data.dir / "runbooks"
    current.unlink(missing_ok=True)
    current.symlink_to(own.resolve() if own.is_dir() else nothing)
    with open_runbooks(settings) as runbooks:
        if own.is_dir() or not runbooks.is_empty():
            runbooks.ingest([current])


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
    times = sorted(result.total_s for result in results if not result.error)
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
