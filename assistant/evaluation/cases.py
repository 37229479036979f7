"""Cases: recorded questions with what a right answer says.

A case is a folder with `question.txt`, `expected.yaml` and what to answer from: `bundle/`,
`runbooks/` to be ingested, and the team's instructions (`*instructions.txt`). Only `quick_regex` is
needed in `expected.yaml`; what else is there makes the judgement sharper.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ValidationError

from assistant.errors import MidwatchError

_EXPECTED = "expected.yaml"
_RESTART_LABELS = "restart_labels.jsonl"

RestartLabel = Literal["yes", "no", "temporary", ""]
"""Whether a restart would mend it; `temporary`: for a while. Empty where nobody has said."""


@dataclass(frozen=True, slots=True)
class CauseEvidence:
    """A line of the evidence that shows the cause: its form, and its file as far as known."""

    pattern: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """A recorded case. Without patterns it has to be judged by reading.

    `before` are questions asked first in the same session. `expected` are sentences for a reader.
    An answer is right when all `patterns` match it and none of `forbidden`.
    """

    id: str
    folder: Path
    question: str
    patterns: tuple[str, ...]
    kind: str = ""
    before: tuple[str, ...] = ()
    expected: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    restart: RestartLabel = ""
    cause: tuple[CauseEvidence, ...] = ()

    @property
    def bundle(self) -> Path | None:
        """The evidence to answer from, if the case has any."""
        bundle = self.folder / "bundle"
        return bundle if bundle.is_dir() else None

    @property
    def instructions(self) -> Path | None:
        """The team's instructions for the answer, if the case has any."""
        return next(iter(sorted(self.folder.glob("*instructions.txt"))), None)

    @property
    def runbooks(self) -> Path | None:
        """The runbooks to know, if the case has any."""
        runbooks = self.folder / "runbooks"
        return runbooks if runbooks.is_dir() else None


def load_cases(suite: Path, only: tuple[str, ...] = (), kinds: tuple[str, ...] = ()) -> list[Case]:
    """The cases in `suite`, by name. Raises MidwatchError when one is missing or not usable."""
    found = {folder.name: folder for folder in sorted(suite.iterdir()) if _is_case(folder)}
    missing = [name for name in only if name not in found]
    if missing or not found:
        named = f"named {missing[0]}" if missing else "at all"
        raise MidwatchError(
            f"{suite} holds no case {named}",
            f"a case is a folder with question.txt and {_EXPECTED}",
        )
    labels = _restart_labels(suite / _RESTART_LABELS)
    cases = [
        _load(folder, labels.get(name, ""))
        for name, folder in found.items()
        if not only or name in only
    ]
    chosen = [case for case in cases if not kinds or case.kind in kinds]
    if not chosen:
        known = ", ".join(sorted({case.kind for case in cases if case.kind})) or "none"
        raise MidwatchError(f"{suite} holds no case of kind {kinds[0]}", f"its kinds: {known}")
    return chosen


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else [] if value is None else value


def _as_word(value: object) -> object:
    # YAML reads a bare yes and no as truth values.
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else value


_Strings = Annotated[tuple[str, ...], BeforeValidator(_as_list)]


class _Cause(BaseModel):
    source: str = ""
    regex: re.Pattern[str]


class _Expected(BaseModel):
    """What a case's `expected.yaml` may have; the rest of it is for people."""

    quick_regex: tuple[re.Pattern[str], ...] | None = None
    forbidden_regex: tuple[re.Pattern[str], ...] | None = None
    kind: str = ""
    expected: _Strings = ()
    before: _Strings = ()
    restart_would_fix: Annotated[RestartLabel, BeforeValidator(_as_word)] = ""
    cause_evidence: tuple[_Cause, ...] = ()


def _is_case(folder: Path) -> bool:
    return (folder / "question.txt").is_file()


def _load(folder: Path, label: RestartLabel) -> Case:
    told = _expected(folder / _EXPECTED)
    return Case(
        id=folder.name,
        folder=folder,
        question=(folder / "question.txt").read_text(encoding="utf-8").strip(),
        patterns=tuple(pattern.pattern for pattern in told.quick_regex or ()),
        kind=told.kind,
        before=told.before,
        expected=told.expected,
        forbidden=tuple(pattern.pattern for pattern in told.forbidden_regex or ()),
        restart=told.restart_would_fix or label,
        cause=tuple(
            CauseEvidence(cause.regex.pattern, cause.source) for cause in told.cause_evidence
        ),
    )


def _expected(path: Path) -> _Expected:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        return _Expected.model_validate({} if content is None else content)
    except ValidationError as error:
        raise _unusable(path, error.errors()[0]["msg"]) from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise _unusable(path, " ".join(str(error).split())) from error


def _unusable(path: Path, reason: str) -> MidwatchError:
    return MidwatchError(
        f"{path} cannot be used: {reason}", "it is YAML with quick_regex, a list of patterns"
    )


class _Label(BaseModel):
    case: str
    restart_would_fix: RestartLabel = ""


def _restart_labels(path: Path) -> dict[str, RestartLabel]:
    """The labels of a suite that keeps them in one file beside its cases."""
    if not path.is_file():
        return {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        labels = [_Label.model_validate(json.loads(line)) for line in lines if line.strip()]
    except (OSError, ValueError) as error:
        raise MidwatchError(
            f"{path} cannot be used: {' '.join(str(error).split())}",
            'each line is {"case": "…", "restart_would_fix": "yes|no|temporary"}',
        ) from error
    return {label.case: label.restart_would_fix for label in labels}
