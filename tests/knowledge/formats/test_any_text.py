"""What holds for every text format, whatever the text."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import PurePath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.blocks import Block
from knowledge.documents import Document, Unusable
from knowledge.formats import alert_rules, asciidoc, markdown, notebook, plain, rst

Parse = Callable[[str, PurePath], list[Document]]

PATH = PurePath("docs/Runbook 0123456789abcdef0123456789abcdef.md")
VERBATIM: list[Parse] = [asciidoc.parse, markdown.parse, plain.parse, rst.parse]

_COMMON = ["", "", "word", "ends with a colon:", "  indented", "    deeper", "\tword", "x " * 900]
_MARKDOWN = [
    *_COMMON,
    *("---", "+++", "title: T", "date: 2024-02-30", "service = 'x'", "# A", "## B", "====="),
    *("```sh", "```", "~~~", "- item", "1. step", "2. step", "   more of it", "> quote", "`a ``"),
    *("| a | b |", "|---|---|", "<div>", "<!-- x", "-->", "{/* x", "*/}", "<Tabs>", "</Tabs>"),
    *("<TabItem a={{b: {c}}} />", "<Foo", ":::note T", ":::", "::::", "!!! tip", "{{< x", ">}}"),
    *("import a from 'b'", "export const x = {"),
    *("Service: checkout", "[^1]: note", "1) other", "- 1. a", "> 1. b", "{{% x %}} y"),
]
_RST = [
    *_COMMON,
    *("Title", "=====", "-----", "===  ===", ".. note::", ".. a comment", "..", ".. _anchor:"),
    *(".. _link: https://x", "   more of it", "1. step", "#. step", ":date: 2024-02-30", "code::"),
    *("+---+", "| a |", "* item", "a  b"),
]
_ASCIIDOC = [
    *_COMMON,
    *(
        "= Title",
        "== Section",
        "# Markdown's",
        "Title",
        "-----",
        "~~~~~",
        ":service: x",
        "v1, 2024-01-01",
    ),
    *("----", "....", "====", "=====", "|===", "--", "////", "// comment", "```sh", "```", "+"),
    *(". step", ".. substep", "* item", "1. step", "<1> callout", "term::", ";;", "[source,sh]"),
    *(".Title", "[[anchor]]", "ifdef::x[]", "endif::[]", "NOTE: x", "include::x[]", "'''"),
]
_RULES = [
    "- alert: A\n  expr: up\n",
    "- alert: A\n  expr: |\n    up\n\n    # kept\n\n  # not kept\n",
    "- {alert: B, expr: up, labels: {job: x}}  # flow\n",
    "-\n  expr: &e up\n  alert: 'C (2)'\n  annotations: &a\n    summary: >\n      text\n",
    '- expr: *e\n  alert: "D\\ud800"\n  labels: *a\n',
    "- record: r\n  expr: up\n",
    "- title: T\n  condition: A\n  data: [{refId: A}]\n  annotations: {a: b}\n",
    "- alert: C\n  expr: up > {{ .Values.x }}\n  labels:\n    service: {{ .y }}-z\n",
    "- alert: C\n  expr:\n",
]
_YAML = [
    *(
        "",
        "# c",
        "---",
        "groups:",
        "- &b [*b]",
        "? [a]",
        "\t",
        "'",
        "  x",
        "{{- if .x }}",
        "<<: *a",
    ),
    *("rules: [*a, {alert: F, expr: x}, {alert: F, expr: y}]", "expr: {{ .y }}", "&a x: *a", "..."),
]

_ANY_CHARACTERS = st.characters(codec="utf-8", exclude_characters="\r")
_ANY = st.text(_ANY_CHARACTERS, max_size=300)


@st.composite
def rule_files(draw: st.DrawFn) -> str:
    """Rules one after the other, and now and then a line that may break the file."""
    lines = "".join(draw(st.lists(st.sampled_from(_RULES), max_size=6))).split("\n")
    for line in draw(st.lists(st.sampled_from(_YAML) | _ANY, max_size=2)):
        lines.insert(draw(st.integers(0, len(lines))), line)
    return "\n".join(lines)


def lines_of(*vocabulary: str) -> st.SearchStrategy[str]:
    one = st.sampled_from(vocabulary) | st.text(_ANY_CHARACTERS, max_size=20)
    return st.lists(one, max_size=40).map("\n".join)


def assert_covered(blocks: tuple[Block, ...], start: int, end: int) -> None:
    """`blocks` follow each other from `start` to `end`, and so do their parts."""
    position = start
    for block in blocks:
        assert block.start == position
        assert block.end > block.start
        position = block.end
        if block.parts:
            assert_covered(block.parts, block.start, block.end)
    assert position == end


def assert_whole(document: Document) -> None:
    blocks = document.blocks
    start = blocks[0].start if blocks else len(document.text)
    assert document.text[:start].strip() == ""
    assert_covered(blocks, start, len(document.text))
    assert "\r" not in document.title + document.name
    (document.text + document.title + document.name + "".join(document.services)).encode()


@pytest.mark.parametrize("parse", VERBATIM)
@settings(max_examples=150, deadline=None)
@given(text=_ANY | lines_of(*_MARKDOWN) | lines_of(*_RST) | lines_of(*_ASCIIDOC))
def test_blocks_cover_a_text_whose_lines_and_offsets_stay(parse: Parse, text: str) -> None:
    (document,) = parse(text, PATH)
    assert_whole(document)
    assert len(document.text) == len(text)
    assert all(b in (a, " ") for a, b in zip(text, document.text, strict=True))
    assert document.text.count("\n") == text.count("\n")
    assert (document.first_line, document.name) == (1, "")


@settings(max_examples=300, deadline=None)
@given(text=_ANY | rule_files())
def test_alerts_are_verbatim_under_names_of_their_own_or_there_are_none(text: str) -> None:
    try:
        documents = alert_rules.parse(text, PATH)
    except Unusable:
        return
    assert documents
    assert len({document.name for document in documents}) == len(documents)
    for document in documents:
        assert_whole(document)
        below = text.split("\n", document.first_line - 1)[-1]
        assert document.text in below
        assert document.text.split("\n")[0] in below.split("\n")[0]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _ANY,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_ANY, inner, max_size=3),
    max_leaves=8,
)
_SOURCE = lines_of(*_MARKDOWN) | st.lists(lines_of(*_MARKDOWN), max_size=3) | _JSON
_OUTPUT = st.fixed_dictionaries(
    {"output_type": st.sampled_from(["stream", "error", "pyout", "display_data"])},
    optional={"text": _SOURCE, "data": st.just({"text/plain": "x"}) | _JSON, "traceback": _JSON},
)
_CELL = st.fixed_dictionaries(
    {"cell_type": st.sampled_from(["markdown", "code", "raw", "heading", 1]), "source": _SOURCE},
    optional={"outputs": st.lists(_OUTPUT, max_size=2) | _JSON, "level": _JSON, "language": _JSON},
)
_NOTEBOOK = st.fixed_dictionaries(
    {"cells": st.lists(_CELL, max_size=4) | _JSON},
    optional={"metadata": _JSON, "worksheets": _JSON},
)


@settings(max_examples=200, deadline=None)
@given(text=_ANY | (_NOTEBOOK | _JSON).map(json.dumps))
def test_a_notebook_is_a_document_or_unusable(text: str) -> None:
    try:
        (document,) = notebook.parse(text, PATH)
    except Unusable:
        return
    assert_whole(document)
