"""Idioms: how a language does what people on call ask for most, looked up by a request's words.

A small model knows the commands and mixes up their options. A line that is right is worth more to
it than any rule. It copies what it gets, so that code puts in the request's own names wherever it
is sure of them (`filling`), and an idiom does what its purpose says as it stands.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from assistant.coding.filling import filled
from assistant.coding.look import Looked
from tools.code.report import Language
from tools.logs.lookup.words import stem

_CATALOG = Path(__file__).with_name("idioms.toml")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]+")
_PLAIN_TEXT = """
a all an and are as at be by do does each every for from has have if in into is it its make not of
on only or out print same script that the their them then there these they this those to under
using what when where which whose with without write file files folder line lines name names below
first last
"""
_PLAIN = frozenset(stem(word) for word in _PLAIN_TEXT.split())
# Not a variable's name, which may be in capitals, nor what awk has of its own.
_PLACEHOLDER = re.compile(
    r"(?<![\w$])(?<!\$\{)(?!(?:BEGIN|END|FNR|OFS|EOF|IFS|EXIT|INT|TERM|HUP|LISTEN)\b)[A-Z]{3,}(?![\w=])"
)
_MIN_SCORE = 1.4


@dataclass(frozen=True, slots=True)
class Idiom:
    """A piece of code, and the words of those who need it.

    A request that has no word of one of the groups of `needs` is about something else.
    """

    purpose: str
    code: str
    needs: tuple[frozenset[str], ...] = ()


def fitting_idiom(task: str, language: Language, looked: Sequence[Looked] = ()) -> Idiom | None:
    """The idiom that `task` speaks of, with what the task says put in; often none.

    One alone: of two a small model copies both.
    """
    idiom = _chosen(task, language)
    return replace(idiom, code=filled(idiom.code, task, looked)) if idiom else None


def _chosen(task: str, language: Language) -> Idiom | None:
    asked = _stems(task)
    scored = ((_score(asked, idiom, language), idiom) for idiom in _idioms().get(language, ()))
    score, idiom = max(scored, key=lambda pair: pair[0], default=(0.0, None))
    return idiom if score >= _MIN_SCORE else None


def _score(asked: frozenset[str], idiom: Idiom, language: Language) -> float:
    """How much of what the idiom's purpose says the task says too: the cosine, but for the task."""
    if not all(group & asked for group in idiom.needs):
        return 0.0
    weights = _weights(language)
    known = _telling(idiom.purpose)
    shared = sum(weights[word] ** 2 for word in asked & known)
    return shared / math.sqrt(sum(weights[word] ** 2 for word in known))


def left_over(code: str, task: str, language: Language) -> tuple[str, ...]:
    """The words in capitals that stand in the task's idiom for a name, and still in `code`."""
    idiom = _chosen(task, language)
    placeholders = _PLACEHOLDER.findall(idiom.code) if idiom else []
    found = dict.fromkeys(_PLACEHOLDER.findall(code))
    return tuple(
        word
        for word in found
        if word in placeholders and word not in task and not _is_assigned(word, code)
    )


def _is_assigned(word: str, code: str) -> bool:
    return re.search(rf"(?<![\w$]){word}=", code) is not None


@cache
def _idioms() -> Mapping[str, Sequence[Idiom]]:
    tables = tomllib.loads(_CATALOG.read_text(encoding="utf-8"))
    return {
        language: tuple(_idiom(entry) for entry in entries) for language, entries in tables.items()
    }


def _idiom(entry: Mapping[str, str]) -> Idiom:
    groups = (_stems(group) for group in entry.get("needs", "").split(";"))
    return Idiom(entry["for"], entry["code"].strip(), tuple(group for group in groups if group))


@cache
def _weights(language: Language) -> Mapping[str, float]:
    """How much each word tells: those of few idioms most (Spärck Jones 1972)."""
    known = _idioms().get(language, ())
    counts = Counter(word for idiom in known for word in _telling(idiom.purpose))
    return {word: math.log(1 + len(known) / count) for word, count in counts.items()}


def _telling(text: str) -> frozenset[str]:
    return _stems(text) - _PLAIN


def _stems(text: str) -> frozenset[str]:
    return frozenset(stem(word.lower()) for word in _WORD.findall(text))
