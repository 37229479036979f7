"""PDF files: pypdf reads the lines of each page, with where and in which letters they are set.

What those lines are (headings, steps, code) is `knowledge.formats.pdf_layout`'s business. Work is
bounded by pypdf's limits, a number of pages and a time.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from io import BytesIO
from math import hypot
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from knowledge.documents import Document, Unusable
from knowledge.formats.markdown import markdown_blocks
from knowledge.formats.pdf_layout import (
    MAX_LEVEL,
    Line,
    Words,
    heading_key,
    largest_words,
    lines_of,
    markdown,
)
from knowledge.formats.properties import properties_of

if TYPE_CHECKING:
    from pypdf import PageObject, PdfReader

_HEADER_BYTES = 1_024  # readers forgive what stands before a file's first line
_MAX_PAGES = 2_000
_TIME_LIMIT_S = 120.0
_MAX_HEADINGS = 2_000
_MIN_CHARS = 10  # less is the number that a scanner stamped
_MAX_UNREADABLE = 0.3  # of the characters; more, and the fonts do not say what their shapes mean
# Below pypdf's own limits, which let a page of a few bytes take minutes and gigabytes.
_LIMITS = {
    "zlib_maximum_output_length": 30_000_000,
    "lzw_maximum_output_length": 30_000_000,
    "run_length_maximum_output_length": 30_000_000,
    "array_based_stream_maximum_output_length": 30_000_000,
    "stream_decoding_work_maximum_length": 60_000_000,
    "stream_parsing_work_maximum_count": 1_000_000,
    "xform_maximum_invocations_per_extraction": 500,
    "outline_maximum_entries": _MAX_HEADINGS,
}
# What pypdf's reading of a broken file ends in, beside its own errors.
_BROKEN = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RuntimeError)
_MONOSPACED = re.compile(
    "mono|nimbusmon|courier|consol|typewriter|cmtt|menlo|monaco|sourcecode|firacode|cascadia",
    re.IGNORECASE,
)
_NO_TITLE = re.compile(
    r"(?:untitled|document\d*|microsoft word - .*"
    r"|.*\.(?:docx?|pdf|odt|tex|pptx?|html?|md|rtf|txt))?$",
    re.IGNORECASE,
)
_LETTERS = str.maketrans(
    {"\xa0": " ", "\0": "", "ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl"}
)


def parse(data: bytes, path: PurePath) -> list[Document]:
    """The one document of a PDF file. Raises Unusable."""
    from pypdf import apply_configuration
    from pypdf.errors import DependencyError, LimitReachedError, PyPdfError

    if b"%PDF-" not in data[:_HEADER_BYTES]:
        raise Unusable("not a PDF file")
    # It warns of every fault that it can mend; the others come as errors.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        with apply_configuration(None, **_LIMITS):
            return [_document(data)]
    except DependencyError as error:
        raise Unusable("encrypted; save a copy that is not") from error
    except LimitReachedError as error:
        raise Unusable("too much in one page to read it safely") from error
    except (PyPdfError, *_BROKEN) as error:
        raise Unusable("a broken PDF file") from error


def _document(data: bytes) -> Document:
    from pypdf import PdfReader

    reader = PdfReader(BytesIO(data))
    if reader.is_encrypted and not reader.decrypt(""):
        raise Unusable("protected by a password")
    pages = _pages(reader)
    text = markdown(pages, _outline(reader))
    _check(text)
    title, dated_utc = _properties(reader)
    blocks = tuple(markdown_blocks(text))
    return Document(text, blocks, title or largest_words(pages), dated_utc=dated_utc)


def _pages(reader: PdfReader) -> list[list[Line]]:
    if len(reader.pages) > _MAX_PAGES:
        raise Unusable(f"more than {_MAX_PAGES:,} pages; divide it")
    deadline_s = time.monotonic() + _TIME_LIMIT_S
    return [lines_of(_words(page, deadline_s)) for page in reader.pages]


def _words(page: PageObject, deadline_s: float) -> list[Words]:
    """What stands on a page, in the order in which it was written there."""
    found: list[Words] = []

    def visit(text: str, cm: Sequence[float], tm: Sequence[float], font: Any, size: float) -> None:
        if time.monotonic() > deadline_s:
            raise Unusable(f"not read within {_TIME_LIMIT_S:.0f} s; divide it")
        end = "\n" if "\n" in text else " "
        if text.strip():
            if not _is_slanted(cm, tm):
                found.append(_placed(text, cm, tm, font, size))
        elif text and found and not found[-1].text.endswith((end, "\n")):
            found[-1] = found[-1].followed_by(end)

    page.extract_text(visitor_text=visit)
    return found


def _is_slanted(cm: Sequence[float], tm: Sequence[float]) -> bool:
    """Whether words run up or down the page, as a watermark does or a note at the edge."""
    across, up = tm[0] * cm[0] + tm[1] * cm[2], tm[0] * cm[1] + tm[1] * cm[3]
    return abs(up) > 0.1 * abs(across)


def _placed(text: str, cm: Sequence[float], tm: Sequence[float], font: Any, size: float) -> Words:
    """The words with their place on the page: `tm` within `cm`, PDF's matrices of six numbers."""
    scale = hypot(tm[2] * cm[0] + tm[3] * cm[2], tm[2] * cm[1] + tm[3] * cm[3])
    name = str((font or {}).get("/BaseFont", ""))
    return Words(
        text.translate(_LETTERS),
        x=tm[4] * cm[0] + tm[5] * cm[2] + cm[4],
        y=tm[4] * cm[1] + tm[5] * cm[3] + cm[5],
        size=round(2 * abs(size * scale)) / 2,
        is_mono=bool(_MONOSPACED.search(name)),
    )


def _check(text: str) -> None:
    characters = "".join(text.split())
    n_unreadable = sum(not char.isprintable() or char == "\ufffd" for char in characters)
    if len(characters) < _MIN_CHARS:
        raise Unusable("no text in it (a scan?)")
    if n_unreadable > _MAX_UNREADABLE * len(characters):
        raise Unusable("its fonts do not say which characters they show")


def _outline(reader: PdfReader) -> dict[tuple[int, str], int]:
    """The level of each heading that the outline names; empty where it is missing or broken."""
    from pypdf.errors import PyPdfError

    try:
        return dict(_outline_entries(reader, reader.outline, 1))
    except (PyPdfError, *_BROKEN):
        return {}  # the document is as good: sizes tell its headings


def _outline_entries(
    reader: PdfReader, entries: Iterable[Any], level: int
) -> Iterator[tuple[tuple[int, str], int]]:
    for entry in entries:
        if isinstance(entry, list):
            yield from _outline_entries(reader, entry, level + 1)
        else:
            page = reader.get_destination_page_number(entry)
            if page is not None:
                yield (page, heading_key(str(entry.title))), min(level, MAX_LEVEL)


def _properties(reader: PdfReader) -> tuple[str, datetime | None]:
    """The title and the time of the last change that the file gives, as far as it can be read."""
    from pypdf.errors import PyPdfError

    try:
        given = reader.metadata
        title, modified = (given.title, given.modification_date) if given else (None, None)
    except (PyPdfError, *_BROKEN):
        return "", None
    words = " ".join(str(title or "").split())
    # A program puts in its own name, or the file's.
    named = "" if _NO_TITLE.match(words) else words
    return named, properties_of({"modified": modified}).dated_utc
