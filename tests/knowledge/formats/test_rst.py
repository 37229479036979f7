from __future__ import annotations

from datetime import UTC, datetime
from pathlib import PurePath

import pytest

from knowledge.documents import Document
from knowledge.formats.rst import parse, rst_blocks


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
            "a\n\n1. one\n\n   more\n2. two\n#. three\n\nb\n",
            ["a\n\n", "1. one\n\n   more\n2. two\n#. three\n\n", "b\n"],
        ),
        (
            "===  ===\na    b\n===  ===\n1    2\n\n3    4\n-------\n===  ===\n\nend\n",
            ["===  ===\na    b\n===  ===\n1    2\n\n3    4\n-------\n===  ===\n\n", "end\n"],
        ),
        (
            "===  ===\n1    2\n\n3    4\n===  ===\n\nend\n",
            ["===  ===\n1    2\n\n3    4\n===  ===\n\n", "end\n"],
        ),
        ("===  ===\nnever closed\n\nend\n", ["===  ===\nnever closed\n\n", "end\n"]),
        ("+---+\n| a |\n+---+\n| b |\n+---+\n", ["+---+\n| a |\n+---+\n| b |\n+---+\n"]),
    ],
)
def test_blocks(text: str, blocks: list[str]) -> None:
    assert [text[block.start : block.end] for block in rst_blocks(text)] == blocks


def test_steps_can_be_divided_between_them() -> None:
    text = "1. one\n\n.. code:: sh\n\n   run\n\n2. two\n"
    (steps,) = rst_blocks(text)
    assert [text[step.start : step.end] for step in steps.parts] == [
        "1. one\n\n",
        ".. code:: sh\n\n   run\n\n",
        "2. two\n",
    ]


def parsed(text: str) -> Document:
    (document,) = parse(text, PurePath("docs/x.rst"))
    assert (len(document.text), document.text.count("\n")) == (len(text), text.count("\n"))
    return document


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (".. a comment\n   of two lines\n\n   and more\n\ntext\n", "text"),
        ("..\n   a comment\n\ntext\n", "text"),
        ("..\n\n   quoted\n", "quoted"),
        (".. _anchor:\n.. _other:\n\nTitle\n=====\n", "Title ====="),
        ("text\n\n.. .. note:: commented out\n", "text"),
        ("text::\n\n   .. code with dots\n", "text:: .. code with dots"),
        ("text\n.. goes on\n", "text .. goes on"),
        (".. _link: https://x\n", ".. _link: https://x"),
        (".. _`a b`: https://x\n", ".. _`a b`: https://x"),
        (".. [1] A footnote\n", ".. [1] A footnote"),
        (".. |name| replace:: x\n", ".. |name| replace:: x"),
        (".. code-block:: sh\n\n   run\n", ".. code-block:: sh run"),
        (".. py:function:: f(x)\n", ".. py:function:: f(x)"),
        ("... and so on\n", "... and so on"),
    ],
)
def test_comments_and_anchors_are_blanked(text: str, left: str) -> None:
    assert " ".join(parsed(text).text.split()) == left


@pytest.mark.parametrize(
    "text",
    [
        ":date: 2024-03-05\n:service: checkout,\n   redis\n:type: runbook\n\nTitle\n=====\n",
        "Title\n=====\n\n:Date: 2024-03-05\n:Service: checkout, redis\n:Type: runbook\n\ntext\n",
        ".. _a:\n\n=\nT\n=\n:Type: runbook\n:date: 2024-03-05\n:service: checkout, redis\n",
    ],
)
def test_fields_at_the_top_say_what_the_document_is(text: str) -> None:
    document = parsed(text)
    assert document.services == ("checkout", "redis")
    assert document.kind == "runbook"
    assert document.dated_utc == datetime(2024, 3, 5, tzinfo=UTC)
    assert ":service:" in document.text.lower()


@pytest.mark.parametrize(
    "text",
    [
        "Title\n=====\n\ntext\n\n:service: checkout\n",
        "text\n:service: checkout\n",
        ":ref:`service` checkout\n",
        ".. note::\n   :service: checkout\n",
    ],
)
def test_fields_further_down_are_text(text: str) -> None:
    assert parsed(text).services == ()
