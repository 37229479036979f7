from __future__ import annotations

from pathlib import PurePath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.blocks import plain_blocks
from knowledge.chunks import MAX_CHARS, TARGET_CHARS, Chunk, split
from knowledge.documents import Document
from knowledge.formats import markdown, plain, rst

MD = PurePath("docs/Some runbook.md")
FORMATS = {".md": markdown.parse, ".mdx": markdown.parse, ".rst": rst.parse, ".txt": plain.parse}


def chunks_of(text: str, path: PurePath = MD) -> list[Chunk]:
    (document,) = FORMATS.get(path.suffix, markdown.parse)(text, path)
    return split(document, path)


def paragraph(size: int, word: str = "word") -> str:
    return (f"{word} " * size)[: size - 1] + "."


@pytest.mark.parametrize(
    ("path", "text", "headings"),
    [
        (
            "x.md",
            "# A\n\nintro\n\n## B\n\nb\n\n### C\n\nc\n\n## D\n\nd\n",
            "A|A > B|A > B > C|A > D",
        ),
        ("x.md", "---\ntitle: T\n---\n\nintro\n\n# A\n\na\n", "T|T > A"),
        ("x.md", "---\ntitle: A\n---\n\nintro\n\n# A\n\na\n\n## B\n\nb\n", "A|A|A > B"),
        ("Disk full.md", "## Meaning\n\ntext\n", "Disk full > Meaning"),
        ("notes.md", "no headings\n", "notes"),
        ("x.md", "# A\n\n#\n\nunder a heading without words\n", ""),
        ("x.mdx", "# A\n\na\n", "A"),
        ("x.rst", "A\n=\n\na\n\nB\n-\n\nb\n", "A|A > B"),
        ("notes.rst", "no headings\n", "notes"),
        ("notes.txt", "# a comment\n\ntext\n", "notes"),
        ("README", "# A\n\na\n", "A"),
    ],
)
def test_each_section_is_found_under_its_breadcrumb(path: str, text: str, headings: str) -> None:
    assert "|".join(chunk.heading for chunk in chunks_of(text, PurePath(path))) == headings


def test_chunks_are_numbered_and_know_their_line_and_verbatim_text() -> None:
    text = (
        "---\ntitle: T\n---\n# T\n\n\n  indented first line\nsecond  \n\n## Next\n```\ncode\n```\n"
    )
    assert chunks_of(text) == [
        Chunk(0, "T", 7, "  indented first line\nsecond"),
        Chunk(1, "T > Next", 11, "```\ncode\n```"),
    ]


def test_lines_are_those_of_the_file_that_holds_the_document() -> None:
    text = f"{paragraph(850)}\n\n{paragraph(850)}\n"
    document = Document(text, tuple(plain_blocks(text)), title="An alert", first_line=40)
    found = [(chunk.heading, chunk.line) for chunk in split(document, MD)]
    assert found == [("An alert", 40), ("An alert", 42)]


def test_the_embedded_text_has_the_breadcrumb_and_the_stored_text_has_not() -> None:
    (chunk,) = chunks_of("# A\n## B\ntext\n")
    assert (chunk.text, chunk.embedded_text) == ("text", "A > B\ntext")


@pytest.mark.parametrize("text", ["# Only\n\n## Headings\n", "---\ntitle: T\n---\n", "\n\n"])
def test_a_document_of_headings_only_has_no_chunks(text: str) -> None:
    assert chunks_of(text) == []


def test_paragraphs_fill_a_chunk_up_to_the_target() -> None:
    text = "\n\n".join(paragraph(250) for _ in range(6))
    sizes = [len(chunk.text) for chunk in chunks_of(text)]
    assert sizes == [754, 754]


def test_a_scrap_joins_its_neighbour_even_beyond_the_target() -> None:
    text = f"{paragraph(850)}\n\n{paragraph(100)}\n"
    assert [len(chunk.text) for chunk in chunks_of(text)] == [952]


def test_sections_are_not_joined() -> None:
    assert len(chunks_of("# A\n\na\n\n# B\n\nb\n")) == 2


@pytest.mark.parametrize(
    "whole",
    [
        "```sh\n" + "# a comment\n\nrun --this\n" * 50 + "```",
        "| a | b |\n|---|---|\n" + "| one | two |\n" * 80 + "| x | y |",
        "3. A step:\n\n   ```\n" + "   run --that\n\n" * 60 + "   ```\n\n   and then look",
        "\n".join(f"{number}. Do this, and look whether it helped." for number in range(1, 31)),
    ],
)
def test_code_tables_and_steps_stay_whole_when_they_fit(whole: str) -> None:
    assert TARGET_CHARS < len(whole) <= MAX_CHARS
    text = f"{paragraph(800)}\n\n{whole}\n\n{paragraph(800)}\n"
    assert [chunk.text for chunk in chunks_of(text)][1] == whole


def test_a_sentence_that_introduces_code_stays_with_it() -> None:
    code = "```\n" + "x" * 700 + "\n```"
    text = f"{paragraph(600)}\n\n{paragraph(250)[:-1]}:\n\n{code}\n"
    assert [chunk.text for chunk in chunks_of(text)][1].startswith("word")
    assert [chunk.text for chunk in chunks_of(text)][1].endswith(code)


def test_a_step_too_large_is_divided_around_its_code() -> None:
    code = "   ```\n" + "   run --that\n" * 60 + "   ```"
    text = f"1. {paragraph(900)}\n\n{code}\n\n   {paragraph(900)}\n"
    assert code in [chunk.text for chunk in chunks_of(text)]


def test_steps_too_many_for_a_chunk_are_divided_between_steps() -> None:
    steps = [f"{number}. Do this, and look whether it helped." for number in range(1, 81)]
    chunks = chunks_of("\n".join(steps))
    assert len(chunks) > 1
    assert [line for chunk in chunks for line in chunk.text.split("\n")] == steps


def test_code_too_large_is_cut_between_lines() -> None:
    lines = [f"line {number:04} of the output" for number in range(200)]
    text = "```\n" + "\n".join(lines) + "\n```\n"
    chunks = chunks_of(text)
    assert all(len(chunk.text) <= MAX_CHARS for chunk in chunks)
    assert "\n".join(chunk.text for chunk in chunks) == text.rstrip()


def test_a_paragraph_too_large_is_cut_between_sentences() -> None:
    text = "This sentence says something. " * 100
    assert all(chunk.text.endswith("something.") for chunk in chunks_of(text))


def test_a_line_without_any_space_is_cut_all_the_same() -> None:
    chunks = chunks_of("x" * 5_000)
    assert "".join(chunk.text for chunk in chunks) == "x" * 5_000
    assert max(len(chunk.text) for chunk in chunks) <= MAX_CHARS


_LINES = st.sampled_from(
    [
        "",
        "# A",
        "## B",
        "Title",
        "=====",
        "-----",
        "```",
        "~~~",
        "    indented",
        "\tword",
        "- item",
        "1. step",
        "   more of it",
        "| a | b |",
        "|---|---|",
        "> quote",
        "<div>",
        ".. note::",
        "ends with a colon:",
        "word " * 60,
        "x" * 1_600,
        "far" + " " * 3_000 + "apart",
    ]
)


@settings(max_examples=150, deadline=None)
@given(
    lines=st.lists(_LINES, max_size=40),
    suffix=st.sampled_from([".md", ".rst", ".txt"]),
)
def test_chunks_of_any_text_are_verbatim_in_order_and_small_enough(
    lines: list[str], suffix: str
) -> None:
    text = "\n".join(lines)
    position = 0
    for number, chunk in enumerate(chunks_of(text, PurePath(f"x{suffix}"))):
        start = text.index(chunk.text, position)
        position = start + len(chunk.text)
        assert chunk.ordinal == number
        assert 0 < len(chunk.text) <= MAX_CHARS
        assert chunk.text.split("\n")[0] in text.split("\n")[chunk.line - 1]


@settings(max_examples=150, deadline=None)
@given(lines=st.lists(_LINES, max_size=40))
def test_no_text_outside_of_headings_is_lost(lines: list[str]) -> None:
    text = "\n".join(lines)
    kept = "".join("".join(chunk.text.split()) for chunk in chunks_of(text, PurePath("x.txt")))
    assert kept == "".join(text.split())
