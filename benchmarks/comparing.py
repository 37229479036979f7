"""What the comparisons share: their options, a row of the table, and a process for each side.

Both sides of a comparison take turns (ABAB), each in a process of its own, so that a machine whose
speed drifts is as slow for one as for the other, and no side's threads wait on the other's.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from rich.console import Console
from rich.table import Table

from assistant.benchmark.figures import this_machine
from assistant.benchmark.opening import footprint_of, isolated
from assistant.providers import model_path
from assistant.settings import Settings, load_settings

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Options:
    """What is compared: the model file, and the sizes of the work."""

    model: Path
    threads: int
    users: int
    prompt_tokens: int
    answer_tokens: int
    context_tokens: int
    runs: int
    server_python: Path | None

    def settings(self, data_dir: Path, context_tokens: int = 0) -> Settings:
        """Midwatch's settings for this work: the defaults, save for the model and its sizes."""
        settings = Settings()
        model = settings.model.model_copy(
            update={
                "name": str(self.model),
                "threads": self.threads,
                "context_tokens": context_tokens or self.context_tokens,
            }
        )
        return isolated(settings.model_copy(update={"model": model}), data_dir)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table: `pairs` are (ours, theirs) of runs that followed each other.

    The ratio ours/theirs should be at least `goal`, or at most where less is better; without a goal
    it is for information.
    """

    work: str
    against: str
    unit: str
    pairs: Sequence[tuple[float, float]]
    goal: float | None = None
    is_less_better: bool = False
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """The median of the pairs' ratios; None when no pair was completed."""
        ratios = [ours / theirs for ours, theirs in self.pairs]
        return statistics.median(ratios) if ratios else None

    @property
    def verdict(self) -> str:
        """`reached`, `missed`, `not measured`, or nothing where there is no goal."""
        if self.ratio is None:
            return "not measured"
        if self.goal is None:
            return ""
        is_reached = self.ratio <= self.goal if self.is_less_better else self.ratio >= self.goal
        return "reached" if is_reached else "missed"

    def as_json(self) -> dict[str, Any]:
        """The row as a plain object."""
        ours, theirs = (
            statistics.median(side) if self.pairs else None
            for side in ([pair[n] for pair in self.pairs] for n in range(2))
        )
        computed = {"ours": ours, "theirs": theirs, "ratio": self.ratio, "verdict": self.verdict}
        return {**asdict(self), **computed}


def in_own_process(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `function` returns when a fresh process calls it."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=context) as pool:
        return pool.submit(function, *args, **kwargs).result()


def progress(text: str) -> None:
    """A line on standard error."""
    print(text, file=sys.stderr, flush=True)


def run_driver(about: str, measure: Callable[[Options], list[Row]]) -> None:
    """Parse the command line, measure, and print the rows as a table or as JSON."""
    chosen = _parser(about).parse_args()
    options = _options(chosen)
    rows = measure(options)
    if chosen.json:
        work = {
            "machine": asdict(this_machine(options.threads)),
            "options": asdict(options),
            "rows": [row.as_json() for row in rows],
        }
        print(json.dumps(work, default=str))
    else:
        print_rows(rows)


def print_rows(rows: Sequence[Row]) -> None:
    """The table of the rows."""
    table = Table("work", "against", "reach", "ratio", "ours", "theirs", "", "verdict", box=None)
    for row in rows:
        values = row.as_json()
        sign = "<=" if row.is_less_better else ">="
        table.add_row(
            row.work,
            row.against,
            "" if row.goal is None else f"{sign} {row.goal:.3g}",
            _shown(row.ratio),
            _shown(values["ours"]),
            _shown(values["theirs"]),
            row.unit,
            " ".join(filter(None, [row.verdict, row.note])),
        )
    Console(width=None if sys.stdout.isatty() else 250, highlight=False).print(table)


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def _parser(about: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="", help="name or GGUF file; default: the one set")
    parser.add_argument("--threads", type=int, default=0, help="default: the processors there are")
    parser.add_argument("--users", type=int, default=8)
    parser.add_argument("--prompt-tokens", type=int, default=700)
    parser.add_argument("--answer-tokens", type=int, default=64)
    parser.add_argument("--context-tokens", type=int, default=2048, help="of each request or slot")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument(
        "--server-python",
        type=Path,
        help="the Python of a virtual environment that has xllamacpp; it is no dependency",
    )
    parser.add_argument("--json", action="store_true")
    return parser


def _options(chosen: argparse.Namespace) -> Options:
    settings = load_settings(flags={"model.name": chosen.model or None}).settings
    return Options(
        model=model_path(settings),
        threads=chosen.threads or footprint_of(settings).threads,
        users=chosen.users,
        prompt_tokens=chosen.prompt_tokens,
        answer_tokens=chosen.answer_tokens,
        context_tokens=chosen.context_tokens,
        runs=chosen.runs,
        server_python=chosen.server_python,
    )
