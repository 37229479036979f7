"""Markdown's blocks and front matter; markdown-it and PyYAML do the parsing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from knowledge.blocks import Block, line_starts

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.tree import SyntaxTreeNode

_FRONT_MATTER = re.compile(r"---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*$", re.DOTALL | re.MULTILINE)
_ANCHOR = re.compile(r"\s*\{#[^}]*\}$")
_LISTS = frozenset({"bullet_list", "ordered_list"})
_DIVISIBLE = frozenset({"list_item", "blockquote"})


def split_front_matter(text: str) -> tuple[str, str]:
    """The title that the YAML front matter gives, and the text with the front matter blanked out.

    Blanked out, not cut off: every offset and line number of the text stays as it was. The title
    is empty when there is none.
    """
    match = _FRONT_MATTER.match(text)
    if match is None:
        return "", text
    blank = re.sub(r"[^\n]", " ", match.group())
    return _title(match.group(1)), blank + text[match.end() :]


def _title(front_matter: str) -> str:
    import yaml

    try:
        fields = yaml.safe_load(front_matter)
    except yaml.YAMLError:
        return ""  # the document is as good without its title
    title = fields.get("title") if isinstance(fields, dict) else None
    return str(title).strip() if isinstance(title, str | int | float) else ""


def markdown_blocks(text: str) -> list[Block]:
    """The headings and other top-level blocks of a Markdown text; each list item is one."""
    from markdown_it.tree import SyntaxTreeNode

    root = SyntaxTreeNode(_parser().parse(text))
    return _blocks(root, line_starts(text), 0, len(text))


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table")


def _blocks(parent: SyntaxTreeNode, starts: list[int], start: int, end: int) -> list[Block]:
    """The blocks in `parent`, stretched so that together they cover `start` to `end`."""
    nodes = list(_block_nodes(parent))
    inner = [starts[_lines(node)[0]] for node in nodes[1:]]
    edges = zip([start, *inner], [*inner, end], strict=True) if nodes else ()
    return [_block(node, starts, *edge) for node, edge in zip(nodes, edges, strict=True)]


def _block_nodes(parent: SyntaxTreeNode) -> Iterator[SyntaxTreeNode]:
    for node in parent.children:
        if node.type in _LISTS:
            yield from node.children
        elif node.map is not None and node.type != "inline":
            yield node


def _block(node: SyntaxTreeNode, starts: list[int], start: int, end: int) -> Block:
    if node.type == "heading" and _is_one_line(node):
        return Block(start, end, level=int(node.tag[1]), title=_heading_text(node))
    parts = _blocks(node, starts, start, end) if node.type in _DIVISIBLE else []
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
