"""Idioms: how a language does what people on call ask for most, looked up by a request's words.

A small model knows the commands and mixes up their options. A line that is right, with capitals
where the request's own names go, is worth more to it than any rule.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

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
    r"(?<![\w$])(?<!\$\{)(?!(?:BEGIN|END|FNR|OFS|EOF|IFS)\b)[A-Z]{3,}(?![\w=])"
)
# Below this share of the best one's score an idiom is about something else.
_MIN_SHARE = 0.7
_MIN_SCORE = 1.4
_MAX_IDIOMS = 2


@dataclass(frozen=True, slots=True)
class Idiom:
    """A piece of code, and the words of those who need it."""

    purpose: str
    code: str


def fitting_idioms(task: str, language: Language) -> tuple[Idiom, ...]:
    """The idioms that `task` speaks of, the most fitting first; often none."""
    asked = _telling(task)
    scored = [(_score(asked, idiom, language), idiom) for idiom in _idioms().get(language, ())]
    best = max((score for score, _ in scored), default=0.0)
    floor = max(_MIN_SCORE, _MIN_SHARE * best)
    chosen = sorted((pair for pair in scored if pair[0] >= floor), key=lambda pair: -pair[0])
    return tuple(idiom for _, idiom in chosen[:_MAX_IDIOMS])


def _score(asked: frozenset[str], idiom: Idiom, language: Language) -> float:
    """How much of what the idiom's purpose says the task says too: the cosine, but for the task."""
    weights = _weights(language)
    known = _telling(idiom.purpose)
    shared = sum(weights[word] ** 2 for word in asked & known)
    return shared / math.sqrt(sum(weights[word] ** 2 for word in known))


def left_over(code: str, task: str, language: Language) -> tuple[str, ...]:
    """The words in capitals that stand in the task's idioms for a name, and still in `code`."""
    idioms = fitting_idioms(task, language)
    placeholders = {word for idiom in idioms for word in _PLACEHOLDER.findall(idiom.code)}
    found = dict.fromkeys(_PLACEHOLDER.findall(code))
    return tuple(word for word in found if word in placeholders and word not in task)


@cache
def _idioms() -> Mapping[str, Sequence[Idiom]]:
    tables = tomllib.loads(_CATALOG.read_text(encoding="utf-8"))
    return {
        language: tuple(Idiom(entry["for"], entry["code"].strip()) for entry in entries)
        for language, entries in tables.items()
    }


@cache
def _weights(language: Language) -> Mapping[str, float]:
    """How much each word tells: those of few idioms most (Spärck Jones 1972)."""
    known = _idioms().get(language, ())
    counts = Counter(word for idiom in known for word in _telling(idiom.purpose))
    return {word: math.log(1 + len(known) / count) for word, count in counts.items()}


def _telling(text: str) -> frozenset[str]:
    return frozenset(stem(word.lower()) for word in _WORD.findall(text)) - _PLAIN
