"""HTML pages: which part of a page is its content, what it is called, and when it was changed.

Wiki exports (Confluence's above all), generated documentation, and what was written by hand.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import PurePath
from typing import TYPE_CHECKING

from knowledge.documents import Document, Unusable
from knowledge.formats.markdown import markdown_blocks
from knowledge.formats.properties import properties_of

if TYPE_CHECKING:
    from datetime import datetime

    from bs4 import BeautifulSoup, Tag

_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
# What HTML says that these names mean.
_SAME_ENCODING = {"iso-8859-1": "cp1252", "latin-1": "cp1252", "us-ascii": "cp1252"}

_SURROUNDING_TAGS = frozenset(
    {"script", "style", "noscript", "template", "iframe", "svg", "nav", "footer"}
    | {"button", "input", "select", "textarea"}
)
_SURROUNDING_ROLES = frozenset({"navigation", "search", "contentinfo"})
# Classes and ids: tables of contents, trails, permalinks, line numbers, controls.
_SURROUNDING_NAMES = frozenset(
    {"toc", "toc-macro", "tableOfContents", "breadcrumb", "breadcrumbs", "breadcrumb-section"}
    | {"page-metadata", "headerlink", "mw-editsection", "expand-control"}
    | {"linenos", "lineno", "blob-num"}
)
# Where content stands, the surest place first. A page may have several articles: teasers of others.
_WIKI = ".wiki-content, #mw-content-text"
_CONTENT = ("main article", "main", "[role=main]", "article", "#main-content", "#content")
_DATE_NAMES = ["article:modified_time", "dcterms.modified", "last-modified", "date"]


def parse(data: bytes, path: PurePath) -> list[Document]:
    """The one document of a page. Raises Unusable."""
    from knowledge.formats.html_markdown import soup_of

    page = soup_of(_decoded(data))
    dated_utc = _dated_utc(page)
    _drop_surroundings(page)
    title = _title(page)
    return [html_document(_content(page), title, dated_utc)]


def html_document(content: Tag, title: str, dated_utc: datetime | None) -> Document:
    """The document that elements make. Raises Unusable."""
    from knowledge.formats.html_markdown import markdown

    text = markdown(content)
    blocks = markdown_blocks(text)
    if all(block.level or not text[block.start : block.end].strip() for block in blocks):
        raise Unusable("no text in it" + (" but headings" if blocks else ""))
    return Document(text, tuple(blocks), title, dated_utc=dated_utc)


def _decoded(data: bytes) -> str:
    """The page's characters: as its byte order mark says, or else as UTF-8, or as it declares.

    UTF-8 comes before the declaration: bytes that happen to be UTF-8 are, whatever an old template
    says above them.
    """
    from bs4.dammit import EncodingDetector

    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    if b"\0" in data:
        raise Unusable("not a text file (it holds NUL bytes)")
    try:
        return data.decode()
    except UnicodeDecodeError:
        declared = EncodingDetector.find_declared_encoding(data, is_html=True)
    if not declared:
        raise Unusable("neither UTF-8 nor declared to be in another encoding")
    try:
        return data.decode(_SAME_ENCODING.get(declared, declared))
    except (LookupError, UnicodeDecodeError) as error:
        raise Unusable(f"not in the encoding that it declares ({declared})") from error


def _drop_surroundings(page: BeautifulSoup) -> None:
    for tag in page.find_all(_is_surrounding):
        _empty(tag)
    for form in page.find_all("form"):
        # A form around a whole page is what some site builders make.
        if form.find(["h1", "h2", "h3", "pre", "table"]) is None:
            _empty(form)


def _empty(tag: Tag) -> None:
    """Leave nothing of the element but its place: to remove that takes a search in its parent."""
    tag.clear()
    tag.name = "span"
    tag.attrs = {}


def _is_surrounding(tag: Tag) -> bool:
    if tag.name in ("html", "body"):
        return False
    names = [*tag.get_attribute_list("class"), tag.get("id")]
    is_named_so = not _SURROUNDING_NAMES.isdisjoint(names)
    return is_named_so or tag.name in _SURROUNDING_TAGS or tag.get("role") in _SURROUNDING_ROLES


def _content(page: BeautifulSoup) -> Tag:
    """The element that holds the content; the whole page without its edges, when none says so."""
    candidates = page.select(", ".join((_WIKI, *_CONTENT)))
    wiki = next((tag for tag in candidates if tag.css.match(_WIKI)), None)
    if wiki is not None:
        return wiki
    for selector in _CONTENT:
        found = [tag for tag in candidates if tag.css.match(selector)]
        if len(found) == 1 and found[0].get_text(strip=True):
            return found[0]
    for tag in page.find_all(["header", "aside"]):
        _empty(tag)
    return page.body or page


def _title(page: BeautifulSoup) -> str:
    """The only first-level heading's words, or the page's title."""
    headings = page.find_all("h1")
    named = headings[0] if len(headings) == 1 else page.title
    words = " ".join(named.get_text().split()) if named else ""
    if page.select_one(".wiki-content") is not None:
        space, colon, rest = words.partition(" : ")  # Confluence puts the space's name first
        return rest if colon else space
    return words


def _dated_utc(page: BeautifulSoup) -> datetime | None:
    moments = (properties_of({"modified": text}).dated_utc for text in _dates(page))
    return next((moment for moment in moments if moment is not None), None)


def _dates(page: BeautifulSoup) -> Iterator[str]:
    confluence = page.select_one(".page-metadata")
    if confluence is not None:
        # Created by Ada, last modified by Grace on Mar 04, 2024
        yield confluence.get_text(" ", strip=True).rpartition(" on ")[2]
    for attribute in ("property", "name"):
        for meta in page.find_all("meta", attrs={attribute: _DATE_NAMES}):
            yield str(meta.get("content", ""))
