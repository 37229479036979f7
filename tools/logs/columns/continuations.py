"""Continuations for all lines at once: the decisions of `tools.logs.multiline`, run by run.

Most lines have a time stamp and surely continue nothing; of a run of them only the last matters.
What a line without one is depends on its variant and on a small state, so each pair is decided
once. Only what may belong to a trace whose every line is stamped goes through the real thing.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from tools.logs.columns.text import Rows
from tools.logs.columns.variants import Variants
from tools.logs.multiline import Continuations, State
from tools.logs.records import Record

Bools = npt.NDArray[np.bool_]

# A trace that is not at its end after so many lines has none: its writer is dead.
_MAX_OPEN_LINES = 200


def absorbed(variants: Variants, rows: Rows, check: Callable[[], None]) -> Bools:
    """Which of the lines `rows` only continue the record before; none of them is blank."""
    return _Walk(variants, rows, check).absorbed


class _Walk:
    """Goes through the lines in runs of equal ones."""

    def __init__(self, variants: Variants, rows: Rows, check: Callable[[], None]) -> None:
        self.absorbed = np.zeros(len(rows), np.bool_)
        self._variants = variants
        self._rows = rows
        self._check = check
        self._of_line = variants.of_row[rows]
        self._state = State()
        self._last_own: int | None = None
        self._decided: dict[tuple[State, int], tuple[State, bool]] = {}
        self._go()

    def _go(self) -> None:
        starts = self._starts_of_runs()
        done = 0
        for start, end in pairwise([*starts, len(self._rows)]):
            while max(start, done) < end:
                done = self._step(max(start, done), end)

    def _step(self, line: int, end: int) -> int:
        """Decide at least one line of the run that goes from `line` to `end`; the next one."""
        number = int(self._of_line[line])
        variant = self._variants.all[number]
        if variant.settled is not None:
            # The last line of the run decides; the lines of a run settle alike.
            self._state = variant.settled
            self._last_own = end - 1
            return end
        return self._consult(line) if variant.is_timed else self._decide(line, end, number)

    def _starts_of_runs(self) -> list[int]:
        """Where the lines change: those that settle alike are equal, others if of one variant."""
        states: dict[State, int] = {}
        classes = np.array(
            [
                number
                if variant.settled is None
                else -1 - states.setdefault(variant.settled, len(states))
                for number, variant in enumerate(self._variants.all)
            ],
            np.int64,
        )
        of_line = classes[self._of_line]
        changes = np.flatnonzero(of_line[1:] != of_line[:-1]) + 1
        return [0, *changes.tolist()] if len(of_line) else []

    def _decide(self, line: int, end: int, number: int) -> int:
        """A line of a variant without time stamps, and those like it where nothing changes."""
        before = self._state
        if (before, number) not in self._decided:
            machine = Continuations.resumed(before, None)
            is_absorbed = machine.absorbs(*self._line(line))
            self._decided[before, number] = machine.state, is_absorbed
        self._state, is_absorbed = self._decided[before, number]
        next_line = end if self._state == before else line + 1
        self.absorbed[line:next_line] = is_absorbed
        return next_line

    def _consult(self, line: int) -> int:
        """A line that may continue another writer's trace, and all until no trace is open."""
        self._check()
        before = self._line(self._last_own) if self._last_own is not None else None
        machine = Continuations.resumed(self._state, before)
        self._feed(machine, line)
        last = min(line + _MAX_OPEN_LINES, len(self._rows)) - 1
        while machine.open_origins and line < last:
            line += 1
            self._feed(machine, line)
        self._state = machine.state
        return line + 1

    def _feed(self, machine: Continuations, line: int) -> None:
        text, record = self._line(line)
        self.absorbed[line] = machine.absorbs(text, record)
        if record.time is not None and not self.absorbed[line]:
            self._last_own = line

    def _line(self, line: int) -> tuple[str, Record]:
        return self._variants.line(int(self._rows[line]))
