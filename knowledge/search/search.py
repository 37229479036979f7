"""Search: candidates from both indexes, a closer look at the best, and the answers or none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from knowledge.catalog import Filter, Part, Reader, StoredChunk
from knowledge.search.folding import Shingles, are_same, shingles
from knowledge.search.late_interaction import interactions
from knowledge.search.query import Query, TermStatistics, token_weights
from knowledge.search.scoring import Views, confidence, passage_score, relevance, word_scores

if TYPE_CHECKING:
    from knowledge.embedding import Vectors

# How far down the ranking an answer is looked for before the question counts as unanswered.
DECIDING_PARTS = 3


class PassageIndex(Protocol):
    """Knows which texts are near a vector."""

    def nearest(self, vector: Vectors, limit: int) -> Mapping[str, float]:
        """Up to `limit` hashes of texts, nearest first, with their cosines to `vector`.

        Raises StoreUnavailable.
        """
        ...


@dataclass(frozen=True, slots=True)
class Breadth:
    """How much each step of a search takes up.

    Candidates are the parts of the nearest passages and those that match the most words; all parts
    when a filter leaves few. The best of them get the closer look: what is behind those does not
    come first.
    """

    nearest_passages: int = 200
    matching_parts: int = 60
    few_parts: int = 2_000
    close_parts: int = 40


DEFAULT_BREADTH = Breadth()


@dataclass(frozen=True, slots=True)
class Found:
    """A part that may answer, its best passage, and the other parts that say the same there."""

    part: Part
    chunk: StoredChunk
    views: Views
    same: tuple[Part, ...] = ()

    @property
    def confidence(self) -> float:
        """How likely the part answers the question, 0 to 1."""
        return confidence(self.views)


def find(
    query: Query, known: Reader, index: PassageIndex, only: Filter, k: int, min_confidence: float
) -> list[Found]:
    """Up to `k` parts that answer `query`, best first, one of each document.

    None at all when no one of the best is as sure as `min_confidence`. Raises StoreUnavailable.
    """
    ranked = rank(query, known, index, only)
    if all(one.confidence < min_confidence for one in ranked[:DECIDING_PARTS]):
        return []
    return _folded(_one_of_each_document(ranked), k)


def rank(
    query: Query,
    known: Reader,
    index: PassageIndex,
    only: Filter,
    breadth: Breadth = DEFAULT_BREADTH,
) -> list[Found]:
    """The parts that got the closer look, best first. Raises StoreUnavailable."""
    asked = {*query.terms, *(term for terms in query.token_terms for term in terms)}
    statistics = TermStatistics(known.num_parts(), known.num_parts_with(asked))
    words = word_scores(
        known.matching(query.terms),
        known.matching(query.other_terms),
        sum(map(statistics.idf, query.terms)),
    )
    outlines = known.outlines(_candidates(query, known, index, only, words, breadth))
    views = {
        part: Views(float(vector @ query.vector), words.get(part, 0.0), form)
        for part, (vector, form) in outlines.items()
    }
    best = sorted(views, key=lambda part: relevance(views[part]), reverse=True)
    closer = {part: views[part] for part in best[: breadth.close_parts]}
    found = _look_closer(query, token_weights(query, statistics), known, closer)
    return sorted(found, key=lambda one: relevance(one.views), reverse=True)


def _candidates(
    query: Query,
    known: Reader,
    index: PassageIndex,
    only: Filter,
    words: dict[int, float],
    breadth: Breadth,
) -> set[int]:
    allowed = None if only.is_open else known.allowed(only)
    if allowed is not None and len(allowed) <= breadth.few_parts:
        return allowed
    nearest = known.parts_with(index.nearest(query.vector, breadth.nearest_passages))
    near = {part for parts in nearest.values() for part in parts}
    matching = [part for part in words if allowed is None or part in allowed]
    matching.sort(key=words.__getitem__, reverse=True)
    wanted = near.union(matching[: breadth.matching_parts])
    return wanted if allowed is None else wanted & allowed


def _look_closer(
    query: Query, weights: Vectors, known: Reader, first_views: Mapping[int, Views]
) -> list[Found]:
    """The parts of `first_views` with their best passages, and what those add to the views."""
    parts, chunks = known.parts(first_views), known.chunks(first_views)
    products = known.products(first_views)
    is_known = not query.products or bool(known.known_products(query.products))
    found = []
    for part, views in first_views.items():
        is_named = not query.products or not query.products.isdisjoint(products.get(part, ()))
        chunk, interaction, nearest = _best_passage(query, weights, chunks[part])
        views = replace(
            views,
            interaction=interaction,
            nearest=nearest,
            names_product=is_named,
            knows_product=is_known,
        )
        found.append(Found(parts[part], chunk, views))
    return found


def _best_passage(
    query: Query, weights: Vectors, chunks: Sequence[StoredChunk]
) -> tuple[StoredChunk, float, float]:
    """The best of a part's passages; the highest interaction and cosine among all of them."""
    scores = interactions(query.tokens, weights, [chunk.tokens for chunk in chunks]).tolist()
    cosines = [float(chunk.sentence @ query.vector) for chunk in chunks]
    best = max(range(len(chunks)), key=lambda place: passage_score(scores[place], cosines[place]))
    return chunks[best], max(scores), max(cosines)


def _one_of_each_document(found: Iterable[Found]) -> list[Found]:
    """The first of each document, in their order."""
    first: dict[tuple[Path, str], Found] = {}
    for one in found:
        first.setdefault((one.part.path, one.part.name), one)
    return list(first.values())


def _folded(found: Iterable[Found], k: int) -> list[Found]:
    """The first `k`; what says the same as something better becomes a mention of it."""
    kept: list[Found] = []
    marks: list[Shingles] = []
    for one in found:
        mark = shingles(one.chunk.chunk.text)
        alike = next((i for i, other in enumerate(marks) if are_same(mark, other)), None)
        if alike is not None:
            kept[alike] = replace(kept[alike], same=(*kept[alike].same, one.part))
        elif len(kept) < k:
            kept.append(one)
            marks.append(mark)
    return kept
