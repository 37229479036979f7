from __future__ import annotations

import pytest

from knowledge.markdown import markdown_blocks, split_front_matter


def pieces(text: str) -> list[str]:
    return [text[block.start : block.end] for block in markdown_blocks(text)]


def headings(text: str) -> list[tuple[int, str]]:
    return [(block.level, block.title) for block in markdown_blocks(text) if block.level]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("---\ntitle: Kube Node\nweight: 20\n---\n# x\n", "Kube Node"),
        ("---\ntitle: 'a: b'\n...\nx\n", "a: b"),
        ("---\ntitle: 502\n---\n", "502"),
        ("---\nweight: 20\n---\nx\n", ""),
        ("---\ntitle: [a, b]\n---\nx\n", ""),
        ("---\n- a list\n---\nx\n", ""),
        ("---\ntitle: {{ broken\n---\nx\n", ""),
        ("---\n---\nx\n", ""),
    ],
)
def test_front_matter_gives_its_title_and_leaves_blank_lines(text: str, title: str) -> None:
    found, body = split_front_matter(text)
    assert found == title
    assert "title" not in body
    assert "weight" not in body
    assert (len(body), body.count("\n")) == (len(text), text.count("\n"))


@pytest.mark.parametrize(
    "text", ["# x\n---\na: b\n---\n", "---\nno end\n", "----\na: b\n----\n", ""]
)
def test_what_is_no_front_matter_stays(text: str) -> None:
    assert split_front_matter(text) == ("", text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("# One\n## Two ##\n###### Six\n####### seven\n", [(1, "One"), (2, "Two"), (6, "Six")]),
        ("Top\n===\n\nSub\n---\n", [(1, "Top"), (2, "Sub")]),
        ("two lines\nof text\n---\n", []),
        ("#hashtag\n", []),
        ("```sh\n# comment\n```\n", []),
        ("~~~\n# comment\n```\n# still\n~~~\n# Real\n", [(1, "Real")]),
        ("```\n# never closed\n", []),
        ("    # indented code\n", []),
        ("<!--\n# hidden\n-->\n", []),
        ("1. step\n\n   # in a step\n", []),
        (
            "# **Bold** `code` [link](http://x) _it_ &amp; <b>tag</b>\n",
            [(1, "Bold code link it & tag")],
        ),
        ("# With an anchor {#anchor}\n", [(1, "With an anchor")]),
        ("#\n", [(1, "")]),
    ],
)
def test_headings(text: str, found: list[tuple[int, str]]) -> None:
    assert headings(text) == found


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("", []),
        ("one\ntwo\n\nthree\n", ["one\ntwo\n\n", "three\n"]),
        ("- a\n- b\n\n  more\n- c\n", ["- a\n", "- b\n\n  more\n", "- c\n"]),
        (
            "1. a\n   ```\n   x\n\n   y\n   ```\n2. b\n",
            ["1. a\n   ```\n   x\n\n   y\n   ```\n", "2. b\n"],
        ),
        ("| a |\n|---|\n| 1 |\n\nafter\n", ["| a |\n|---|\n| 1 |\n\n", "after\n"]),
        ("text\n\n[ref]: http://x\n", ["text\n\n[ref]: http://x\n"]),
        ("\n\n> quote\n> more\n", ["\n\n> quote\n> more\n"]),
        ("line\u2028separator\x0cfeed\n\nnext\n", ["line\u2028separator\x0cfeed\n\n", "next\n"]),
    ],
)
def test_blocks_cover_the_text_and_keep_together_what_belongs_together(
    text: str, blocks: list[str]
) -> None:
    assert pieces(text) == blocks


def test_a_step_can_be_divided_between_its_parts() -> None:
    text = "1. do this\n\n   ```\n   cmd\n   ```\n\n   then that\n"
    (step,) = markdown_blocks(text)
    assert [text[part.start : part.end] for part in step.parts] == [
        "1. do this\n\n",
        "   ```\n   cmd\n   ```\n\n",
        "   then that\n",
    ]
