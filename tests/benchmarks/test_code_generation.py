from pathlib import Path

import pytest

from benchmarks.code_generation import (
    Answer,
    canonical,
    print_answers,
    read_questions,
    request_of,
    write_answers,
)
from benchmarks.code_tasks.task import Place, Task

ANSWERS = [
    Answer("a", "up == 0", does_parse=True, is_same=True),
    Answer("b", "up ==", does_parse=False, is_same=False),
    Answer("c", "up", does_parse=True, is_same=None),
]


def test_form_is_no_difference() -> None:
    assert canonical("sum(rate(x[5m])) by (job)>0") == canonical("sum by (job) (rate(x[5m])) > 0")
    assert canonical("up == 0") != canonical("up == 1")
    assert canonical("up ==") is None


def test_questions_and_answers_are_lines(tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text('{"id": "a", "question": "why?"}\n\n')
    assert read_questions(path) == [{"id": "a", "question": "why?"}]
    write_answers(ANSWERS[:2], path)
    assert path.read_text() == '{"id": "a", "query": "up == 0"}\n{"id": "b", "query": "up =="}\n'


def test_figures_are_of_what_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    print_answers(ANSWERS)
    told = capsys.readouterr().out.splitlines()
    assert told[-2:] == ["2 of 3 parse", "1 of 2 are the reference"]


def test_a_task_is_asked_for_with_a_look_at_its_folder() -> None:
    def setup(place: Place) -> None:
        place.write("app.log", "10:00 ann in\n")

    task = Task("count", "Count the lines of app.log.", setup, lambda _: None, "", ())
    request = request_of(task)
    assert (request.task, request.language) == (task.request, "bash")
    assert [one.name for one in request.looked] == ["app.log"]
    assert request.looked[0].lines == ("10:00 ann in",)
