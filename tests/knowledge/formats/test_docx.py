from __future__ import annotations

import struct
import zipfile
from datetime import UTC, datetime
from io import BytesIO
from pathlib import PurePath

import pytest

from knowledge.documents import Document, Unusable
from knowledge.formats.docx import parse

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
TYPES = """\
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
  <Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
  <Default Extension="xml" ContentType="application/xml"/>
</Types>"""
ROOT = f"""\
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
  <Relationship Id="r1" Type="{RELATIONS}/officeDocument" Target="word/document.xml"/>
</Relationships>"""
PARTS = f"""\
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
  <Relationship Id="r1" Type="{RELATIONS}/styles" Target="styles.xml"/>
  <Relationship Id="r2" Type="{RELATIONS}/numbering" Target="numbering.xml"/>
</Relationships>"""
STYLES = f"""\
<w:styles {W}>
  <w:style w:type="paragraph" w:styleId="T"><w:name w:val="Title"/></w:style>
  <w:style w:type="paragraph" w:styleId="H1"><w:name w:val="heading 1"/></w:style>
  <w:style w:type="paragraph" w:styleId="H2"><w:name w:val="heading 2"/></w:style>
  <w:style w:type="paragraph" w:styleId="Pre"><w:name w:val="HTML Preformatted"/></w:style>
  <w:style w:type="paragraph" w:styleId="Block"><w:name w:val="Code Block"/></w:style>
</w:styles>"""
NUMBERING = f"""\
<w:numbering {W}>
  <w:abstractNum w:abstractNumId="1">
    <w:lvl w:ilvl="0"><w:numFmt w:val="decimal"/></w:lvl>
    <w:lvl w:ilvl="1"><w:numFmt w:val="decimal"/></w:lvl>
  </w:abstractNum>
  <w:abstractNum w:abstractNumId="2"><w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/></w:lvl>
  </w:abstractNum>
  <w:num w:numId="1"><w:abstractNumId w:val="1"/></w:num>
  <w:num w:numId="2"><w:abstractNumId w:val="2"/></w:num>
</w:numbering>"""
CORE = """\
<cp:coreProperties xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties"
    xmlns:dcterms="http://purl.org/dc/terms/">
  <dc:title>Disk  full</dc:title><dcterms:modified>2024-03-04T08:00:00Z</dcterms:modified>
</cp:coreProperties>"""


def run(text: str, font: str = "") -> str:
    fonts = f'<w:rPr><w:rFonts w:ascii="{font}" w:hAnsi="{font}"/></w:rPr>' if font else ""
    return f'<w:r>{fonts}<w:t xml:space="preserve">{text}</w:t></w:r>'


def paragraph(*runs: str, style: str = "") -> str:
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{properties}{''.join(runs)}</w:p>"


def item(text: str, number: int = 1, level: int = 0) -> str:
    numbering = f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{number}"/></w:numPr>'
    return f"<w:p><w:pPr>{numbering}</w:pPr>{run(text)}</w:p>"


def table(*rows: list[str]) -> str:
    cells = ("".join(f"<w:tc>{paragraph(run(cell))}</w:tc>" for cell in row) for row in rows)
    return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in cells)}</w:tbl>"


def docx(*body: str, **parts: str) -> bytes:
    """A file with these paragraphs; `parts` replaces parts of it, or leaves those with "" out."""
    files = {
        "[Content_Types].xml": TYPES,
        "_rels/.rels": ROOT,
        "word/_rels/document.xml.rels": PARTS,
        "word/styles.xml": STYLES,
        "word/numbering.xml": NUMBERING,
        "word/document.xml": parts.get(
            "document", f"<w:document {W}><w:body>{''.join(body)}</w:body></w:document>"
        ),
        "docProps/core.xml": parts.get("core", CORE),
    }
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            if text:
                archive.writestr(name, text)
    return stream.getvalue()


def parsed(data: bytes) -> Document:
    (document,) = parse(data, PurePath("page.docx"))
    return document


def test_a_runbook() -> None:
    document = parsed(
        docx(
            paragraph(run("Redis failover"), style="T"),
            paragraph(run("When the primary is gone.")),
            paragraph(run("Steps"), style="H1"),
            item("Look:"),
            paragraph(run("redis-cli info"), style="Pre"),
            paragraph(run("  # who?"), style="Pre"),
            item("Fail over:"),
            item("pause the writers", level=1),
            item("Check."),
            paragraph(run("Hosts"), style="H2"),
            item("two of them", number=2),
            table(["Host", "Port"], ["redis-1", "a|b"]),
        )
    )
    assert document.text == (
        "When the primary is gone.\n\n"
        "# Steps\n\n"
        "1. Look:\n\n   ```\n   redis-cli info\n     # who?\n   ```\n"
        "2. Fail over:\n   1. pause the writers\n3. Check.\n\n"
        "## Hosts\n\n- two of them\n\n"
        "| Host | Port |\n| --- | --- |\n| redis-1 | a\\|b |\n"
    )
    assert document.title == "Redis failover"
    assert document.dated_utc == datetime(2024, 3, 4, 8, tzinfo=UTC)
    headings = [(block.level, block.title) for block in document.blocks if block.level]
    assert headings == [(1, "Steps"), (2, "Hosts")]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (paragraph(run("ls", "Courier New"), run(" -l", "Consolas")), "```\nls -l\n```\n"),
        (paragraph(run("Run "), run("ls", "Consolas"), run(" now.")), "Run `ls` now.\n"),
        (paragraph(run("plain", "Calibri")), "plain\n"),
        (
            paragraph(run("a"), style="Block") + paragraph(run("b"), style="Block"),
            "```\na\nb\n```\n",
        ),
        (item("one", 2) + paragraph(run("ls"), style="Pre"), "- one\n\n```\nls\n```\n"),
        (item("one") + paragraph(run("text")) + item("anew"), "1. one\n\ntext\n\n1. anew\n"),
    ],
)
def test_code_and_lists(body: str, text: str) -> None:
    assert parsed(docx(body)).text == text


def test_title_of_the_properties_when_the_text_has_none() -> None:
    assert parsed(docx(paragraph(run("text")))).title == "Disk full"


@pytest.mark.parametrize("core", ["", "<x/>"])
def test_a_file_without_properties(core: str) -> None:
    document = parsed(docx(paragraph(run("text")), core=core))
    assert (document.text, document.title, document.dated_utc) == ("text\n", "", None)


def test_what_stands_deep_in_tables_is_a_reason_not_a_crash() -> None:
    nested = "<w:tbl><w:tr><w:tc>" * 2_000 + "</w:tc></w:tr></w:tbl>" * 2_000
    with pytest.raises(Unusable):
        parse(docx(nested), PurePath("x.docx"))


def test_a_bomb_is_not_unpacked() -> None:
    data = docx(paragraph(run("text")), core=f"<x>{' ' * 30_000_000}</x>")
    assert len(data) < 100_000
    with pytest.raises(Unusable, match="larger than 20 MB when unpacked"):
        parse(data, PurePath("x.docx"))


def test_a_bomb_that_lies_about_its_size_is_not_unpacked() -> None:
    data = docx(document=f"<x>{' ' * 30_000_000}</x>")
    honest = struct.pack("<L", 30_000_007)
    assert data.count(honest) == 2
    with pytest.raises(Unusable, match="a broken Word file"):
        parse(data.replace(honest, struct.pack("<L", 1_000)), PurePath("x.docx"))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "a broken Word file"),
        (b"PK\x03\x04 cut off", "a broken Word file"),
        (docx(paragraph(run("text")))[:-100], "a broken Word file"),
        (docx(document=""), "a broken Word file"),
        (docx(document="<w:document"), "a broken Word file"),
        (docx(document="<x/>"), "a broken Word file"),
        (docx(paragraph(run("text")), core="<x"), "a broken Word file"),
        (docx(), "no text in it"),
        (docx(paragraph(run("Only"), style="H1")), "no text in it but headings"),
        (bytes.fromhex("d0cf11e0a1b11ae1") + bytes(512), "old binary Word; save as .docx"),
        (
            bytes.fromhex("d0cf11e0a1b11ae1") + "EncryptedPackage".encode("utf-16-le"),
            "protected by a password",
        ),
    ],
)
def test_unusable_files(data: bytes, reason: str) -> None:
    with pytest.raises(Unusable, match=reason):
        parse(data, PurePath("x.docx"))
