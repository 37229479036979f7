"""How many of the tasks does generated code do at the first attempt?

    python -m benchmarks.code_tasks --command "midwatch code --lang bash" [--only NAME ...] [--json]
        [--keep DIR]

The command gets the request as its last argument and prints the script, alone or as the first
fenced block of its answer. Each script runs once in the sandbox, on a folder that is made for it,
and is judged by the files and the output that it leaves. Without `--command` the reference scripts
are run. With `--keep` each script is written there.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.code_tasks.task import Task, read_tasks
from benchmarks.code_tasks.trial import Trial, try_code
from tools.sandbox import sandbox_problem

Generate = Callable[[str], str]
_FENCED = re.compile(r"^```[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
_COMMAND_LIMIT_S = 600


@dataclass(frozen=True, slots=True)
class Attempt:
    """A trial, and how long the code took to be generated."""

    trial: Trial
    generation_s: float


def main() -> int:
    """Run the tasks and print the figures; 1 when there is no sandbox."""
    chosen = _parser().parse_args()
    problem = sandbox_problem()
    if problem:
        print(problem, file=sys.stderr)
        return 1
    tasks = [task for task in read_tasks() if not chosen.only or task.name in chosen.only]
    generate = _by_command(shlex.split(chosen.command)) if chosen.command else _references(tasks)
    attempts = run_tasks(tasks, generate)
    if chosen.keep:
        _keep(attempts, chosen.keep)
    print_attempts(attempts, is_json=chosen.json)
    return 0


def run_tasks(tasks: Sequence[Task], generate: Generate) -> list[Attempt]:
    """One attempt at each task with the code that `generate` makes of its request."""
    attempts = []
    for number, task in enumerate(tasks, start=1):
        print(f"{number} of {len(tasks)}: {task.name}", file=sys.stderr, flush=True)
        started = time.monotonic()
        code = generate(task.request)
        generation_s = time.monotonic() - started
        attempts.append(Attempt(try_code(task, code), generation_s))
    return attempts


def pass_rate(attempts: Sequence[Attempt]) -> float:
    """The share of the attempts that passed."""
    return sum(attempt.trial.has_passed for attempt in attempts) / max(1, len(attempts))


def script_of(answer: str) -> str:
    """The first fenced block of an answer, or all of it."""
    found = _FENCED.search(answer)
    return found[1] if found else answer


def _by_command(command: list[str]) -> Generate:
    def generate(request: str) -> str:
        ran = subprocess.run(
            [*command, request],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            timeout=_COMMAND_LIMIT_S,
        )
        return script_of(ran.stdout)

    return generate


def _references(tasks: Sequence[Task]) -> Generate:
    scripts = {task.request: task.reference for task in tasks}
    return scripts.__getitem__


def _keep(attempts: Sequence[Attempt], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for attempt in attempts:
        (folder / f"{attempt.trial.task}.sh").write_text(attempt.trial.code)


def print_attempts(attempts: Sequence[Attempt], *, is_json: bool) -> None:
    """The attempts as a table and a rate, or as JSON."""
    rate = pass_rate(attempts)
    if is_json:
        rows = [
            {
                "task": attempt.trial.task,
                "passed": attempt.trial.has_passed,
                "reason": attempt.trial.reason,
                "code": attempt.trial.code,
                "stderr": attempt.trial.run.stderr,
                "generation_s": round(attempt.generation_s, 3),
                "run_s": round(attempt.trial.run.duration_s, 3),
            }
            for attempt in attempts
        ]
        print(json.dumps({"pass_rate": rate, "tasks": rows}))
        return
    table = Table("task", "passed", "written in", "why not", box=None)
    for attempt in attempts:
        table.add_row(
            attempt.trial.task,
            "yes" if attempt.trial.has_passed else "no",
            f"{attempt.generation_s:.1f} s",
            attempt.trial.reason,
        )
    console = Console(width=None if sys.stdout.isatty() else 200, highlight=False, markup=False)
    console.print(table)
    num_passed = sum(attempt.trial.has_passed for attempt in attempts)
    console.print(f"{num_passed} of {len(attempts)} at the first attempt: {rate:.0%}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.code_tasks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--command", default="", help="writes a script for its last argument")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME")
    parser.add_argument("--keep", type=Path, metavar="DIR")
    parser.add_argument("--json", action="store_true")
    return parser


if __name__ == "__main__":
    sys.exit(main())
