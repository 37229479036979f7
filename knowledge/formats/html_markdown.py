"""HTML elements as Markdown: what both web pages and DOCX files become before they have blocks.

markdownify converts. Before it, elements are put into the form that Markdown can say: code without
the markup of its colours, definitions as lists, tables either of plain cells or taken apart. Which
elements of a page are worth it is `knowledge.formats.html`'s business.

Import it inside functions: it brings Beautiful Soup.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import indent

from bs4 import BeautifulSoup
from bs4.element import NavigableString, PreformattedString, Tag
from markdownify import MarkdownConverter

from knowledge.documents import Unusable

_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_LANGUAGE = re.compile(r"(?:language-|lang-|highlight-source-|highlight-|brush:\s*)([\w+#-]+)")
_NO_LANGUAGE = frozenset({"text", "plain", "plaintext", "none", "default", "notranslate"})
_QUOTED = frozenset(
    {"admonition", "admonitionblock", "theme-admonition", "confluence-information-macro"}
    | {"markdown-alert", "starlight-aside", "alert", "callout", "note", "tip", "important"}
    | {"caution", "warning", "danger"}
)
_PERMALINKS = frozenset({"", "#", "¶", "§", "🔗"})
_FILE_NAME = re.compile(r"\S+\.(?:png|jpe?g|gif|svg|webp)$", re.IGNORECASE)
_NO_BREAK_SPACE = re.compile("\xa0|&nbsp;|&#160;|&#xa0;", re.IGNORECASE)
_INVISIBLE = re.compile(
    "[\xad\u200b\ufeff]|&(?:shy|#173|#xad|ZeroWidthSpace|#8203|#x200b|#65279|#xfeff);",
    re.IGNORECASE,
)
# What begins a heading, an underline or a fence in Markdown, and is none here. A paragraph that
# begins like a list item is left to become one: its author numbered the steps by hand.
_BLOCK_MARK = re.compile(r"\s*(?=#{1,6}(?:\s|$)|[-=]{2,}\s*$|```|~~~)")
_INLINE_MARK = re.compile(r"([\\`*<\[])")

_MAX_DEPTH = 200  # elements within each other; a third of what Python's stack holds
# So that a few bytes cannot ask for gigabytes: cells may take so many places each, on average, and
# what is said in each row of a cell is short.
_MAX_SPREAD = 10
_MAX_REPEATED_CHARS = 100


def markdown(root: Tag) -> str:
    """The Markdown of an element, which is changed on the way."""
    _simplify(root)
    return _Converter().convert_soup(root).strip("\n") + "\n"


def soup_of(html: str) -> BeautifulSoup:
    """The elements of `html`, without the characters that nobody sees. Raises Unusable."""
    # An XHTML page is read as HTML: Beautiful Soup would warn of its first line.
    html = re.sub(r"^\s*<\?xml[^>]*>", "", html)
    if "<" not in html:
        raise Unusable("no HTML in it")
    html = _NO_BREAK_SPACE.sub(" ", _INVISIBLE.sub("", html))
    soup = BeautifulSoup(html, "lxml")
    _check_depth(soup)
    return soup


def _check_depth(soup: BeautifulSoup) -> None:
    level: list[Tag] = [soup]
    for _ in range(_MAX_DEPTH):
        level = [child for tag in level for child in tag.children if isinstance(child, Tag)]
    if level:
        raise Unusable("its elements are nested too deeply")


def _simplify(root: Tag) -> None:
    for tag in root.find_all(["div", "aside", "section"]):
        if not _QUOTED.isdisjoint(tag.get_attribute_list("class")):
            tag.name = "blockquote"
    _simplify_words(root)
    _simplify_code(root)
    _take_tables_apart(root)


def _simplify_words(root: Tag) -> None:
    """Keep of pictures what they say, and of links those that lead somewhere from anywhere."""
    for image in root.find_all("img"):
        alternative = str(image.get("alt") or "")
        image.name = "span"
        image.string = "" if _FILE_NAME.match(alternative) else alternative
    for link in root.find_all("a"):
        if not re.match("https?://", str(link.get("href") or "")):
            del link["href"]
    for heading in root.find_all(_HEADINGS):
        for link in heading.find_all("a"):
            link.attrs = {}
            if link.get_text().strip() in _PERMALINKS:
                link.clear()
        if not heading.get_text().strip():
            heading.name = "span"


def _simplify_code(root: Tag) -> None:
    for code in root.find_all(["code", "tt"]):
        # Lines of code without <pre>; what is alone between other words stays among them.
        code.name = "pre" if code.br is not None and code.find_parent("pre") is None else "code"
    for pre in root.find_all("pre"):
        language = _language(pre)
        for line_break in pre.find_all("br"):
            line_break.append("\n")
        for line in pre.find_all(["div", "p", "li", "tr"]):
            if not line.get_text().endswith("\n"):
                line.append("\n")
        pre.string = pre.get_text().strip("\n")
        pre.attrs = {"lang": language}
        if pre.find_parent(["td", "th"]) is not None and "\n" not in pre.get_text():
            pre.name = "code"


def _language(pre: Tag) -> str:
    """The language that the element, the code in it or the elements around it are marked with."""
    code = pre.find("code")
    marked = [pre, *([code] if code else []), *list(pre.parents)[:2]]
    for tag in marked:
        classes = " ".join(map(str, tag.get_attribute_list("class")))
        match = _LANGUAGE.search(f"{classes} {tag.get('data-syntaxhighlighter-params')}")
        if match:
            return "" if match[1] in _NO_LANGUAGE else match[1]
    return ""


def _take_tables_apart(root: Tag) -> None:
    """Make tables that are none to ordinary elements, with all in them that is not a table's."""
    layout = {id(table) for table in root.find_all("table") if _is_layout(table)}
    parts = root.find_all(["table", "thead", "tbody", "tfoot", "tr", "td", "th", "caption"])
    tables = [part if part.name == "table" else part.find_parent("table") for part in parts]
    for part, table in zip(parts, tables, strict=True):
        if id(table) in layout:
            part.name = "div"


def _is_layout(table: Tag) -> bool:
    """Whether the table only places things, or holds what no Markdown table can."""
    if table.find([*_HEADINGS, "pre", "table", "blockquote"]) is not None:
        return True
    rows = table.find_all("tr")
    is_single_row = len(rows) == 1 and table.find("th") is None
    return is_single_row or all(_n_cells(row) <= 1 for row in rows)


def _n_cells(row: Tag) -> int:
    return sum(isinstance(child, Tag) and child.name in ("td", "th") for child in row.children)


@dataclass(frozen=True, slots=True)
class _Cell:
    text: str
    n_rows: int
    n_columns: int


class _Converter(MarkdownConverter):
    """markdownify, but for code, tables and text that Markdown would mistake for markup."""

    def __init__(self) -> None:
        # `wrap` makes white space of the line ends within a paragraph; no width, no other ones.
        super().__init__(heading_style="atx", bullets="-", wrap=True, wrap_width=None)
        self._cells: dict[int, list[_Cell]] = {}  # of each row
        self._numbers: dict[int, int] = {}  # of the next item of each numbered list

    def process_text(self, el: NavigableString, parent_tags: set[str]) -> str:
        is_text = not isinstance(el, PreformattedString)  # but a comment or an instruction
        # Its stub lacks the method.
        return super().process_text(el, parent_tags) if is_text else ""  # type: ignore[misc]

    def escape(self, text: str, parent_tags: set[str]) -> str:
        if not parent_tags.isdisjoint(_HEADINGS):
            return _INLINE_MARK.sub(r"\\\1", text)
        match = _BLOCK_MARK.match(text)
        return f"{match[0]}\\{text[match.end() :]}" if match else text

    def convert_pre(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        longest = max((len(run) for run in re.findall("`+", text)), default=0)
        fence = "`" * max(3, longest + 1)
        return f"\n\n{fence}{el.get('lang', '')}\n{text}\n{fence}\n\n" if text.strip() else ""

    def convert_li(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """As in markdownify, whose search for the number takes minutes in a list of thousands."""
        mark = self._list_mark(el.parent)
        lines = indent(text.strip(), " " * len(mark))
        return f"{mark}{lines[len(mark) :]}\n" if lines else "\n"

    def _list_mark(self, parent: Tag | None) -> str:
        if parent is None or parent.name != "ol":
            return "- "
        number = self._numbers.get(id(parent), _number(parent, "start"))
        self._numbers[id(parent)] = number + 1
        return f"{number}. "

    def convert_dt(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """A term becomes a list item, so that what it means stays with it."""
        return f"\n- {' '.join(text.split())}\n"

    def convert_dd(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return f"\n{indent(text.strip(), '  ')}\n"

    def convert_td(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        words = " ".join(text.split()).replace("|", "\\|")
        self._cells.setdefault(id(el.parent), []).append(
            _Cell(words, _number(el, "rowspan"), _number(el, "colspan"))
        )
        return f"{text} "

    convert_th = convert_td

    def convert_tr(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return f"{text.strip()}\n"

    def convert_table(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """The first row is the header, as Markdown has no table without one."""
        rows = _grid([self._cells.get(id(row), []) for row in el.find_all("tr")])
        rows = [row for row in rows if any(row)]
        if not rows:
            return ""
        n_columns = max(map(len, rows))
        rows[0] += [""] * (n_columns - len(rows[0]))
        lines = [f"| {' | '.join(row)} |\n" for row in rows]
        lines.insert(1, "| --- " * n_columns + "|\n")
        caption = el.find("caption")
        above = caption.get_text(" ", strip=True) if caption else ""
        return f"\n\n{above}\n\n{''.join(lines)}\n"


def _grid(rows: Sequence[Sequence[_Cell]]) -> list[list[str]]:
    """The cells' texts, row by row, a cell over several rows or columns in each of its rows."""
    cells = [cell for row in rows for cell in row]
    has_spans = sum(cell.n_rows * cell.n_columns for cell in cells) <= _MAX_SPREAD * len(cells)
    hanging: dict[tuple[int, int], str] = {}  # what cells of rows above say at (row, column)
    grid = []
    for number, row in enumerate(rows):
        line: list[str] = []
        for cell in row:
            line += _hung(hanging, number, len(line))
            if has_spans:
                last = min(number + cell.n_rows, len(rows))
                hanging |= _places(cell, range(number + 1, last), len(line))
            line += [cell.text, *[""] * (cell.n_columns - 1 if has_spans else 0)]
        grid.append([*line, *_hung(hanging, number, len(line))])
    return grid


def _places(cell: _Cell, rows: range, column: int) -> dict[tuple[int, int], str]:
    text = cell.text if len(cell.text) <= _MAX_REPEATED_CHARS else ""
    columns = range(column, column + cell.n_columns)
    return {(row, at): text if at == column else "" for row in rows for at in columns}


def _hung(hanging: dict[tuple[int, int], str], row: int, column: int) -> Iterator[str]:
    while (row, column) in hanging:
        yield hanging[row, column]
        column += 1


def _number(tag: Tag, name: str) -> int:
    """What an attribute says: a number of items, rows or columns, 1 where it says nothing."""
    digits = str(tag.get(name))
    return max(1, int(digits)) if digits.isdecimal() and len(digits) < 6 else 1
