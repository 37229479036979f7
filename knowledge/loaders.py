"""The text of a file, or the reason why it has none.

langchain-community's parsers turn bytes into text. That package is being sunset, so this is the
only module that knows it.
"""

from __future__ import annotations

import stat
import warnings
from dataclasses import dataclass
from pathlib import Path

MAX_BYTES = 5_000_000


class Unusable(Exception):
    """A file that cannot become a document; the message is the reason. Never leaves ingest."""


@dataclass(frozen=True, slots=True)
class Content:
    """A file as it was read, once: its bytes, and their text with `\\n` as line end."""

    data: bytes
    text: str


def load(path: Path) -> Content:
    """The file's content and text. Raises Unusable."""
    content = _read(path)
    if b"\0" in content:
        raise Unusable("not a text file (it holds NUL bytes); text must be UTF-8")
    text = _decode(content).replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise Unusable("empty")
    return Content(content, text)


def _read(path: Path) -> bytes:
    try:
        # Asked before opening: opening a named pipe would wait for its writer.
        if not stat.S_ISREG(path.stat().st_mode):
            raise Unusable("not a regular file")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise Unusable(f"cannot be read: {error.strerror}") from error
    if len(content) > MAX_BYTES:
        raise Unusable(f"larger than {MAX_BYTES // 1_000_000} MB")
    return content


def _decode(content: bytes) -> str:
    with warnings.catch_warnings():
        # The package announces its sunset at import; whoever ingests a runbook cannot act on it.
        warnings.simplefilter("ignore", DeprecationWarning)
        from langchain_community.document_loaders.parsers.txt import TextParser
    from langchain_core.documents.base import Blob

    blob = Blob.from_data(content, encoding="utf-8-sig")
    try:
        return "".join(page.page_content for page in TextParser().lazy_parse(blob))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = content[error.start]
        raise Unusable(f"not UTF-8 (byte 0x{byte:02x} in line {line}); convert it") from error
