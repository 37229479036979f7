"""What documentation sites add to Markdown, and Markdown itself does not know.

Comments, the tags and imports of MDX components, Hugo's shortcodes: directions to a site generator,
which say nothing to a reader. They are blanked out, never cut off, so that every offset stays as it
was; the text within them remains, and code is left as it is. Admonitions become one block.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from knowledge.blocks import Block
from knowledge.formats.groups import grouped

_BRACES = r"\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*+\})*+\})*+\}"
_DIRECTION = re.compile(
    rf"""
      ^[ \t>]*(?:(?:[-*+]|\d{{1,9}}[.)])[ \t]+)*(?P<fence>`{{3,}}(?=[^`\n]*$)|~{{3,}})
    | (?P<code>`+)
    | (?P<comment><!--|\{{/\*)
    | (?P<shortcode>\{{\{{[<%](?![ ]*(?:rel)?ref[ ]))  # those two are the targets of links
    | (?P<tag></?(?P<name>[A-Z][\w.]*+)(?:[^<>{{}}"'`]|"[^"\n]*+"|'[^'\n]*+'|{_BRACES})*+>)
    | (?P<module>
        ^import[ ](?:[\w*{{}},$\s]{{1,500}}?[ ]from[ ])?['"][^'"\n]+['"];?[ \t]*$
      | ^export[ ](?:const|let|var|function|default|class|async)\b(?:.|\n(?![ \t]*\n))*+
      )
    """,
    re.MULTILINE | re.VERBOSE,
)
_SIGNS_OF_A_DIRECTION = ("<!--", "{/*", "{{<", "{{%", "</", "/>", "import ", "export ")
_MODULE_LINE = re.compile(r"^(?:import|export) .*['\"{(=]", re.MULTILINE)
_CLOSING_TAG = re.compile(r"</([A-Z][\w.]*+)")
_HIGHLIGHT = re.compile(
    r"(?<![^\n])\{\{[<%] *highlight +([\w+#-]+)[^\n]*[>%]\}\}[ \t]*\n"
    r"((?:.*\n){0,500}?)[ \t]*\{\{[<%] */ *highlight *[>%]\}\}(?![^\n])"
)
_MAX_CHARS = 1_000  # of a shortcode or a span of code: what is longer was never closed
_NOT_LINE_END = re.compile(r"[^\n]")

_OPENING_COLONS = re.compile(r"^ {0,3}:{3,}[ \t]*\[?\w", re.MULTILINE)
_CLOSING_COLONS = re.compile(r"^ {0,3}:{3,}[ \t]*$", re.MULTILINE)
_FENCE = re.compile(r"\s*(?:```|~~~)")
_ADMONITION_HEAD = re.compile(r"\s*(?:!!!|\?\?\?\+?|===)[ \t]+[\"\w]")
_INDENTED = re.compile(r"(?:[ \t]*\n)*+(?: {4}|\t)")


def blanked(text: str) -> str:
    """The text with each direction replaced by as many spaces; its line ends stay."""
    if not any(sign in text for sign in _SIGNS_OF_A_DIRECTION):
        return text
    return "".join(_pieces(text))


@dataclass(frozen=True, slots=True)
class _Components:
    """Which tags of a text are components: not placeholders (`<NAMESPACE>`), nor code."""

    closed: frozenset[str]  # the names that have a closing tag, which placeholders have not
    is_mdx: bool  # whether indented lines are MDX, which knows no indented code

    def has(self, tag: re.Match[str]) -> bool:
        line = tag.string.rfind("\n", 0, tag.start()) + 1
        if not self.is_mdx and tag.string.startswith(("    ", "\t"), line):
            return False
        return tag.group().endswith("/>") or tag.group("name") in self.closed


def _pieces(text: str) -> Iterator[str]:
    components = _Components(
        frozenset(_CLOSING_TAG.findall(text)), is_mdx=_MODULE_LINE.search(text) is not None
    )
    position = 0
    while (found := _DIRECTION.search(text, position)) is not None:
        yield text[position : found.start()]
        piece = _in_place_of(found, components)
        yield piece
        position = found.start() + len(piece)
    yield text[position:]


def _in_place_of(found: re.Match[str], components: _Components) -> str:
    """What stands at the place of a direction or a piece of code: blanks, or what was there."""
    match found.lastgroup:
        case "fence":
            return _fenced(found)
        case "code":
            return _code_span(found) or found.group()
        case "comment":
            return _comment(found)
        case "shortcode":
            return _shortcode(found)
        case "tag" if not components.has(found):
            return found.group()
        case _:
            return _blank(found.group())


def _fenced(found: re.Match[str]) -> str:
    mark = found.group("fence")
    end = re.compile(rf"^[ \t>]*{mark}{mark[0]}*[ \t]*$", re.MULTILINE)
    closing = end.search(found.string, found.end())
    return found.string[found.start() : closing.end() if closing else None]


def _code_span(found: re.Match[str]) -> str:
    """From the match to where the span ends; "" when it does not end in this paragraph."""
    end = re.compile(rf"(?<!`){found.group()}(?!`)")
    closing = end.search(found.string, found.end(), found.end() + _MAX_CHARS)
    span = found.string[found.start() : closing.end()] if closing else ""
    return "" if "\n\n" in span else span


def _comment(found: re.Match[str]) -> str:
    """Blanks. A comment that is never closed is kept, with all that follows."""
    end = "-->" if found.group() == "<!--" else "*/}"
    at = found.string.find(end, found.end())
    if at < 0:
        return found.string[found.start() :]
    return _blank(found.string[found.start() : at + len(end)])


def _shortcode(found: re.Match[str]) -> str:
    """Blanks, and a fence in place of the one shortcode that says the same."""
    code = _HIGHLIGHT.match(found.string, found.start())
    if code is not None:
        language, lines = code.groups()
        opening = code.start(2) - code.start() - 1
        closing = code.end() - code.end(2)
        return f"{'```' + language:{opening}}\n{lines}{'```':{closing}}"
    end = ">}}" if found.group().endswith("<") else "%}}"
    at = found.string.find(end, found.end(), found.end() + _MAX_CHARS)
    return found.group() if at < 0 else _blank(found.string[found.start() : at + len(end)])


def _blank(text: str) -> str:
    return _NOT_LINE_END.sub(" ", text)


def admonitions_together(text: str, blocks: Sequence[Block]) -> list[Block]:
    """`blocks` with each admonition as one: `:::note` to `:::`, or `!!! note` and what it indents.

    One that holds headings, or is never closed, is left in pieces.
    """
    enclosed = grouped(blocks, _enclosed(text, blocks))
    return grouped(enclosed, _with_indented(text, enclosed))


def _enclosed(text: str, blocks: Iterable[Block]) -> Iterator[tuple[int, int]]:
    first: int | None = None
    depth = 0
    for index, block in enumerate(blocks):
        if block.level:
            first, depth = None, 0
        elif not _FENCE.match(text, block.start, block.end):
            opened = len(_OPENING_COLONS.findall(text, block.start, block.end))
            closed = len(_CLOSING_COLONS.findall(text, block.start, block.end))
            depth = max(0, depth + opened - closed)
            if depth and first is None:
                first = index
            elif not depth and first is not None:
                yield first, index
                first = None


def _with_indented(text: str, blocks: Sequence[Block]) -> Iterator[tuple[int, int]]:
    index = 0
    while index < len(blocks):
        last = index
        if _begins_with(_ADMONITION_HEAD, text, blocks[index]):
            while last + 1 < len(blocks) and _begins_with(_INDENTED, text, blocks[last + 1]):
                last += 1
            yield index, last
        index = last + 1


def _begins_with(pattern: re.Pattern[str], text: str, block: Block) -> bool:
    return not block.level and pattern.match(text, block.start, block.end) is not None
