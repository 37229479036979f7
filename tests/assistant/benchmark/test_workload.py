from collections.abc import Sequence

import pytest

from assistant.benchmark.workload import Workload, prefix_of, question_of
from assistant.engine.interface import Segment


def words(prompt: Sequence[Segment]) -> int:
    return sum(len(segment.text.split()) for segment in prompt)


def characters(prompt: Sequence[Segment]) -> int:
    return sum(len(segment.text) for segment in prompt)


@pytest.mark.parametrize("num_tokens", [1, 2, 16, 700])
def test_a_prefix_has_the_tokens_that_were_asked_for(num_tokens: int) -> None:
    assert words([Segment(prefix_of(num_tokens, 1, words))]) == num_tokens


def test_a_prefix_is_less_than_a_word_short() -> None:
    length = characters([Segment(prefix_of(700, 1, characters))])
    assert 690 < length <= 700


def test_a_prefix_is_the_same_every_time() -> None:
    assert prefix_of(50, 3, words) == prefix_of(50, 3, words)


def test_prefixes_of_other_seeds_begin_differently() -> None:
    beginnings = {" ".join(prefix_of(50, seed, words).split()[:4]) for seed in range(200)}
    assert len(beginnings) == 200


def test_questions_are_all_different_and_begin_with_a_space() -> None:
    questions = [question_of(seed) for seed in range(200)]
    assert len(set(questions)) == 200
    assert all(question.startswith(" ") for question in questions)


def test_a_request_is_the_prefix_and_the_question_as_plain_text() -> None:
    request = Workload("the prefix", 5).request(" the question")
    assert request.prompt == [Segment("the prefix"), Segment(" the question")]
    assert not any(segment.is_template for segment in request.prompt)
    assert request.max_tokens == 5
    assert request.sampling.temperature == 0.0
