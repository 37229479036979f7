from __future__ import annotations

import logging
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime
from io import BytesIO
from pathlib import PurePath

import pytest
from pypdf import PdfReader, PdfWriter

from knowledge.documents import Document, Unusable
from knowledge.formats import pdf
from knowledge.formats.pdf import parse

FONTS = {"F": "Helvetica", "B": "Helvetica-Bold", "M": "Courier"}
CATALOG, PAGES, OUTLINE, FIRST_FREE = 1, 2, 3, 10

# Font, size, x, y, text.
Row = tuple[str, float, float, float, str]


def stream(content: bytes, entries: str = "") -> bytes:
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(content), entries.encode(), content)


def show(rows: Sequence[Row]) -> bytes:
    """The operators that write each row where it stands."""
    texts = (
        f"BT /{font} {size} Tf 1 0 0 1 {x} {y} Tm ({text}) Tj ET" for font, size, x, y, text in rows
    )
    return "\n".join(texts).encode("cp1252")


def file_of(objects: dict[int, bytes], trailer: str = "") -> bytes:
    data, offsets = b"%PDF-1.7\n", {}
    for number, content in objects.items():
        offsets[number] = len(data)
        data += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = "".join(f"{number} 1\n{at:010} 00000 n \n" for number, at in offsets.items())
    end = f"trailer\n<< /Size {max(objects) + 1} /Root {CATALOG} 0 R {trailer} >>\n"
    return data + f"xref\n{table}{end}startxref\n{len(data)}\n%%EOF\n".encode()


def written(
    *pages: Sequence[Row] | bytes, outline: Sequence[tuple[str, int]] = (), info: str = ""
) -> bytes:
    """A PDF file; a page is its rows, or a stream object; the outline has titles and pages."""
    numbers = [FIRST_FREE + 2 * i for i in range(len(pages))]
    fonts = " ".join(
        f"/{name} << /Type /Font /Subtype /Type1 /BaseFont /{base} /Encoding /WinAnsiEncoding >>"
        for name, base in FONTS.items()
    )
    kids = " ".join(f"{number} 0 R" for number in numbers)
    objects = {
        CATALOG: f"<< /Type /Catalog /Pages {PAGES} 0 R /Outlines {OUTLINE} 0 R >>".encode(),
        PAGES: f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} "
        f"/MediaBox [0 0 600 800] /Resources << /Font << {fonts} >> >> >>".encode(),
        OUTLINE: b"<< >>",
    }
    for number, page in zip(numbers, pages, strict=True):
        content = page if isinstance(page, bytes) else stream(show(page))
        objects[number] = (
            f"<< /Type /Page /Parent {PAGES} 0 R /Contents {number + 1} 0 R >>".encode()
        )
        objects[number + 1] = content
    first = FIRST_FREE + 2 * len(pages)
    for number, (title, page_index) in enumerate(outline, start=first):
        objects[number] = (
            f"<< /Title ({title}) /Parent {OUTLINE} 0 R /Dest [{numbers[page_index]} 0 R /Fit] "
            f"{f'/Next {number + 1} 0 R' if number < first + len(outline) - 1 else ''} >>".encode()
        )
    if outline:
        objects[OUTLINE] = (
            f"<< /First {first} 0 R /Last {first + len(outline) - 1} 0 R "
            f"/Count {len(outline)} >>".encode()
        )
    return file_of(objects, f"/Info << {info} >>")


def body(*rows: str, top: float = 700, x: float = 50) -> list[Row]:
    return [("F", 10, x, top - 12 * number, text) for number, text in enumerate(rows)]


def parsed(data: bytes) -> Document:
    (document,) = parse(data, PurePath("page.pdf"))
    return document


RUNBOOK = [
    ("B", 20.0, 50.0, 740.0, "Redis failover"),
    *body("When the primary is gone, sentinel elects a new one and", "clients reconnect."),
    ("B", 14.0, 50.0, 650.0, "Steps"),
    ("F", 10.0, 50.0, 620.0, "1."),
    ("F", 10.0, 65.0, 620.0, "Look:"),
    ("M", 9.0, 65.0, 600.0, "if redis-cli info; then"),
    ("M", 9.0, 86.6, 589.0, "echo up"),
    ("M", 9.0, 65.0, 578.0, "fi"),
    ("F", 10.0, 50.0, 555.0, "2."),
    ("F", 10.0, 65.0, 555.0, "Fail over."),
]


def test_a_runbook() -> None:
    info = "/Title (Redis \\(prod\\)) /ModDate (D:20240304100000+02'00')"
    document = parsed(written(RUNBOOK, info=info))
    assert document.text == (
        "# Redis failover\n\n"
        "When the primary is gone, sentinel elects a new one and clients reconnect.\n\n"
        "## Steps\n\n"
        "1. Look:\n\n   ```\n   if redis-cli info; then\n       echo up\n   fi\n   ```\n\n"
        "2. Fail over.\n"
    )
    assert document.title == "Redis (prod)"
    assert document.dated_utc == datetime(2024, 3, 4, 8, tzinfo=UTC)
    headings = [(block.level, block.title) for block in document.blocks if block.level]
    assert headings == [(1, "Redis failover"), (2, "Steps")]


def test_the_outline_names_the_headings() -> None:
    pages = [body("Symptoms", "text of the first page"), body("Fix", "text of the second page")]
    document = parsed(written(*pages, outline=[("Symptoms", 0), ("Fix", 1), ("Absent", 1)]))
    headings = [(block.level, block.title) for block in document.blocks if block.level]
    assert headings == [(1, "Symptoms"), (1, "Fix")]


def test_a_broken_outline_is_done_without() -> None:
    data = written(RUNBOOK, outline=[("Steps", 0)]).replace(b"/Title (Steps)", b"/Tixxx (Steps)")
    headings = [block.title for block in parsed(data).blocks if block.level]
    assert headings == ["Redis failover", "Steps"]


def test_an_outline_that_runs_in_a_circle_ends() -> None:
    data = written(RUNBOOK, outline=[("A", 0), ("B", 0)])
    second = FIRST_FREE + 3
    circular = data.replace(b"/Title (B)", f"/Title (B) /Next {second - 1} 0 R".encode())
    assert "Fail over." in parsed(circular).text


@pytest.mark.parametrize(
    ("title", "found"),
    [
        ("Upgrade to 1.25", "Upgrade to 1.25"),
        ("untitled", "Redis failover"),
        ("Microsoft Word - x.docx", "Redis failover"),
        ("failover.odt", "Redis failover"),
        ("", "Redis failover"),
    ],
)
def test_title(title: str, found: str) -> None:
    assert parsed(written(RUNBOOK, info=f"/Title ({title})")).title == found


def test_a_date_that_is_none() -> None:
    assert parsed(written(RUNBOOK, info="/ModDate (yesterday)")).dated_utc is None


def test_words_that_run_up_the_page_are_left_out() -> None:
    mark = b"BT /F 40 Tf 0.7 0.7 -0.7 0.7 100 100 Tm (DRAFT) Tj ET\n"
    document = parsed(written(stream(mark + show(body("text of the page")))))
    assert document.text == "text of the page\n"


def test_ligatures_are_letters() -> None:
    # /fi and /fl have places of their own in this encoding.
    page = stream(b"BT /L 10 Tf 1 0 0 1 50 700 Tm (\\336x the con\\337ict) Tj ET")
    font = b"/L << /Type /Font /Subtype /Type1 /BaseFont /Times /Encoding /MacRomanEncoding >> /F "
    assert parsed(written(page).replace(b"/F ", font, 1)).text == "fix the conflict\n"


def test_protected_files() -> None:
    def protected(password: str) -> bytes:
        writer, data = PdfWriter(PdfReader(BytesIO(written(RUNBOOK)))), BytesIO()
        writer.encrypt(password, owner_password="owner", algorithm="RC4-128")
        writer.write(data)
        return data.getvalue()

    assert "Fail over." in parsed(protected("")).text
    with pytest.raises(Unusable, match="protected by a password"):
        parse(protected("secret"), PurePath("x.pdf"))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_truncated_file(share: float) -> None:
    data = written(RUNBOOK)
    with pytest.raises(Unusable, match="a broken PDF file"):
        parse(data[: int(len(data) * share)], PurePath("x.pdf"))


def test_a_wrong_index_is_mended(caplog: pytest.LogCaptureFixture) -> None:
    data = written(RUNBOOK).replace(b"startxref\n", b"startxref\n9")
    with caplog.at_level(logging.DEBUG):
        assert "Fail over." in parsed(data).text
    assert not [record for record in caplog.records if record.name.startswith("pypdf")]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not a PDF file"),
        (b"<html>", "not a PDF file"),
        (b"%PDF-1.7\n", "a broken PDF file"),
        (written(), r"no text in it \(a scan\?\)"),
        (written([]), r"no text in it \(a scan\?\)"),
        (written(body("12")), r"no text in it \(a scan\?\)"),
        (written(body("\x01\x02" * 50)), "its fonts do not say"),
        (written(stream(zlib.compress(b" " * 50_000_000), "/Filter /FlateDecode")), "too much"),
    ],
)
def test_unusable_files(data: bytes, reason: str) -> None:
    with pytest.raises(Unusable, match=reason):
        parse(data, PurePath("x.pdf"))


def test_an_encryption_that_nothing_here_knows() -> None:
    entries = "/Filter /Standard /V 5 /R 6 /Length 256 /P -4 /CF << /StdCF << /CFM /AESV3 >> >>"
    strings = f"/O <{'00' * 48}> /U <{'00' * 48}> /OE <{'00' * 32}> /UE <{'00' * 32}>"
    encrypt = f"/Encrypt << {entries} {strings} /StmF /StdCF /StrF /StdCF /Perms <{'00' * 16}> >>"
    data = written(RUNBOOK).replace(b"/Info", f"{encrypt} /ID [<00> <00>] /Info".encode())
    with pytest.raises(Unusable, match=r"encrypted|protected"):
        parse(data, PurePath("x.pdf"))


def test_too_many_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "_MAX_PAGES", 2)
    assert parsed(written(RUNBOOK, RUNBOOK)).text
    with pytest.raises(Unusable, match="more than 2 pages"):
        parse(written(RUNBOOK, RUNBOOK, RUNBOOK), PurePath("x.pdf"))


def test_reading_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "_TIME_LIMIT_S", -1.0)
    with pytest.raises(Unusable, match="not read within"):
        parse(written(RUNBOOK), PurePath("x.pdf"))
