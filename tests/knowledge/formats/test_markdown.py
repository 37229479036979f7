from __future__ import annotations

from datetime import UTC, datetime
from pathlib import PurePath

import pytest

from knowledge.blocks import Block
from knowledge.documents import Document
from knowledge.formats.markdown import markdown_blocks, parse


def pieces(text: str) -> list[str]:
    return [text[block.start : block.end] for block in markdown_blocks(text)]


def headings(text: str) -> list[tuple[int, str]]:
    return [(block.level, block.title) for block in markdown_blocks(text) if block.level]


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
        ("a\n1. b\n2. c\n\nd\n", ["a\n", "1. b\n2. c\n\n", "d\n"]),
        ("| a |\n|---|\n| 1 |\n\nafter\n", ["| a |\n|---|\n| 1 |\n\n", "after\n"]),
        ("[only]: http://x\n", ["[only]: http://x\n"]),
        ("text\n\n[ref]: http://x\n", ["text\n\n[ref]: http://x\n"]),
        ("\n\n> quote\n> more\n", ["\n\n> quote\n> more\n"]),
        ("line\u2028separator\x0cfeed\n\nnext\n", ["line\u2028separator\x0cfeed\n\n", "next\n"]),
    ],
)
def test_blocks_cover_the_text_and_keep_together_what_belongs_together(
    text: str, blocks: list[str]
) -> None:
    assert pieces(text) == blocks


def texts(text: str, blocks: tuple[Block, ...]) -> list[str]:
    return [text[block.start : block.end] for block in blocks]


def test_numbered_steps_are_one_block_that_can_be_divided_between_them() -> None:
    text = "1. a\n   ```\n   x\n\n   y\n   ```\n2. b\n\n```\nnot indented\n```\n\n3. c\n"
    (steps,) = markdown_blocks(text)
    assert texts(text, steps.parts) == [
        "1. a\n   ```\n   x\n\n   y\n   ```\n",
        "2. b\n\n",
        "```\nnot indented\n```\n\n",
        "3. c\n",
    ]


def test_steps_within_an_item_are_one_block_too() -> None:
    text = "- a\n  1. b\n  2. c\n"
    (item,) = markdown_blocks(text)
    assert texts(text, item.parts) == ["- a\n", "  1. b\n  2. c\n"]
    assert texts(text, item.parts[1].parts) == ["  1. b\n", "  2. c\n"]


def test_a_step_can_be_divided_between_its_parts() -> None:
    text = "1. do this\n\n   ```\n   cmd\n   ```\n\n   then that\n"
    (step,) = markdown_blocks(text)
    assert texts(text, step.parts) == [
        "1. do this\n\n",
        "   ```\n   cmd\n   ```\n\n",
        "   then that\n",
    ]


def parsed(text: str, name: str = "x.md") -> Document:
    (document,) = parse(text, PurePath("docs") / name)
    assert len(document.text) == len(text)
    return document


def test_front_matter_says_what_the_document_is() -> None:
    document = parsed(
        "---\ntitle: Redis down\ntype: postmortem\nservices: [redis, checkout]\n"
        "date: 2024-03-05\nlast_update:\n  date: 2024-04-01\n---\n\n# Redis down\n\ntext\n"
    )
    assert document.title == "Redis down"
    assert document.kind == "incident"
    assert document.services == ("redis", "checkout")
    assert document.dated_utc == datetime(2024, 3, 5, tzinfo=UTC)
    assert document.text.strip() == "# Redis down\n\ntext"


def test_a_document_without_front_matter_says_nothing() -> None:
    text = "# A\n\nNote: restart it.\n"
    assert parsed(text) == Document(text, tuple(markdown_blocks(text)))


MDX = """\
---
title: Queues
last_update: {date: 2024-05-01}
---
import Tabs from '@theme/Tabs';
import TabItem from '@theme/TabItem';

# Queues {/* #queues */}

<Tabs>
<TabItem value="a" label="Linux">

1. Drain it:

   ```sh
   # <TabItem> is kept in code
   drain
   ```

2. Wait.

</TabItem>
</Tabs>

:::danger Production

Ask first.

:::
"""


def test_a_page_of_docusaurus() -> None:
    document = parsed(MDX, "queues.mdx")
    assert document.dated_utc == datetime(2024, 5, 1, tzinfo=UTC)
    heading, steps, warning = document.blocks
    assert (heading.level, heading.title) == (1, "Queues")
    assert (
        document.text[steps.start : steps.end].split()
        == MDX[MDX.index("1. Drain") : MDX.index("</TabItem>\n</Tabs>")].split()
    )
    assert len(steps.parts) == 2
    assert document.text[warning.start : warning.end].startswith(":::danger Production\n\nAsk")


NOTION = """\
# Checkout is slow: what to do?

Owner: Ana
Service: checkout (../Services/checkout%20aa.md), redis
Status: Done
Created: March 5, 2024 10:31 AM
Type: Runbook

Look at the [dashboard](Dash%200123456789abcdef0123456789abcdef.md).
"""
NOTION_NAME = "Checkout is slow what to do 0123456789abcdef0123456789abcdef.md"


def test_a_page_exported_from_notion() -> None:
    document = parsed(NOTION, NOTION_NAME)
    assert document.title == ""  # the heading says it better than the file's name
    assert document.services == ("checkout", "redis")
    assert document.kind == "runbook"
    assert document.dated_utc == datetime(2024, 3, 5, 10, 31, tzinfo=UTC)
    assert document.text == NOTION


@pytest.mark.parametrize(
    ("name", "title"),
    [
        (NOTION_NAME, "Checkout is slow what to do"),
        ("0123456789abcdef0123456789abcdef.md", ""),
        ("Disk full 0123456789ABCDEF.md", ""),
        ("Disk full.md", ""),
    ],
)
def test_an_exported_page_without_heading_is_named_by_its_file(name: str, title: str) -> None:
    assert parsed("text\n", name).title == title


@pytest.mark.parametrize(
    ("lines", "services"),
    [
        ("Service: checkout", ("checkout",)),
        ("**Service:** checkout  \n**Date**: 2024-03-05", ("checkout",)),
        ("Service: checkout\nand a second line of prose", ()),
        ("## Next\n\nService: checkout", ()),
        ("- Service: checkout", ()),
    ],
)
def test_lines_of_properties_stand_alone_below_the_title(
    lines: str, services: tuple[str, ...]
) -> None:
    assert parsed(f"# A\n\n{lines}\n").services == services


def test_front_matter_counts_before_page_properties() -> None:
    assert parsed("---\nservice: a\n---\n# A\n\nService: b\n").services == ("a",)


@pytest.mark.parametrize(
    "text", ["- # A\n- b\n", "> # A\n>\n> b\n", "1. ## A\n   b\n", "> - # A\n", "| # A |\n|---|\n"]
)
def test_headings_within_other_blocks_are_part_of_them(text: str) -> None:
    document = parsed(text)
    assert {block.level for block in document.blocks} == {0}
    assert "".join(texts(text, document.blocks)) == text
