"""The tasks that nothing was developed on can be done, and are not done by doing nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.code_tasks.task import Task, read_tasks
from benchmarks.code_tasks.trial import try_code
from tools.sandbox import sandbox_problem

TASKS = read_tasks(Path(__file__).parents[2] / "benchmarks" / "code_tasks" / "unseen")


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_the_reference_does_it_and_nothing_does_not(task: Task) -> None:
    if problem := sandbox_problem():
        pytest.skip(problem)
    assert try_code(task, task.reference).has_passed
    assert not try_code(task, ":").has_passed
