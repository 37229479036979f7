"""A file's documents, or the reason why it has none.

The formats are `knowledge.formats`' modules, chosen by the file's ending and imported when the
first such file comes. langchain-community's parser turns bytes into text; that package is being
sunset, and this is the only module that knows it.
"""

from __future__ import annotations

import hashlib
import logging
import stat
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path, PurePath
from types import ModuleType
from typing import Protocol, Self

from knowledge.archives import MemberReader
from knowledge.documents import Document, Kind, NoDocument, Unusable
from knowledge.files import SourceFile

MAX_BYTES = 5_000_000
MAX_BINARY_BYTES = 50_000_000  # a PDF or DOCX is mostly pictures

_TEXT_FORMATS = {
    ".adoc": "asciidoc",
    ".asciidoc": "asciidoc",
    ".ipynb": "notebook",
    ".markdown": "markdown",
    ".md": "markdown",
    ".mdx": "markdown",
    ".rst": "rst",
    ".txt": "plain",
    ".yaml": "alert_rules",
    ".yml": "alert_rules",
}
_BINARY_FORMATS = {
    ".doc": "docx",  # which says what to do with it
    ".docx": "docx",
    ".htm": "html",
    ".html": "html",
    ".pdf": "pdf",
    ".xhtml": "html",
}
# What a file is, by the folder or name that teams give it.
_INCIDENT_WORDS = ("incident", "postmortem", "post-mortem", "post_mortem", "outage")

# Part of every digest: raised when documents must be divided or embedded anew.
_RECIPE = "4 all-minilm-l6-v2"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file said: `digest` stands for all that its documents were made of.

    `source` is the whole text when it is about incidents, else "".
    """

    digest: str
    documents: tuple[Document, ...]
    source: str = ""


class SourceReader(Protocol):
    """Reads sources of one sort (files, logs), on one thread."""

    def read(self, file: SourceFile, known_digest: str) -> Reading | None:
        """The documents of `file`; None when they would be those of `known_digest`.

        Raises Unusable.
        """
        ...


class FileReader:
    """Reads files and members of archives; a context manager.

    `kinds` says of files and folders what all documents there are, whatever they look like; the
    nearest above a document counts. None, or none above it: it is what it says it is, or what its
    path says.
    """

    def __init__(self, kinds: Mapping[Path, Kind | None]) -> None:
        self._kinds = kinds
        self._members = MemberReader()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._members.close()

    def read(self, file: SourceFile, known_digest: str) -> Reading | None:
        """The documents of `file`; None when they would be those of `known_digest`.

        Raises Unusable.
        """
        data, kind = self._data(file), self._kind_of(file.path)
        digest = _digest(data, file, kind)
        if digest == known_digest:
            return None
        if file.path.suffix.lower() in (".yaml", ".yml") and kind is not None:
            raise NoDocument("alert rules are alerts: leave --kind out")
        otherwise = _kind_by_path(file.display)
        documents = tuple(
            replace(one, kind=kind or one.kind or otherwise) for one in _documents(data, file.path)
        )
        is_incident = any(document.kind == "incident" for document in documents)
        source = _source(data, file.path, documents) if is_incident else ""
        return Reading(digest, documents, source)

    def _data(self, file: SourceFile) -> bytes:
        is_binary = file.path.suffix.lower() in _BINARY_FORMATS
        limit = MAX_BINARY_BYTES if is_binary else MAX_BYTES
        if file.archive is not None:
            return self._members.read(file.archive, file.member, limit)
        return _read(file.path, limit)

    def _kind_of(self, path: Path) -> Kind | None:
        nearest = next((one for one in (path, *path.parents) if one in self._kinds), None)
        return None if nearest is None else self._kinds[nearest]


def _read(path: Path, max_bytes: int) -> bytes:
    try:
        # Asked before opening: opening a named pipe would wait for its writer.
        if not stat.S_ISREG(path.stat().st_mode):
            raise Unusable("not a regular file")
        with path.open("rb") as file:
            content = file.read(max_bytes + 1)
    except OSError as error:
        raise Unusable(f"cannot be read: {error.strerror}") from error
    if len(content) > max_bytes:
        raise Unusable(f"larger than {max_bytes // 1_000_000} MB")
    return content


def _digest(data: bytes, file: SourceFile, kind: Kind | None) -> str:
    """What the documents depend on: the content, the name that titles and formats go by, the kind.

    The folder is left out unless it decides the kind, so that a renamed folder changes nothing.
    """
    parts = (_RECIPE, file.path.name, kind or f"auto {_kind_by_path(file.display)}")
    return hashlib.sha256("\0".join(parts).encode() + b"\0" + data).hexdigest()


def _kind_by_path(display: str) -> Kind:
    is_incident = any(word in display.lower() for word in _INCIDENT_WORDS)
    return "incident" if is_incident else "runbook"


def _documents(data: bytes, path: PurePath) -> list[Document]:
    """What `data` says, in characters that can be stored."""
    try:
        documents = _parse(data, path)
        for one in documents:
            "".join((one.text, one.title, one.name, *one.services)).encode()
    except Unusable:
        raise
    except UnicodeEncodeError as error:
        raise Unusable("its text holds halves of characters (surrogates)") from error
    # Parsers meet all that a file can hold, and one file must not stop the others.
    except Exception as error:
        _log.info("cannot parse %s", path, exc_info=error)
        raise Unusable(f"cannot be parsed ({type(error).__name__}: {error})") from error
    return documents


def _parse(data: bytes, path: PurePath) -> list[Document]:
    suffix = path.suffix.lower()
    if suffix in _BINARY_FORMATS:
        parse_data: Callable[[bytes, PurePath], list[Document]]
        parse_data = _format(_BINARY_FORMATS[suffix]).parse
        return parse_data(data, path)
    parse_text: Callable[[str, PurePath], list[Document]]
    # A file that is named itself may have any ending: most such files are Markdown at heart.
    parse_text = _format(_TEXT_FORMATS.get(suffix, "markdown")).parse
    return parse_text(_text(data), path)


def _source(data: bytes, path: PurePath, documents: Sequence[Document]) -> str:
    """The text as it stands in the file; as it was made of the file where that is no text."""
    if path.suffix.lower() in _BINARY_FORMATS:
        return "\n\n".join(document.text for document in documents)
    return _text(data)


def _format(name: str) -> ModuleType:
    return import_module(f"knowledge.formats.{name}")


def _text(data: bytes) -> str:
    if b"\0" in data:
        raise Unusable("not a text file (it holds NUL bytes); text must be UTF-8")
    text = _decode(data).replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise Unusable("empty")
    return text


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
