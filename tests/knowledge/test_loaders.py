from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath

import pytest

from knowledge import loaders
from knowledge.documents import Document, Kind, Unusable
from knowledge.files import SUFFIXES, SourceFile
from knowledge.loaders import MAX_BYTES, FileReader, Reading

Write = Callable[[str, str | bytes], Path]


@pytest.fixture
def reader() -> Iterator[FileReader]:
    with FileReader({}) as opened:
        yield opened


def source(path: Path, display: str = "") -> SourceFile:
    return SourceFile(path, display or path.name)


def read(reader: FileReader, file: SourceFile) -> Reading:
    reading = reader.read(file, "")
    assert reading is not None
    return reading


def text_of(reading: Reading) -> str:
    (document,) = reading.documents
    return document.text


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"plain\n", "plain\n"),
        ("naïve 日本\n".encode(), "naïve 日本\n"),
        (b"\xef\xbb\xbfwith a mark\n", "with a mark\n"),
        (b"dos\r\nold mac\runix\n", "dos\nold mac\nunix\n"),
    ],
)
def test_text_is_read_as_utf8(reader: FileReader, write: Write, data: bytes, text: str) -> None:
    assert text_of(read(reader, source(write("x.txt", data)))) == text


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b" \n\t\n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"\x7fELF\0\0\1", r"not a text file \(it holds NUL bytes\); text must be UTF-8"),
        ("utf-16".encode("utf-16"), "not a text file"),
        (b"one\ncaf\xe9\n", r"not UTF-8 \(byte 0xe9 in line 2\); convert it"),
        (b"half \xed\xa0\x80", r"not UTF-8 \(byte 0xed"),
        (b"x" * (MAX_BYTES + 1), "larger than 5 MB"),
    ],
)
def test_unusable_content_is_refused_with_its_reason(
    reader: FileReader, write: Write, data: bytes, reason: str
) -> None:
    with pytest.raises(Unusable, match=f"^{reason}"):
        reader.read(source(write("x.md", data)), "")


def test_a_file_of_the_largest_size_is_read(reader: FileReader, write: Write) -> None:
    file = write("x.txt", b"x" * MAX_BYTES)
    assert len(text_of(read(reader, source(file)))) == MAX_BYTES


@pytest.mark.parametrize(("name", "limit_mb"), [("x.md", 5), ("x.pdf", 50), ("x.docx", 50)])
def test_a_huge_file_is_refused_by_its_format(
    reader: FileReader, write: Write, name: str, limit_mb: int
) -> None:
    file = write(name, "x")
    os.truncate(file, 100_000_000_000)
    with pytest.raises(Unusable, match=f"^larger than {limit_mb} MB$"):
        reader.read(source(file), "")


def test_a_link_to_nothing_cannot_be_read(reader: FileReader, tmp_path: Path) -> None:
    (tmp_path / "x.md").symlink_to(tmp_path / "gone")
    with pytest.raises(Unusable, match="cannot be read: No such file"):
        reader.read(source(tmp_path / "x.md"), "")


def test_a_named_pipe_is_refused_and_not_waited_for(reader: FileReader, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.md")
    with pytest.raises(Unusable, match="not a regular file"):
        reader.read(source(tmp_path / "x.md"), "")


NOTEBOOK = json.dumps(
    {
        "cells": [{"cell_type": "markdown", "metadata": {}, "source": "# Notebook\n\nits text"}],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
)
RULES = """\
groups:
  - name: g
    rules:
      - alert: DiskFull
        expr: free == 0
"""
# A text in each format that only its own parser reads right, and what it then says.
SAMPLES = {
    ".adoc": ("= Title\n\nits text\n", "Title"),
    ".html": ("<h1>Title</h1><p>its text</p>", "Title"),
    ".ipynb": (NOTEBOOK, "Notebook"),
    ".md": ("Title\n=====\n\nits text\n", "Title"),
    ".rst": ("=====\nTitle\n=====\n\nits text\n", "Title"),
}
SAME = {".asciidoc": ".adoc", ".htm": ".html", ".markdown": ".md", ".mdx": ".md"}


@pytest.mark.parametrize("suffix", [*SAMPLES, *SAME, ".HTML", ".Md"])
def test_the_ending_says_which_format_a_file_has(
    reader: FileReader, write: Write, suffix: str
) -> None:
    text, title = SAMPLES[SAME.get(suffix.lower(), suffix.lower())]
    (document,) = read(reader, source(write(f"x{suffix}", text))).documents
    headings = [document.title, *(block.title for block in document.blocks if block.level)]
    assert title in headings
    assert "its text" in document.text


@pytest.mark.parametrize("name", ["README", "x.page"])
def test_what_has_another_ending_is_taken_for_markdown(
    reader: FileReader, write: Write, name: str
) -> None:
    (document,) = read(reader, source(write(name, "# Title\n\ntext\n"))).documents
    assert document.blocks[0].title == "Title"


def test_alert_rules_are_documents_of_their_own(reader: FileReader, write: Write) -> None:
    (document,) = read(reader, source(write("rules.yaml", RULES))).documents
    assert (document.name, document.kind) == ("DiskFull", "alert")


def test_every_ending_that_is_listed_has_a_format() -> None:
    assert loaders._TEXT_FORMATS.keys() | loaders._BINARY_FORMATS.keys() >= SUFFIXES
    for name in {*loaders._TEXT_FORMATS.values(), *loaders._BINARY_FORMATS.values()}:
        assert callable(loaders._format(name).parse)


def test_members_of_archives_are_read_like_files(reader: FileReader, tmp_path: Path) -> None:
    archive = tmp_path / "wiki.zip"
    with zipfile.ZipFile(archive, "w") as writing:
        writing.writestr("sub/a.md", "# Title\n\npage\n")
        writing.writestr("large.md", "x" * (MAX_BYTES + 1))
    page = SourceFile(archive / "sub/a.md", "wiki.zip/sub/a.md", archive)
    assert text_of(read(reader, page)) == "# Title\n\npage\n"
    large = SourceFile(archive / "large.md", "wiki.zip/large.md", archive)
    with pytest.raises(Unusable, match="larger than 5 MB"):
        reader.read(large, "")


def digest(reader: FileReader, path: Path, display: str = "") -> str:
    return read(reader, source(path, display)).digest


def test_what_is_known_is_not_read_again(reader: FileReader, write: Write) -> None:
    file = source(write("x.md", "text\n"))
    known = read(reader, file).digest
    assert reader.read(file, known) is None
    assert reader.read(file, known[::-1]) is not None
    write("x.md", "text!\n")
    assert reader.read(file, known) is not None


def test_the_digest_stands_for_content_name_and_kind_but_not_for_the_folder(
    reader: FileReader, write: Write
) -> None:
    here = digest(reader, write("a/x.md", "text\n"), "a/x.md")
    assert digest(reader, write("b/x.md", "text\n"), "b/x.md") == here
    assert digest(reader, write("a/y.md", "text\n"), "a/y.md") != here
    assert digest(reader, write("a/x.txt", "text\n"), "a/x.txt") != here
    assert digest(reader, write("incidents/x.md", "text\n"), "incidents/x.md") != here


@pytest.mark.parametrize("kind", ["runbook", "incident"])
def test_the_digest_tells_a_kind_that_was_given_from_one_that_was_guessed(
    write: Write, kind: Kind
) -> None:
    file = write("x.md", "---\nkind: incident\n---\ntext\n")
    with FileReader({}) as guessing, FileReader({file: kind}) as given:
        assert digest(guessing, file) != digest(given, file)


@pytest.mark.parametrize(
    ("display", "kinds", "expected"),
    [
        ("docs/x.md", {}, "runbook"),
        ("docs/incidents/x.md", {}, "incident"),
        ("docs/2025-01-02-Outage.md", {}, "incident"),
        ("post-mortems/x.md", {}, "incident"),
        ("docs/x.md", {"": None}, "runbook"),
        ("docs/x.md", {"": "incident"}, "incident"),
        ("docs/incidents/x.md", {"": "runbook"}, "runbook"),
        ("docs/past/x.md", {"": "runbook", "docs/past": "incident"}, "incident"),
        ("docs/past/x.md", {"": "incident", "docs/past": None}, "runbook"),
        ("docs/past-2/x.md", {"": "runbook", "docs/past": "incident"}, "runbook"),
        ("docs/x.md", {"docs/x.md": "incident"}, "incident"),
    ],
)
def test_a_kind_is_given_by_the_nearest_folder_or_else_by_the_path(
    write: Write, tmp_path: Path, display: str, kinds: dict[str, Kind | None], expected: Kind
) -> None:
    file = source(write(display, "text\n"), display)
    with FileReader({tmp_path / name: kind for name, kind in kinds.items()}) as reader:
        reading = read(reader, file)
    assert [document.kind for document in reading.documents] == [expected]
    assert reading.source == ("text\n" if expected == "incident" else "")


def test_alert_rules_are_nothing_but_alerts(write: Write, tmp_path: Path) -> None:
    file = source(write("rules.yml", RULES))
    with (
        FileReader({tmp_path: "incident"}) as reader,
        pytest.raises(Unusable, match="leave --kind out"),
    ):
        reader.read(file, "")


def fail(data: str, path: PurePath) -> list[Document]:
    raise RecursionError("too deep")


def give_halves(data: str, path: PurePath) -> list[Document]:
    return [Document("text \ud800", ())]


@pytest.mark.parametrize(
    ("parse", "reason"),
    [(fail, r"cannot be parsed \(RecursionError: too deep\)"), (give_halves, "its text holds")],
)
def test_a_parser_that_fails_costs_one_file(
    reader: FileReader,
    write: Write,
    monkeypatch: pytest.MonkeyPatch,
    parse: Callable[[str, PurePath], list[Document]],
    reason: str,
) -> None:
    monkeypatch.setattr("knowledge.formats.plain.parse", parse)
    with pytest.raises(Unusable, match=reason):
        reader.read(source(write("x.txt", "text\n")), "")


@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
@pytest.mark.parametrize(
    "data",
    [
        b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\ntrailer << /Root 1 0 R >>",
        b"PK\x03\x04" + b"\x14\0\0\0\x08\0" + b"\xff" * 60,
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
        b"<" * 20_000,
        b"[" * 20_000,
        b"> " * 5_000 + b"x",
        b"- " * 3_000 + b"x",
        b'{"cells": [{"cell_type": 7, "source": {"a": []}}], "nbformat": "x"}',
        b"groups: &a [*a]\n",
        b"groups:\n- name: [1, {2: 3}]\n  rules: 7\n",
        b"---\ntitle: [unclosed\n---\n# x\n",
        "\u2028\u0085\ufeff\x0b\x0c\x1c".encode(),
    ],
    ids=range(12),
)
def test_no_content_makes_more_of_a_file_than_unusable(
    reader: FileReader, write: Write, suffix: str, data: bytes
) -> None:
    said = said_of(reader, source(write(f"x{suffix}", data)))
    assert said
    assert "cannot be parsed" not in said


def said_of(reader: FileReader, file: SourceFile) -> str:
    """The reason why `file` is unusable, or what it says."""
    try:
        return "".join(document.text for document in read(reader, file).documents)
    except Unusable as error:
        return str(error)
