from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks.code_tasks.__main__ import main, pass_rate, run_tasks, script_of
from benchmarks.code_tasks.task import read_tasks
from tools.sandbox import sandbox_problem

GENERATOR = """#!/bin/sh
echo "$1" | grep -q 'largest files' || exit 1
printf '```\\nls\\n```\\n'
"""


@pytest.mark.parametrize(
    ("answer", "script"),
    [
        ("ls\n", "ls\n"),
        ("Here:\n```bash\nls\nid\n```\nand\n```\nrm\n```\n", "ls\nid\n"),
        ("```\nls\n", "```\nls\n"),
        ("", ""),
    ],
)
def test_the_script_is_the_first_fenced_block_or_all(answer: str, script: str) -> None:
    assert script_of(answer) == script


@pytest.mark.usefixtures("sandbox")
def test_the_rate_is_that_of_the_first_attempts() -> None:
    tasks = read_tasks()[:4]
    scripts = {task.request: task.reference for task in tasks[:3]}
    attempts = run_tasks(tasks, lambda request: scripts.get(request, ":"))
    assert [attempt.trial.has_passed for attempt in attempts] == [True, True, True, False]
    assert pass_rate(attempts) == 0.75


@pytest.mark.usefixtures("sandbox")
def test_a_command_writes_the_scripts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    generator = tmp_path / "generate"
    generator.write_text(GENERATOR)
    generator.chmod(0o755)
    arguments = ["--command", str(generator), "--only", "largest_files", "--json"]
    monkeypatch.setattr(sys, "argv", ["code_tasks", *arguments, "--keep", str(tmp_path / "kept")])
    assert main() == 0
    found = json.loads(capsys.readouterr().out)
    assert found["pass_rate"] == 0.0
    assert [(row["task"], row["code"]) for row in found["tasks"]] == [("largest_files", "ls\n")]
    assert found["tasks"][0]["reason"]
    assert (tmp_path / "kept" / "largest_files.sh").read_text() == "ls\n"


@pytest.fixture
def sandbox() -> None:
    problem = sandbox_problem()
    if problem:
        pytest.skip(problem)
