"""Markdown's blocks, and what its front matter and page properties say; markdown-it parses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import PurePath
from typing import TYPE_CHECKING

from knowledge.blocks import Block, line_starts
from knowledge.documents import Document
from knowledge.formats.front_matter import split_front_matter
from knowledge.formats.groups import steps_together
from knowledge.formats.properties import properties_of
from knowledge.formats.site_markup import admonitions_together, blanked

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.tree import SyntaxTreeNode

_ANCHOR = re.compile(r"\s*\{#[^}]*\}$")
_LISTS = frozenset({"bullet_list", "ordered_list"})
_DIVISIBLE = frozenset({"list_item", "blockquote"})
_EXPORTED_NAME = re.compile(r"(.*\S)[ -][0-9a-f]{32}")  # as Notion names the pages of an export
_PROPERTY = re.compile(r"\**([^\W\d_][\w /-]{0,40}?)\**:\**[ \t]+(\S.*)")


def parse(text: str, path: PurePath) -> list[Document]:
    """The one document of a Markdown file, of whatever site generator or wiki."""
    fields, body = split_front_matter(text)
    body = blanked(body)
    blocks = markdown_blocks(body)
    own = properties_of(fields, _page_properties(body, blocks))
    return [
        Document(
            body,
            tuple(blocks),
            title=own.title or _title_from_name(path, blocks),
            kind=own.kind,
            services=own.services,
            dated_utc=own.dated_utc,
        )
    ]


def _title_from_name(path: PurePath, blocks: Sequence[Block]) -> str:
    """The title that a page exported from Notion has in its file name, when no heading says it."""
    name = _EXPORTED_NAME.fullmatch(path.stem)
    has_heading = bool(blocks) and blocks[0].level == 1
    return name.group(1) if name and not has_heading else ""


def _page_properties(text: str, blocks: Sequence[Block]) -> dict[str, object]:
    """`Name: value` lines, when they alone stand below the first heading."""
    if len(blocks) < 2 or blocks[0].level != 1 or blocks[1].level:
        return {}
    lines = text[blocks[1].start : blocks[1].end].strip().split("\n")
    matches = [match for line in lines if (match := _PROPERTY.fullmatch(line))]
    if len(matches) < len(lines):
        return {}
    return {match.group(1): match.group(2).strip("* \t") for match in matches}


def markdown_blocks(text: str) -> list[Block]:
    """The headings and other top-level blocks of a Markdown text.

    Each list item is one, except numbered steps, which are parts of one block.
    """
    from markdown_it.tree import SyntaxTreeNode

    # The parser takes a lone carriage return for the end of a line, and we do not.
    root = SyntaxTreeNode(_parser().parse(text.replace("\r", " ")))
    blocks = _blocks(root, text, line_starts(text), 0, len(text))
    is_definitions_only = not blocks and bool(text.strip())  # of links, which the parser takes out
    return [Block(0, len(text))] if is_definitions_only else blocks


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table")


def _blocks(
    parent: SyntaxTreeNode, text: str, starts: list[int], start: int, end: int
) -> list[Block]:
    """The blocks in `parent`, stretched so that together they cover `start` to `end`."""
    nodes = list(_block_nodes(parent))
    inner = [starts[_lines(node)[0]] for node in nodes[1:]]
    edges = zip([start, *inner], [*inner, end], strict=True) if nodes else ()
    blocks = [_block(node, text, starts, *edge) for node, edge in zip(nodes, edges, strict=True)]
    return steps_together(text, admonitions_together(text, blocks))


def _block_nodes(parent: SyntaxTreeNode) -> Iterator[SyntaxTreeNode]:
    for node in parent.children:
        if node.type in _LISTS:
            yield from node.children
        elif node.map is not None and node.type != "inline":
            yield node


def _block(node: SyntaxTreeNode, text: str, starts: list[int], start: int, end: int) -> Block:
    if node.type == "heading" and _is_one_line(node):
        return Block(start, end, level=int(node.tag[1]), title=_heading_text(node))
    parts = _blocks(node, text, starts, start, end) if node.type in _DIVISIBLE else []
    return Block(start, end, parts=tuple(parts))


def _is_one_line(heading: SyntaxTreeNode) -> bool:
    """False for a whole paragraph underlined with `---`: its author meant a rule below it."""
    first, last = _lines(heading)
    return last - first - (heading.markup in ("-", "=")) == 1


def _lines(node: SyntaxTreeNode) -> tuple[int, int]:
    assert node.map is not None, "block nodes know their lines"
    return node.map


def _heading_text(heading: SyntaxTreeNode) -> str:
    """The heading's words without links, emphasis, tags and anchors."""
    words = [node.content for node in heading.walk() if node.type in ("text", "code_inline")]
    return _ANCHOR.sub("", "".join(words).strip())
