from __future__ import annotations

import dataclasses

import pytest

from knowledge.search.scoring import (
    OTHER_WORD_WEIGHT,
    Views,
    confidence,
    passage_score,
    relevance,
    word_scores,
)

SOME = Views(about=0.5, words=0.2, form=0.0, interaction=0.5, nearest=0.5)


@pytest.mark.parametrize("name", ["about", "words", "form", "interaction"])
def test_a_part_that_looks_better_in_one_view_is_more_relevant(name: str) -> None:
    better = dataclasses.replace(SOME, **{name: getattr(SOME, name) + 0.1})
    assert relevance(better) > relevance(SOME)


@pytest.mark.parametrize("name", ["about", "nearest", "words"])
def test_nearer_is_surer(name: str) -> None:
    better = dataclasses.replace(SOME, **{name: getattr(SOME, name) + 0.1})
    assert confidence(better) > confidence(SOME)


def test_a_part_that_does_not_know_the_product_is_less_sure_and_more_so_if_none_does() -> None:
    unnamed = dataclasses.replace(SOME, names_product=False)
    unknown = dataclasses.replace(unnamed, knows_product=False)
    assert confidence(SOME) > confidence(unnamed) > confidence(unknown)


@pytest.mark.parametrize(
    "views",
    [
        Views(-1.0, 0.0, 0.0, 0.0, -1.0, False, False),
        Views(1.0, 1.0, 1.0, 1.0, 1.0),
        Views(0.0, 0.0, 0.0),
    ],
)
def test_confidence_is_a_share(views: Views) -> None:
    assert 0.0 < confidence(views) < 1.0


def test_passages_are_ranked_by_both_their_vectors() -> None:
    assert passage_score(0.6, 0.5) > passage_score(0.5, 0.5) > passage_score(0.5, 0.4)


def test_words_are_a_share_of_the_most_that_a_part_could_have() -> None:
    idf_sum = 3.0
    scores = word_scores({1: 6.6, 2: 3.3}, {2: 3.3, 3: 3.3}, idf_sum)
    assert scores == pytest.approx(
        {1: 1.0, 2: 0.5 + 0.5 * OTHER_WORD_WEIGHT, 3: 0.5 * OTHER_WORD_WEIGHT}
    )


def test_no_words_give_no_scores() -> None:
    assert word_scores({}, {}, 0.0) == {}
