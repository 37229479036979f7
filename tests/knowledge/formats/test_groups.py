from __future__ import annotations

import pytest

from knowledge.blocks import Block, plain_blocks
from knowledge.formats.groups import grouped, steps_together


def shown(text: str, blocks: list[Block]) -> list[str | list[str]]:
    """The text of each block; of one with parts, that of the parts."""

    def words(block: Block) -> str:
        return text[block.start : block.end].strip()

    return [[words(part) for part in block.parts] or words(block) for block in blocks]


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("a\n\n1. x\n2. y\n\nb", ["a", ["1. x", "2. y"], "b"]),
        ("1) x\n2) y", [["1) x", "2) y"]]),
        ("(1) x\n\n(2) y", [["(1) x", "(2) y"]]),
        ("1. x\n1. y\n1. z", [["1. x", "1. y", "1. z"]]),
        ("#. x\n#. y", [["#. x", "#. y"]]),
        ("1. x", ["1. x"]),
        ("- x\n- y", ["- x", "- y"]),
        ("1. x\n\ncode\n\n2. y\n3. z\n\nb", [["1. x", "code", "2. y", "3. z"], "b"]),
        ("1. x\n\nb\n\n1. y\n2. z", ["1. x", "b", ["1. y", "2. z"]]),
        ("1. x\n2. y\n\nb\n\n4. z", [["1. x", "2. y"], "b", "4. z"]),
        ("1. x\n2. y\n1. z", [["1. x", "2. y"], "1. z"]),
        ("1984. x\n1985. y", ["1984. x\n1985. y"]),
        ("1.x\n\n2.y", ["1.x", "2.y"]),
    ],
)
def test_steps_are_together_and_divisible(text: str, blocks: list[str | list[str]]) -> None:
    assert shown(text, steps_together(text, plain_blocks(text))) == blocks


def test_steps_do_not_reach_beyond_their_section() -> None:
    text = "1. x\n# Head\n2. y\n"
    blocks = [Block(0, 5), Block(5, 12, level=1, title="Head"), Block(12, 17)]
    assert steps_together(text, blocks) == blocks


def test_a_group_of_one_stays_what_it_is() -> None:
    blocks = [Block(0, 1, parts=(Block(0, 1),)), Block(1, 2), Block(2, 3)]
    assert grouped(blocks, [(0, 0), (1, 2)]) == [
        blocks[0],
        Block(1, 3, parts=(blocks[1], blocks[2])),
    ]
