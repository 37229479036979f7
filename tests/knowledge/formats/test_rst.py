from __future__ import annotations

import pytest

from knowledge.rst import rst_blocks


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Title\n=====\n\nSub\n---\n\nNext\n====\n", [(1, "Title"), (2, "Sub"), (1, "Next")]),
        ("=====\nTitle\n=====\n\nPart\n=====\n", [(1, "Title"), (2, "Part")]),
        ("=======\n Title\n=======\n", [(1, "Title")]),
        ("A title longer than its line\n====\n", [(1, "A title longer than its line")]),
        ("Abc\n--\n", []),
        ("Ab\n--\n", [(1, "Ab")]),
        ("text\n\n----\n\nmore\n", []),
        ("second line of\na paragraph\n-----------\n", []),
        ("code::\n\n   Title\n   =====\n", []),
        (
            "The :ref:`links <x>` of ``code`` and *it*\n~~~~~~~~~~~~~~~~~~~~~~\n",
            [(1, "The links <x> of code and it")],
        ),
        ("Heading\n-------\ntext at once\n", [(1, "Heading")]),
    ],
)
def test_headings_take_their_level_from_the_order_of_styles(
    text: str, found: list[tuple[int, str]]
) -> None:
    assert [(block.level, block.title) for block in rst_blocks(text) if block.level] == found


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("", []),
        ("T\n=\ntext\n\nmore\n", ["T\n=\n", "text\n\n", "more\n"]),
        ("T\n=\n\n   quoted\n\nmore\n", ["T\n=\n\n", "   quoted\n\n", "more\n"]),
        (
            "Do::\n\n   cmd\n\n   cmd 2\n\n.. note:: x\n\n   y\n\nend\n",
            ["Do::\n\n   cmd\n\n   cmd 2\n\n", ".. note:: x\n\n   y\n\n", "end\n"],
        ),
        (
            "1. one\n\n   more\n2. two\n#. three\n",
            ["1. one\n\n   more\n", "2. two\n", "#. three\n"],
        ),
        ("+---+\n| a |\n+---+\n| b |\n+---+\n", ["+---+\n| a |\n+---+\n| b |\n+---+\n"]),
    ],
)
def test_blocks(text: str, blocks: list[str]) -> None:
    assert [text[block.start : block.end] for block in rst_blocks(text)] == blocks
