"""What each stage of search brings: the same questions, ranked by one view of a part or by several.

All parts are looked at closely here, so that a view that would be a poor first one is judged by its
ranking alone. The last stage is search as it is, which looks closely at few.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, get_args

from retrieval_quality import Question

from knowledge.base import KnowledgeBase, shown_path
from knowledge.catalog import Catalog, Filter, Reader
from knowledge.documents import Kind
from knowledge.embedding import Embedder
from knowledge.search.query import Query, read_query
from knowledge.search.scoring import Views, relevance
from knowledge.search.search import Breadth, Found, rank

if TYPE_CHECKING:
    from knowledge.embedding import Vectors

Ranked = Mapping[str, Sequence[str]]

_DEPTH = 10
_EVERYTHING = 10**9
_ALL_PARTS = Filter(kinds=get_args(Kind))
_ALL_CLOSELY = Breadth(few_parts=_EVERYTHING, close_parts=_EVERYTHING)


@dataclass(frozen=True, slots=True)
class Stage:
    """A way to rank parts; `has_glossary`: other words for the question's are looked for too."""

    name: str
    score: Callable[[Views], float]
    has_glossary: bool = True


STAGES = (
    Stage("keyword alone", lambda views: views.words),
    Stage("dense, passages alone", lambda views: views.nearest),
    Stage("dense, parts alone", lambda views: views.about),
    Stage("late interaction alone", lambda views: views.interaction),
    Stage("fused without keyword", lambda views: relevance(replace(views, words=0.0))),
    Stage("fused without parts", lambda views: relevance(replace(views, about=0.0))),
    Stage(
        "fused without late interaction", lambda views: relevance(replace(views, interaction=0.0))
    ),
    Stage("fused without form", lambda views: relevance(replace(views, form=0.0))),
    Stage("fused without other words", relevance, has_glossary=False),
    Stage("fused, all parts looked at", relevance),
)


class _NoIndex:
    """Stands for the vector index, which nobody asks when all parts are looked at."""

    def nearest(self, vector: Vectors, limit: int) -> Mapping[str, float]:
        """See `PassageIndex`."""
        raise AssertionError("all parts are looked at")


def ranked_by_stage(
    questions: Sequence[Question], catalog: Catalog, embedder: Embedder
) -> dict[str, Ranked]:
    """The paths that each stage finds for each question, best first, by the stage's name."""
    found: dict[str, dict[str, list[str]]] = {stage.name: {} for stage in STAGES}
    with catalog.reading() as known:
        for question in questions:
            with_glossary = look_at_all(read_query(question.query, embedder), known)
            without = look_at_all(read_query(question.query, embedder, lambda _: ()), known)
            for stage in STAGES:
                parts = with_glossary if stage.has_glossary else without
                best = sorted(parts, key=lambda one: -stage.score(one.views))
                found[stage.name][question.id] = _paths(shown_path(one.part) for one in best)
    return dict(found)


def look_at_all(query: Query, known: Reader) -> list[Found]:
    """All parts, best first."""
    return rank(query, known, _NoIndex(), _ALL_PARTS, _ALL_CLOSELY)


def ranked_by_search(
    questions: Iterable[Question], base: KnowledgeBase, min_score: float
) -> Ranked:
    """The paths that search finds for each question, best first; a folded one after its like."""
    return {
        question.id: _paths(
            path
            for passage in base.search(question.query, _DEPTH, min_score)
            for path in (passage.path, *passage.also_in)
        )
        for question in questions
    }


def _paths(paths: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(paths))[:_DEPTH]
