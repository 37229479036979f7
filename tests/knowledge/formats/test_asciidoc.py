from __future__ import annotations

from datetime import UTC, datetime
from pathlib import PurePath

import pytest

from knowledge.blocks import Block
from knowledge.documents import Document
from knowledge.formats.asciidoc import parse


def parsed(text: str) -> Document:
    (document,) = parse(text, PurePath("docs/x.adoc"))
    assert (len(document.text), document.text.count("\n")) == (len(text), text.count("\n"))
    return document


def shown(document: Document, blocks: tuple[Block, ...]) -> list[str]:
    return [document.text[block.start : block.end].strip("\n") for block in blocks]


def pieces(text: str) -> list[str]:
    document = parsed(text)
    return shown(document, document.blocks)


def headings(text: str) -> list[tuple[int, str]]:
    return [(block.level, block.title) for block in parsed(text).blocks if block.level]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "= Title\n\n== Section\n\n=== Sub\n\n== Next\n",
            [(1, "Title"), (2, "Section"), (3, "Sub"), (2, "Next")],
        ),
        ("== Closed ==\n\n## Markdown's\n", [(2, "Closed"), (2, "Markdown's")]),
        ("[[anchor]]\n[discrete]\n== [[x]]Anchored\n", [(2, "Anchored")]),
        (
            "Title\n=====\n\nSection\n-------\n\nSub\n~~~\n\ntext\n",
            [(1, "Title"), (2, "Section"), (3, "Sub")],
        ),
        ("Run:\n----\ncmd\n----\n", []),
        ("Ab\n--\n\ntext\n\n--\n", []),
        ("==No space\n", []),
        ("----\n== in code\n----\n", []),
        ("====\n== in an example\n====\n", []),
        (":product: Checkout\n\n== {product} and {unknown}\n", [(2, "Checkout and {unknown}")]),
        (
            "== *Bold* `code` _it_ a_b <<x,the link>> https://x[page] xref:y.adoc[other]\n",
            [(2, "Bold code it a_b the link page other")],
        ),
    ],
)
def test_headings(text: str, found: list[tuple[int, str]]) -> None:
    assert headings(text) == found


@pytest.mark.parametrize(
    "whole",
    [
        "[source,bash]\n----\n# a comment\n\n// kept\nrun\n----",
        ".Title\n[source,bash]\n----\nrun\n----",
        "....\nliteral\n\n. no step\n....",
        "[cols=2]\n|===\n|a |b\n\n|1 |2\n|===",
        "====\nAn example\n\n----\nwith code\n----\n====",
        "[NOTE]\n====\none\n\ntwo\n====",
        "****\nsidebar\n\nmore\n****",
        "--\nopen\n\nblock\n--",
        "```sh\nrun\n\nmore\n```",
        "++++\n<b>\n\n</b>\n++++",
        "WARNING: on two\nlines.",
        "* item\n+\n----\nattached\n\ncode\n----\n+\nmore",
        "* item\ngoes on\n** nested\n\n*** deeper",
        "term:: meaning\nof it",
        "term::\n\nmeaning",
        "a paragraph\nof .lines\n. that goes on",
        " literal\n by indent",
    ],
)
def test_what_belongs_together_is_one_block(whole: str) -> None:
    assert pieces(f"before\n\n{whole}\n\nafter\n") == ["before", whole, "after"]


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("", []),
        ("\n\n", []),
        ("----\nnever closed\n\ntext\n", ["----\nnever closed", "text"]),
        ("* a\n* b\n\n* c\n\ntext\n", ["* a", "* b", "* c", "text"]),
        ("text\n----\ncode\n----\nmore\n", ["text", "----\ncode\n----", "more"]),
        ("text\n[NOTE]\nmore\n", ["text", "[NOTE]\nmore"]),
        ("* a\n== Heading\n", ["* a", "== Heading"]),
        ("text\n\n[[alone]]\n\n", ["text", "[[alone]]"]),
        ("text\n\n.Procedure\n\n* a\n* b\n", ["text", ".Procedure\n\n* a", "* b"]),
        ("term:: a\nother:: b\n", ["term:: a", "other:: b"]),
        ("* a\n+\n", ["* a\n+"]),
        ("<1> a\n<2> b\n", ["<1> a", "<2> b"]),
    ],
)
def test_blocks(text: str, blocks: list[str]) -> None:
    assert pieces(text) == blocks


STEPS = """\
. Look:
+
[source,sh]
----
df -h

du -sh
----
+
and note it.
.. On each node
.. On the volume

. Delete:
* logs
* dumps

 rm -f x

. Wait.
"""


def test_steps_are_one_block_that_can_be_divided_between_them_and_within() -> None:
    document = parsed(f"Do this.\n\n{STEPS}\nThen rest.\n")
    before, steps, after = document.blocks
    assert shown(document, (before, steps, after)) == ["Do this.", STEPS.strip(), "Then rest."]
    assert [words.split("\n")[0] for words in shown(document, steps.parts)] == [
        ". Look:",
        ". Delete:",
        ". Wait.",
    ]
    assert [words.split("\n")[0] for words in shown(document, steps.parts[0].parts)] == [
        ". Look:",
        "[source,sh]",
        "and note it.",
        ".. On each node",
        ".. On the volume",
    ]
    assert shown(document, steps.parts[1].parts) == [". Delete:", "* logs", "* dumps", " rm -f x"]


@pytest.mark.parametrize("mark", ["1. ", "a. ", "i) ", ". "])
def test_steps_of_every_numbering_are_together(mark: str) -> None:
    (steps,) = parsed(f"{mark}one\n{mark}two\n").blocks
    assert len(steps.parts) == 2


def test_an_example_can_be_divided_between_the_blocks_in_it() -> None:
    document = parsed("[TIP]\n====\none\n\n----\ncode\n----\n====\n")
    (example,) = document.blocks
    assert shown(document, example.parts) == ["[TIP]\n====\none", "----\ncode\n----\n===="]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("// comment\ntext\n", "text"),
        ("////\n== hidden\n\n////\ntext\n", "text"),
        ("////\nnever closed\n", "//// never closed"),
        ("/// no comment\n", "/// no comment"),
        (":toc:\n:!sectnums:\n:product: x\n\ntext\n", "text"),
        ("ifdef::cloud[]\ntext\nendif::cloud[]\nifeval::[1 > 0]\nendif::[]\n", "text"),
        ("ifdef::cloud[only here]\n", "ifdef::cloud[only here]"),
        ("----\n// code\n:a: b\nifdef::x[]\n----\n", "---- // code :a: b ifdef::x[] ----"),
        ("include::other.adoc[]\n", "include::other.adoc[]"),
        ("https://x //y\n", "https://x //y"),
    ],
)
def test_what_no_reader_sees_is_blanked(text: str, left: str) -> None:
    assert " ".join(parsed(text).text.split()) == left


def test_the_header_says_what_the_document_is() -> None:
    document = parsed(
        "// generated\n= Disk full\nAna Lopez <ana@example.com>\nv1.2, 2024-03-05\n"
        ":service: checkout, redis\n:type: runbook\n\ntext\n"
    )
    assert (document.title, document.kind) == ("", "runbook")
    assert document.services == ("checkout", "redis")
    assert document.dated_utc == datetime(2024, 3, 5, tzinfo=UTC)


def test_an_attribute_counts_before_the_revision_line() -> None:
    assert parsed("= A\n2024-03-05\n:revdate: 2024-04-01\n").dated_utc == datetime(
        2024, 4, 1, tzinfo=UTC
    )


@pytest.mark.parametrize("text", ["2024-03-05 it began\n", "== A\n2024-03-05 it began\n", ""])
def test_a_date_that_begins_a_text_is_no_revision(text: str) -> None:
    assert parsed(text).dated_utc is None


def test_deep_nesting_ends_somewhere() -> None:
    marks = ["=" * size for size in range(4, 400)]
    document = parsed("\n".join([*marks, "text", *reversed(marks)]) + "\n")
    assert len(document.blocks) == 1
