import pytest

from assistant.benchmark.answers import (
    Answer,
    LoadFigures,
    load_figures,
    median_figures,
    read_answer,
)
from assistant.engine.interface import GenerateRequest, Segment

from .scripted import ScriptedEngine


def test_an_answer_knows_its_waits() -> None:
    answer = Answer(asked_at=10.0, arrived_at=(12.0, 12.5, 14.0), num_tokens=3)
    assert answer.ttft_s == 2.0
    assert answer.gaps_s == (0.5, 1.5)
    assert answer.decode_rate == 1.0


def test_tokens_that_came_in_one_piece_count_for_the_rate() -> None:
    answer = Answer(asked_at=0.0, arrived_at=(1.0, 2.0), num_tokens=5)
    assert answer.decode_rate == 4.0


def test_an_answer_of_one_piece_has_no_rate_and_no_gaps() -> None:
    answer = Answer(asked_at=0.0, arrived_at=(1.0,), num_tokens=1)
    assert answer.decode_rate == 0.0
    assert answer.gaps_s == ()


def test_figures_are_those_of_all_answers_together() -> None:
    answers = [
        Answer(asked_at=0.0, arrived_at=(1.0, 2.0, 3.0), num_tokens=3),
        Answer(asked_at=0.0, arrived_at=(3.0, 4.0, 8.0), num_tokens=3),
        Answer(asked_at=1.0, arrived_at=(3.0, 4.0, 6.0), num_tokens=10),
    ]
    assert load_figures(answers) == LoadFigures(
        users=3,
        tokens_per_s=2.0,
        ttft_median_s=2.0,
        ttft_slowest_s=3.0,
        gap_median_s=1.0,
        gap_longest_s=4.0,
    )


def test_answers_without_gaps_have_gaps_of_nothing() -> None:
    figures = load_figures([Answer(asked_at=0.0, arrived_at=(1.0,), num_tokens=1)])
    assert (figures.gap_median_s, figures.gap_longest_s) == (0.0, 0.0)


def test_each_figure_has_its_own_median() -> None:
    runs = [
        LoadFigures(2, 10.0, 1.0, 9.0, 0.1, 0.5),
        LoadFigures(2, 30.0, 3.0, 7.0, 0.3, 0.4),
        LoadFigures(2, 20.0, 2.0, 8.0, 0.2, 0.9),
    ]
    assert median_figures(runs) == LoadFigures(2, 20.0, 2.0, 8.0, 0.2, 0.5)


async def test_reading_stamps_each_piece() -> None:
    request = GenerateRequest([Segment("one two")], max_tokens=4)
    answer = await read_answer(ScriptedEngine(), request)
    assert answer.text == "0 1 2 3 "
    assert answer.num_tokens == len(answer.arrived_at) == 4
    assert answer.asked_at < answer.arrived_at[0]
    assert list(answer.arrived_at) == sorted(answer.arrived_at)


async def test_an_answer_without_a_word_came_when_it_ended() -> None:
    request = GenerateRequest([Segment("one two")], max_tokens=0)
    answer = await read_answer(ScriptedEngine(), request)
    assert answer.text == ""
    assert answer.ttft_s == pytest.approx(0.0, abs=60.0)
    assert len(answer.arrived_at) == 1
