"""`Query`: a question as search sees it."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from knowledge.search.glossary import other_words, products_of
from knowledge.search.terms import stem, terms_of

if TYPE_CHECKING:
    from knowledge.embedding import Embedder, TokenVectors, Vectors

# Longer questions are pasted logs: what matters of them stands in their first lines.
MAX_QUERY_CHARS = 2_000
_MAX_TERMS = 64
_BLANK_SEPARATED = re.compile(r"\S+")


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """A question: its words, what else its things are called, and its vectors.

    `terms` and `other_terms` share no term. `vector`, float32 (384,), is of the text with the other
    words behind it; `tokens`, int8 (n, 96), and `token_terms`, the terms of the word that each
    token is part of, are of the text alone.
    """

    terms: tuple[str, ...]
    other_terms: tuple[str, ...]
    products: frozenset[str]
    vector: Vectors
    tokens: TokenVectors
    token_terms: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class TermStatistics:
    """In how many of the `num_parts` parts each term stands; a term that is not there: in none."""

    num_parts: int
    counts: Mapping[str, int]

    def idf(self, term: str) -> float:
        """How telling a term is (BM25's inverse document frequency, kept above 0)."""
        count = self.counts.get(term, 0)
        return math.log(1 + (self.num_parts - count + 0.5) / (count + 0.5))


def read_query(
    text: str,
    embedder: Embedder,
    glossary: Callable[[str], tuple[str, ...]] = other_words,
) -> Query:
    """The question `text`, which is not blank; `glossary` finds other words for it.

    Raises EmbeddingUnavailable.
    """
    # What was typed in another encoding holds lone surrogates, which no tokenizer takes.
    text = text[:MAX_QUERY_CHARS].encode(errors="replace").decode()
    others = glossary(text)
    expanded = f"{text} ({' '.join(others)})" if others else text
    embeddings = embedder.embed(list(dict.fromkeys((text, expanded))))
    alone, with_others = embeddings[0], embeddings[-1]
    terms = tuple(dict.fromkeys(terms_of(text)))[:_MAX_TERMS]
    return Query(
        terms=terms,
        other_terms=tuple({stem(word): None for word in others if stem(word) not in terms}),
        products=products_of(text),
        vector=with_others.sentence,
        tokens=alone.tokens,
        token_terms=_terms_at(text, alone.starts),
    )


def _terms_at(text: str, starts: tuple[int, ...]) -> tuple[tuple[str, ...], ...]:
    """The terms of the blank-separated word that holds each offset."""
    words = list(_BLANK_SEPARATED.finditer(text))
    firsts = [word.start() for word in words]
    holding = (words[bisect_right(firsts, start) - 1] for start in starts)
    return tuple(tuple(terms_of(word.group())) for word in holding)


def token_weights(query: Query, statistics: TermStatistics) -> Vectors:
    """How much each token of the question counts, by its rarest term: float32 (n,), of sum 1."""
    import numpy as np

    raw = [max(map(statistics.idf, terms), default=0.0) for terms in query.token_terms]
    weights = np.array(raw, dtype=np.float32)
    return weights / max(float(weights.sum()), 1e-9)
