from __future__ import annotations

import pytest

from knowledge.blocks import line_starts, plain_blocks


@pytest.mark.parametrize(
    ("text", "starts"),
    [
        ("", [0, 0]),
        ("a", [0, 1]),
        ("ab\nc", [0, 3, 4]),
        ("ab\n", [0, 3, 3]),
        ("\n\n", [0, 1, 2, 2]),
    ],
)
def test_line_starts(text: str, starts: list[int]) -> None:
    assert line_starts(text) == starts


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("", []),
        ("one\nstill one\n\ntwo", ["one\nstill one\n\n", "two"]),
        ("intro\n- a\n  more\n- b\n1. c", ["intro\n", "- a\n  more\n", "- b\n", "1. c"]),
        ("run:\n\n    cmd\n\n    cmd 2\n\nnext", ["run:\n\n    cmd\n\n    cmd 2\n\n", "next"]),
        ("  indented from the start\n\nb", ["  indented from the start\n\n", "b"]),
        ("\n\n\ta\n\nb", ["\ta\n\n", "b"]),
    ],
)
def test_plain_text_has_paragraphs_and_list_items(text: str, blocks: list[str]) -> None:
    assert [text[block.start : block.end] for block in plain_blocks(text)] == blocks
