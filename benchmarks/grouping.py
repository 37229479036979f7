"""Grouping accuracy on logs whose templates are known: ours, and Drain3's on the same lines.

    python benchmarks/grouping.py --loghub DIR [--drain3-python DIR/bin/python] [--json]

A line counts as right when the lines of its group are exactly those of its true template (Zhu et
al., ICSE-SEIP 2019). DIR is a copy of loghub: a folder for each system, in it `*_2k.log`
and `*_2k.log_structured.csv` with the columns Content and EventId. There are two comparisons, and
each side gets the same text in both: the bare messages (column Content), and the raw lines, of
which ours takes off the time stamp, host and level itself. Raw lines of ours are also told apart by
level, as they are in an analysis.

The Python of `--drain3-python` has `pip install drain3`; it is no dependency. Drain3 runs with its
defaults, or with those of `--drain3-config FILE` (a drain3.ini). Lines go in the order of the log.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tools.logs.records import RecordParser
from tools.logs.templates import Masker, merge

_TIMEOUT_S = 600
# Reads a JSON list of logs (lists of lines), writes for each the list of its lines' groups.
_DRAIN3 = """
import json, logging, sys
from drain3 import TemplateMiner
from drain3.template_miner_config import TemplateMinerConfig

logging.disable(logging.CRITICAL)

def groups(lines):
    config = TemplateMinerConfig()
    if len(sys.argv) > 1:
        config.load(sys.argv[1])
    miner = TemplateMiner(config=config)
    return [miner.add_log_message(line)["cluster_id"] for line in lines]

json.dump([groups(lines) for lines in json.load(sys.stdin)], sys.stdout)
"""


@dataclass(frozen=True, slots=True)
class System:
    """The log of one system: its lines as written, their messages, and the true groups."""

    name: str
    raw: Sequence[str]
    content: Sequence[str]
    events: Sequence[str]


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Of one system: the share of lines in a right group. `theirs` is None where not measured."""

    system: str
    text: str
    ours: float
    theirs: float | None

    @property
    def difference(self) -> float | None:
        """By how much ours is better."""
        return None if self.theirs is None else self.ours - self.theirs


def main() -> None:
    """Measure and print the table, or JSON."""
    chosen = _parser().parse_args()
    systems = read_systems(chosen.loghub)
    if not systems:
        sys.exit(f"no systems in {chosen.loghub}: give a folder of loghub's 2k samples")
    rows = [
        row
        for text in ("content", "raw")
        for row in accuracies(systems, text, chosen.drain3_python, chosen.drain3_config)
    ]
    if chosen.json:
        print(json.dumps([_as_json(row) for row in rows]))
    else:
        print_rows(rows)


def read_systems(folder: Path) -> list[System]:
    """The systems of a copy of loghub, by name."""
    found = (_read_system(labels) for labels in folder.glob("*/*_2k.log_structured.csv"))
    return sorted(found, key=lambda system: system.name)


def _read_system(labels: Path) -> System:
    with labels.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    log = labels.with_name(labels.name.removesuffix("_structured.csv"))
    written = log.read_text(encoding="utf-8", errors="replace").split("\n")
    raw = [line.rstrip("\r") for line in written if line.strip()]
    if len(raw) != len(rows):
        sys.exit(f"{log} has {len(raw)} lines, {labels.name} {len(rows)}: they do not fit")
    return System(
        labels.parent.name,
        raw,
        [row["Content"] for row in rows],
        [row["EventId"] for row in rows],
    )


def accuracies(
    systems: Sequence[System], text: str, drain3_python: Path | None, drain3_config: Path | None
) -> list[Accuracy]:
    """A row for each system, of `content` or `raw`."""
    logs = [system.raw if text == "raw" else system.content for system in systems]
    theirs = _drain3_groups(logs, drain3_python, drain3_config) if drain3_python else None
    rows = []
    for number, (system, lines) in enumerate(zip(systems, logs, strict=True)):
        ours = groups_of_lines(lines) if text == "raw" else groups_of_messages(lines)
        other = grouping_accuracy(theirs[number], system.events) if theirs else None
        rows.append(Accuracy(system.name, text, grouping_accuracy(ours, system.events), other))
    return rows


def groups_of_messages(messages: Sequence[str]) -> list[int]:
    """The group of each message, by masking and merging alone."""
    return _groups(messages, [None] * len(messages))


def groups_of_lines(lines: Sequence[str]) -> list[int]:
    """The group of each line, read as an analysis reads it."""
    parser = RecordParser(datetime.now(UTC))
    records = [parser.parse(line) for line in lines]
    return _groups([record.message for record in records], [record.level for record in records])


def _groups(messages: Sequence[str], kinds: Sequence[Hashable]) -> list[int]:
    masker = Masker()
    templates = list(zip(map(masker.mask, messages), kinds, strict=True))
    distinct = list(dict.fromkeys(templates))
    merged = merge([template for template, _ in distinct], [kind for _, kind in distinct])
    group_of = {
        distinct[position]: group
        for group, (_, positions) in enumerate(merged)
        for position in positions
    }
    return [group_of[template] for template in templates]


def grouping_accuracy(groups: Sequence[Hashable], events: Sequence[Hashable]) -> float:
    """The share of lines whose group has the very same lines as their true template."""
    true = set(_members(events))
    return sum(len(members) for members in _members(groups) if members in true) / len(events)


def _members(labels: Sequence[Hashable]) -> list[frozenset[int]]:
    members: defaultdict[Hashable, set[int]] = defaultdict(set)
    for line, label in enumerate(labels):
        members[label].add(line)
    return [frozenset(lines) for lines in members.values()]


def _drain3_groups(
    logs: Sequence[Sequence[str]], python: Path, config: Path | None
) -> Sequence[Sequence[int]]:
    command = [str(python), "-c", _DRAIN3, *([str(config)] if config else [])]
    done = subprocess.run(
        command,
        input=json.dumps(logs),
        stdout=subprocess.PIPE,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        sys.exit(f"Drain3 failed under {python}: is it installed there?")
    groups: Sequence[Sequence[int]] = json.loads(done.stdout)
    return groups


def print_rows(rows: Sequence[Accuracy]) -> None:
    """The table of the rows, and the averages."""
    table = Table("system", "text", "ours", "Drain3", "difference", box=None)
    for text in dict.fromkeys(row.text for row in rows):
        own = [row for row in rows if row.text == text]
        for row in [*own, _average(own, text)]:
            cells = (_shown(row.ours), _shown(row.theirs), _shown(row.difference, "+.3f"))
            table.add_row(row.system, row.text, *cells)
    Console(width=None if sys.stdout.isatty() else 100, highlight=False).print(table)


def _average(rows: Sequence[Accuracy], text: str) -> Accuracy:
    theirs = [row.theirs for row in rows if row.theirs is not None]
    ours = statistics.fmean(row.ours for row in rows)
    return Accuracy("average", text, ours, statistics.fmean(theirs) if theirs else None)


def _shown(value: float | None, form: str = ".3f") -> str:
    return "-" if value is None else format(value, form)


def _as_json(row: Accuracy) -> Mapping[str, object]:
    return {
        "system": row.system,
        "text": row.text,
        "ours": row.ours,
        "theirs": row.theirs,
        "difference": row.difference,
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--loghub", type=Path, required=True, metavar="DIR")
    parser.add_argument("--drain3-python", type=Path, metavar="PATH")
    parser.add_argument("--drain3-config", type=Path, metavar="FILE", help="a drain3.ini")
    parser.add_argument("--json", action="store_true")
    return parser


if __name__ == "__main__":
    main()
