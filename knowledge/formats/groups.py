"""Groups: consecutive blocks that belong together, as one block that can be divided between them.

So a numbered procedure is one passage while it fits, and is torn between its steps when it does
not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from knowledge.blocks import Block

_STEP = re.compile(r"\s*(?:\(?(\d{1,3})[.)]|#\.)\s")


@dataclass(frozen=True, slots=True)
class _Step:
    """A numbered step: the index of its block, which section it is in, and its number.

    The number is 0 where the step is left to count itself.
    """

    index: int
    section: int
    number: int


def steps_together(text: str, blocks: Sequence[Block]) -> list[Block]:
    """`blocks` with each run of numbered steps as one.

    What stands between two steps belongs to the run when the number goes on after it: code that its
    author did not indent.
    """
    runs: list[tuple[_Step, _Step]] = []
    for step in _steps(text, blocks):
        if runs and _goes_on(runs[-1][1], step):
            runs[-1] = (runs[-1][0], step)
        else:
            runs.append((step, step))
    return grouped(blocks, [(first.index, last.index) for first, last in runs])


def grouped(blocks: Sequence[Block], runs: Iterable[tuple[int, int]]) -> list[Block]:
    """`blocks` with each run (first and last index, in order, apart) as one block."""
    result: list[Block] = []
    index = 0
    for first, last in runs:
        result += [*blocks[index:first], _one(blocks[first : last + 1])]
        index = last + 1
    return [*result, *blocks[index:]]


def _one(blocks: Sequence[Block]) -> Block:
    if len(blocks) == 1:
        return blocks[0]
    return Block(blocks[0].start, blocks[-1].end, parts=tuple(blocks))


def _steps(text: str, blocks: Iterable[Block]) -> Iterator[_Step]:
    section = 0
    for index, block in enumerate(blocks):
        section += block.level > 0
        mark = None if block.level else _STEP.match(text, block.start, block.end)
        if mark is not None:
            yield _Step(index, section, int(mark.group(1) or 0))


def _goes_on(step: _Step, following: _Step) -> bool:
    """Whether `following` is of the same procedure: its author may have written 1. each time."""
    if step.section != following.section:
        return False
    if step.index + 1 == following.index and following.number in (0, step.number):
        return True
    return following.number == step.number + 1
