"""`Question` and `Quality`: how well a ranking of documents answers questions of known answer.

A line of a file of questions is a JSON object: `id`, `query`, `relevant` (paths of the documents
that answer it; none when nothing does), `also_ok` (paths that help) and `style`. Paths begin with
the name of the folder that was ingested.
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

GAIN_RELEVANT = 2
GAIN_ALSO_OK = 1
_DEPTH = 10


@dataclass(frozen=True, slots=True)
class Question:
    """A question and the documents that answer it, or help."""

    id: str
    query: str
    style: str
    relevant: frozenset[str]
    also_ok: frozenset[str]

    @property
    def is_answerable(self) -> bool:
        """Whether any document answers it."""
        return bool(self.relevant)


@dataclass(frozen=True, slots=True)
class Quality:
    """Over `num_questions` questions: the share with an answer among the first 1, 3 and 5, and the
    mean nDCG@10."""

    num_questions: int
    hit_at_1: float
    hit_at_3: float
    hit_at_5: float
    ndcg_at_10: float


def read_questions(file: Path) -> list[Question]:
    """The questions in `file`, one a line."""
    lines = file.read_text(encoding="utf-8").splitlines()
    return [_question(json.loads(line)) for line in lines if line.strip()]


def _question(fields: Mapping[str, object]) -> Question:
    def paths(key: str) -> frozenset[str]:
        found = fields.get(key) or []
        assert isinstance(found, list)
        return frozenset(found)

    return Question(
        id=str(fields["id"]),
        query=str(fields["query"]),
        style=str(fields.get("style", "")),
        relevant=paths("relevant"),
        also_ok=paths("also_ok"),
    )


def quality(questions: Sequence[Question], ranked: Mapping[str, Sequence[str]]) -> Quality:
    """How well `ranked`, paths by question id, answers the answerable ones of `questions`."""
    asked = [question for question in questions if question.is_answerable]
    if not asked:
        return Quality(0, 0.0, 0.0, 0.0, 0.0)
    ranks = [_rank_of_answer(question, ranked[question.id]) for question in asked]
    hit_at_1, hit_at_3, hit_at_5 = (
        sum(rank <= depth for rank in ranks) / len(asked) for depth in (1, 3, 5)
    )
    gains = [ndcg(question, ranked[question.id]) for question in asked]
    return Quality(len(asked), hit_at_1, hit_at_3, hit_at_5, statistics.fmean(gains))


def ndcg(question: Question, paths: Sequence[str]) -> float:
    """Normalised discounted cumulative gain of the first ten (Järvelin and Kekäläinen 2002)."""
    best = [GAIN_RELEVANT] * len(question.relevant) + [GAIN_ALSO_OK] * len(question.also_ok)
    return _discounted([_gain(question, path) for path in paths]) / _discounted(best)


def _rank_of_answer(question: Question, paths: Sequence[str]) -> float:
    """The place of the first answer, from 1; infinite when there is none."""
    places = (place for place, path in enumerate(paths, 1) if path in question.relevant)
    return next(places, math.inf)


def _gain(question: Question, path: str) -> int:
    if path in question.relevant:
        return GAIN_RELEVANT
    return GAIN_ALSO_OK if path in question.also_ok else 0


def _discounted(gains: Sequence[int]) -> float:
    return sum(gain / math.log2(place + 1) for place, gain in enumerate(gains[:_DEPTH], 1))
