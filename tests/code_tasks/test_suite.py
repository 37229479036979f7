"""Every task can be done, and a script that does not do it is found out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.code_tasks.task import Place, Task, read_tasks
from benchmarks.code_tasks.trial import try_code
from tools.sandbox import Limits, SandboxedProgram, run_sandboxed, sandbox_problem

TASKS = read_tasks()


@pytest.fixture(autouse=True, scope="module")
def _sandbox() -> None:
    problem = sandbox_problem()
    if problem:
        pytest.skip(problem)


def test_there_are_forty() -> None:
    assert len(TASKS) == 40


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_the_reference_passes(task: Task) -> None:
    trial = try_code(task, task.reference)
    assert trial.reason == "", trial.run


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_wrong_scripts_fail(task: Task) -> None:
    assert task.wrong
    passed = [code for code in (*task.wrong, ":") if try_code(task, code).has_passed]
    assert passed == []


def test_no_wrong_script_is_wrong_for_its_syntax() -> None:
    code = 'for script; do bash -n -c "$script" || echo "$script"; done'
    scripts = tuple(script for task in TASKS for script in (task.reference, *task.wrong))
    run = run_sandboxed(SandboxedProgram("bash", code, arguments=scripts), Limits(time_s=20.0))
    assert (run.stdout, run.stderr, run.status) == ("", "", 0)


def test_what_is_touched_outside_is_told() -> None:
    # No script can: whoever sets the folder up does it.
    def setup(place: Place) -> None:
        place.write("../other folder/canary.conf", "key=changed\n")

    trial = try_code(replace(TASKS[0], setup=setup, check=lambda _: None), ":")
    assert trial.reason == "something outside of its folder was touched"


def test_a_script_that_does_not_end_fails() -> None:
    endless = "echo x >> a; yes"
    assert try_code(TASKS[0], endless).reason == "it was ended: output"
