"""How good generated code is: scripts by their effect, queries by how near they are to a reference.

    python -m benchmarks.code_generation [--model NAME] [--tasks DIR] [--only NAME ...]
        [--keep DIR]
    python -m benchmarks.code_generation --promql FILE [--answers FILE]

The first form has the model write a script for each task of `tests/code_tasks`, shows it what the
task names of its folder, and runs each script once in the sandbox (see `benchmarks.code_tasks`).
The second takes questions from a file of JSON lines, each with `question` and, where they are
given, `metrics` and a `reference` query; it prints how many queries parse, and how many are the
reference up to their form. `--answers` gets the queries, for another judge. One process does all of
it, so that the model is loaded once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import promql_parser

from assistant.chat.local import LocalChatModel
from assistant.coding.generate import generate_code
from assistant.coding.generated import Generated
from assistant.coding.look import look_at
from assistant.coding.request import CodeRequest
from assistant.providers import open_local_model
from assistant.settings import load_settings
from benchmarks.code_tasks.__main__ import Attempt, pass_rate, print_attempts
from benchmarks.code_tasks.task import TASKS, Place, Task, read_tasks
from benchmarks.code_tasks.trial import try_code
from tools.code.report import Language
from tools.sandbox import private_folder, sandbox_problem


@dataclass(frozen=True, slots=True)
class Answer:
    """A question's query; `is_same` is None where no reference is known."""

    id: str
    query: str
    does_parse: bool
    is_same: bool | None


def main() -> int:
    """Measure and print; 1 when there is no sandbox to run scripts in."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="qwen2.5-coder-1.5b")
    parser.add_argument("--tasks", type=Path, default=TASKS, metavar="DIR")
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME")
    parser.add_argument("--keep", type=Path, metavar="DIR")
    parser.add_argument("--promql", type=Path, metavar="FILE")
    parser.add_argument("--answers", type=Path, metavar="FILE")
    chosen = parser.parse_args()
    if chosen.promql is not None:
        answers = asyncio.run(answer_questions(chosen.model, read_questions(chosen.promql)))
        print_answers(answers)
        if chosen.answers is not None:
            write_answers(answers, chosen.answers)
        return 0
    if problem := sandbox_problem():
        print(problem, file=sys.stderr)
        return 1
    tasks = [t for t in read_tasks(chosen.tasks) if not chosen.only or t.name in chosen.only]
    attempts = asyncio.run(try_tasks(chosen.model, tasks))
    if chosen.keep is not None:
        keep(attempts, chosen.keep)
    print_attempts(attempts, is_json=False)
    return 0 if attempts and pass_rate(attempts) > 0 else 1


async def try_tasks(name: str, tasks: Sequence[Task]) -> list[Attempt]:
    """One script for each task, run once."""
    attempts = []
    model = await _open(name)
    try:
        for number, task in enumerate(tasks, start=1):
            print(f"{number} of {len(tasks)}: {task.name}", file=sys.stderr, flush=True)
            started = time.monotonic()
            generated = await generate_code(request_of(task), model)
            trial = await asyncio.to_thread(try_code, task, generated.code)
            attempts.append(Attempt(trial, time.monotonic() - started))
    finally:
        await model.aclose()
    return attempts


def request_of(task: Task) -> CodeRequest:
    """The request as `midwatch code` makes it in the task's folder, before anything has run."""
    with private_folder() as folder:
        task.setup(Place(folder))
        return CodeRequest(task.request, "bash", looked=look_at(task.request, folder, str))


def keep(attempts: Sequence[Attempt], folder: Path) -> None:
    """Write each script to `folder`, under the name of its task."""
    folder.mkdir(parents=True, exist_ok=True)
    for attempt in attempts:
        path = folder / f"{attempt.trial.task}.sh"
        path.write_text(attempt.trial.code, encoding="utf-8")


async def answer_questions(name: str, questions: Sequence[Mapping[str, str]]) -> list[Answer]:
    """A query for each question."""
    model = await _open(name)
    try:
        return [await _answer(model, question) for question in questions]
    finally:
        await model.aclose()


async def _answer(model: LocalChatModel, question: Mapping[str, str]) -> Answer:
    metrics = question.get("metrics", "")
    task = f"{question['question']}\nMetrics: {metrics}" if metrics else question["question"]
    query = (await _generate(model, task, "promql")).code.strip()
    form = canonical(query)
    reference = canonical(question.get("reference", ""))
    is_same = None if reference is None else form == reference
    return Answer(question.get("id", ""), query, form is not None, is_same)


def canonical(query: str) -> str | None:
    """The query in the parser's own form; None when it does not parse."""
    try:
        return str(promql_parser.parse(query))
    except ValueError:
        return None


def read_questions(path: Path) -> list[dict[str, str]]:
    """The questions of a file of JSON lines."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.strip()]


def write_answers(answers: Sequence[Answer], path: Path) -> None:
    """The queries as JSON lines of `id` and `query`."""
    rows = [json.dumps({"id": answer.id, "query": answer.query}) for answer in answers]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")


def print_answers(answers: Sequence[Answer]) -> None:
    """Each query, and the figures."""
    for answer in answers:
        mark = {True: "same", False: "other", None: "?"}[answer.is_same]
        print(f"{answer.id:6} {mark:6} {answer.query}")
    known = [answer for answer in answers if answer.is_same is not None]
    num_parse = sum(answer.does_parse for answer in answers)
    print(f"{num_parse} of {len(answers)} parse")
    print(f"{sum(bool(answer.is_same) for answer in known)} of {len(known)} are the reference")


async def _generate(model: LocalChatModel, task: str, language: Language) -> Generated:
    return await generate_code(CodeRequest(task, language), model)


async def _open(name: str) -> LocalChatModel:
    return await open_local_model(load_settings(flags={"model.name": name}).settings)


if __name__ == "__main__":
    sys.exit(main())
