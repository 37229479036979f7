from __future__ import annotations

import pytest

from knowledge.incidents.sections import (
    HEADINGS,
    Name,
    code_and_text,
    code_block,
    protected,
    sections,
    title_of,
)


def read(text: str) -> list[str]:
    """Name, heading and text of each section that has text."""
    found = sections(text.split("\n"))
    return [f"{one.name}|{one.heading}|{one.text.strip()}" for one in found if one.text.strip()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("above\n## Cause\nc\n# FIX #\nf", ["notes||above", "cause|Cause|c", "fix|FIX|f"]),
        ("Root cause\n=====\nc\n\nFix\n---\nf", ["cause|Root cause|c", "fix|Fix|f"]),
        ("**Root cause:** c\nmore\n__Fix__: f", ["cause|Root cause|c\nmore", "fix|Fix|f"]),
        ("**Impact**\n\ni", ["symptoms|Impact|i"]),
        ("## 2. Root Cause(s):\nc", ["cause|2. Root Cause(s):|c"]),
        ("## 🔥 *Incident summary*\ns", ["symptoms|🔥 *Incident summary*|s"]),
        ("## Root cause: a full disk\nmore", ["cause|Root cause|a full disk\nmore"]),
        ("## Cause\nc\n### Detail\nd", ["cause|Cause|c\n### Detail\nd"]),
        ("## Cause\nc\n### Resolution\nf", ["cause|Cause|c", "fix|Resolution|f"]),
        ("## Symptoms\ns\n### Impact\ni", ["symptoms|Symptoms|s\n### Impact\ni"]),
        ("## Cause\nc\n## Foo\nt\n## Bar\nb", ["cause|Cause|c", "other||## Foo\nt\n## Bar\nb"]),
        ("## Cause\nc\n\nFoo\n---\nt", ["cause|Cause|c", "other||Foo\n---\nt"]),
        ("## Notes\nn\n## Foo\nt", ["notes|Notes|n\n## Foo\nt"]),
    ],
)
def test_headings_open_sections(text: str, expected: list[str]) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    "line",
    [
        "```sh\n# Fix\n```",
        "~~~\n## Fix\n```\n~~~",
        "````\n```\n## Fix\n````",
        "    ## Fix",
        "##Fix",
        "####### Fix",
        "Fix: restart",
        "- **Fix:** restart",
        "**Fix** it",
        "two lines\nFix\n---",
        "- Fix\n---",
        "| Fix |\n---",
        "Fix\n--",
        "## Fix the pool before it is too late, for the sake of all of us: do it",
    ],
)
def test_lines_that_open_no_section_stay_where_they_are(line: str) -> None:
    assert read(f"## Notes\n\n{line}\n\nend") == [f"notes|Notes|{line.strip()}\n\nend"]


@pytest.mark.parametrize(
    ("name", "text", "written"),
    [
        ("cause", "## Fix", "\\## Fix"),
        ("cause", "  # Timeline", "  \\# Timeline"),
        ("cause", "### Timeline", "### Timeline"),
        ("notes", "## Timeline", "## Timeline"),
        ("notes", "### Fix", "\\### Fix"),
        ("symptoms", "### Impact", "### Impact"),
        ("fix", "**Cause:** x", "\\**Cause:** x"),
        ("cause", "\\## Fix", "\\\\## Fix"),
        ("cause", "\\* no heading", "\\* no heading"),
        ("cause", "Fix\n---", "Fix\n\\---"),
        ("cause", "a\n\n---\n\nb", "a\n\n---\n\nb"),
        ("cause", "```\n## Fix\n```\n## Fix", "```\n## Fix\n```\n\\## Fix"),
        ("cause", "```\n## Fix", "\\```\n\\## Fix"),
        ("cause", "~~~~ x\n~~~\n## Fix", "\\~~~~ x\n\\~~~\n\\## Fix"),
        ("cause", "\\```\nx\n```", "\\\\```\nx\n\\```"),
    ],
)
def test_only_what_would_end_a_section_is_protected(name: Name, text: str, written: str) -> None:
    assert protected(text, name) == written
    assert read(f"## {HEADINGS[name]}\n\n{written}\n\n## Signature\n\nx") == [
        f"{name}|{HEADINGS[name]}|{text.strip()}",
        "signature|Signature|x",
    ]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("intro\n\n# A\n\n## B", (2, 3, "A")),
        ("# A #\n# B", (0, 1, "A")),
        ("A\n===\n", (0, 2, "A")),
        ("## A\n### Cause", (0, 1, "A")),
        ("## A\n## Cause", None),
        ("# Cause\n", None),
        ("## Summary\n# A", None),
        ("```\n# A\n```", None),
        ("text", None),
    ],
)
def test_the_title_is_the_first_heading(text: str, title: tuple[int, int, str] | None) -> None:
    found = title_of(text.split("\n"))
    assert (found and (found.start, found.end, found.words)) == title


def test_a_code_block_is_ended_by_none_of_its_lines() -> None:
    lines = ["```", "x `````", "~~~", "# y"]
    block = code_block(lines, "text")
    assert block.startswith("``````text\n")
    assert code_and_text(f"above\n{block}\nbelow") == (lines, ["above", "below"])
