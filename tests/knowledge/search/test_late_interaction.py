from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from knowledge.embedding import TOKEN_DIMENSION, TOKEN_SCALE
from knowledge.search.late_interaction import interactions

if TYPE_CHECKING:
    from knowledge.embedding import TokenVectors, Vectors


def tokens(*axes: int) -> TokenVectors:
    """Tokens that are alike when they lie on the same axis, and else have nothing in common."""
    found: TokenVectors = np.zeros((len(axes), TOKEN_DIMENSION), dtype=np.int8)
    found[range(len(axes)), axes] = TOKEN_SCALE
    return found


def weights(*values: float) -> Vectors:
    return np.array(values, dtype=np.float32)


NOTHING = tokens()


def test_each_token_of_the_question_counts_by_its_best_answer_and_its_weight() -> None:
    passages = [tokens(1, 1, 9), tokens(2, 8), tokens(2, 7, 1), tokens(9)]
    scores = interactions(tokens(1, 2), weights(0.25, 0.75), passages)
    assert scores.dtype == np.float32
    assert scores.tolist() == pytest.approx([0.25, 0.75, 1.0, 0.0])


@pytest.mark.parametrize(
    ("query", "passages"),
    [
        (tokens(1), []),
        (NOTHING, [tokens(1), NOTHING]),
        (tokens(1), [NOTHING, NOTHING]),
        (NOTHING, []),
    ],
)
def test_where_nothing_is_said_nothing_answers(
    query: TokenVectors, passages: list[TokenVectors]
) -> None:
    even = np.full(len(query), 1 / max(len(query), 1), dtype=np.float32)
    assert interactions(query, even, passages).tolist() == [0.0] * len(passages)


def test_a_passage_without_tokens_stands_between_others() -> None:
    scores = interactions(tokens(1), weights(1.0), [tokens(1), NOTHING, tokens(1)])
    assert scores.tolist() == pytest.approx([1.0, 0.0, 1.0])


@pytest.mark.parametrize(("asked", "said"), [(1, 256), (16, 120), (200, 1), (256, 256)])
def test_questions_of_any_length_score_as_the_formula_says(asked: int, said: int) -> None:
    draws = np.random.Generator(np.random.PCG64(7))
    query, passage = (
        draws.integers(-60, 60, (size, TOKEN_DIMENSION)).astype(np.int8) for size in (asked, said)
    )
    raw = draws.random(asked).astype(np.float32)
    shares = raw / raw.sum()
    best = (query.astype(np.float64) @ passage.astype(np.float64).T).max(axis=1) / TOKEN_SCALE**2
    (score,) = interactions(query, shares, [passage])
    assert score == pytest.approx(float(shares @ best), abs=1e-5)
