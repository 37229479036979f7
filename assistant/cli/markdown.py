"""Answers as a terminal shows them: Rich's Markdown, plainer.

Quotations have no box around them, so that they can be copied; what looks like a tag is text, as in
`restart <service>`; a link shows where it leads. Imported only when there is a terminal.
"""

from __future__ import annotations

from itertools import dropwhile

from markdown_it import MarkdownIt
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import CodeBlock, Markdown
from rich.padding import Padding
from rich.segment import Segment
from rich.text import Text
from rich.theme import Theme

# Rich sets code on a black ground, which a light terminal shows as a bar.
THEME = Theme({"markdown.code": "cyan", "markdown.code_block": "none"})
_INDENT = 2


class AnswerMarkdown(Markdown):
    """`text` for a console that has THEME."""

    def __init__(self, text: str) -> None:
        super().__init__("", hyperlinks=False)
        parser = MarkdownIt("commonmark", {"html": False}).enable("table")
        self.parsed = parser.parse(text)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        # Rich sets a list or a quote apart from what is above it, even when nothing is.
        pieces = super().__rich_console__(console, options)
        return dropwhile(lambda piece: piece == Segment.line(), pieces)


class _Quotation(CodeBlock):
    """A block of code or log lines, indented and wrapped between words."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Padding(Text(str(self.text).rstrip()), (0, 0, 0, _INDENT))


AnswerMarkdown.elements = {
    **Markdown.elements,
    "fence": _Quotation,
    "code_block": _Quotation,
}
