"""How well a part answers a question, as one number, and how sure that is.

Three views of a part are added up: what it is about as a whole (the mean of its passages' vectors),
the question's words in it (BM25), and late interaction with its best passage. Each is divided by
its usual spread among parts. A document that is written as a runbook comes before others like it.
`docs/benchmarks.md` says what each of them brings.

Confidence is a logistic regression over the same views and the products that are named: its weights
were fitted on answerable on-call questions against questions about systems that the runbooks do not
know (`benchmarks/retrieval.py` fits and tests them).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

# BM25's share of a term that was said with another word.
OTHER_WORD_WEIGHT = 0.4
# The most that BM25 gives for a term is its inverse document frequency times this.
_BM25_CEILING = 2.2  # k1 + 1

_ABOUT_WEIGHT = 2.0
_FORM_WEIGHT = 4.0
_SPREAD_ABOUT = 0.086
_SPREAD_WORDS = 0.042
_SPREAD_INTERACTION = 0.069
_SPREAD_NEAREST = 0.084


@dataclass(frozen=True, slots=True)
class Views:
    """A part as seen from a question.

    `about`: cosine of the question and the part as a whole. `words`: BM25, as a share of the most
    that a part could have. `interaction`: of the best passage. `nearest`: cosine of the question
    and the nearest passage. `form`: `knowledge.search.form`'s. `names_product`: the part names a
    product of those that the question names; `knows_product`: any part does. Both are True when the
    question names none.
    """

    about: float
    words: float
    form: float
    interaction: float = 0.0
    nearest: float = 0.0
    names_product: bool = True
    knows_product: bool = True


def relevance(views: Views) -> float:
    """What parts are ranked by; comparable between the parts of one question only."""
    return (
        _ABOUT_WEIGHT * views.about / _SPREAD_ABOUT
        + views.words / _SPREAD_WORDS
        + views.interaction / _SPREAD_INTERACTION
        + _FORM_WEIGHT * views.form
    )


def passage_score(interaction: float, cosine: float) -> float:
    """What the passages of one part are ranked by."""
    return interaction / _SPREAD_INTERACTION + cosine / _SPREAD_NEAREST


def confidence(views: Views) -> float:
    """How likely the part answers the question, 0 to 1."""
    logit = (
        -5.6
        + 5.6 * views.nearest
        + 11.0 * views.about
        + 1.0 * views.words
        - 2.5 * (not views.names_product)
        - 2.9 * (not views.knows_product)
    )
    return 1 / (1 + math.exp(-logit))


def word_scores(
    said: Mapping[int, float], other: Mapping[int, float], idf_sum: float
) -> dict[int, float]:
    """BM25 scores of parts for the question's words and for other words, as a share of the most."""
    most = max(idf_sum * _BM25_CEILING, 1e-9)
    return {
        part: (said.get(part, 0.0) + OTHER_WORD_WEIGHT * other.get(part, 0.0)) / most
        for part in said.keys() | other.keys()
    }
