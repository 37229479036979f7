"""Word files: mammoth makes HTML of a document's styles, and `html_markdown` Markdown of that.

The old binary format (.doc) and protected files are told apart only to say why they are not read.
"""

from __future__ import annotations

import zipfile
import zlib
from datetime import datetime
from io import BytesIO
from pathlib import PurePath
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree
from xml.parsers.expat import ExpatError

from knowledge.documents import Document, Unusable
from knowledge.formats.html import html_document
from knowledge.formats.properties import properties_of

if TYPE_CHECKING:
    from bs4 import BeautifulSoup

_MAX_XML_BYTES = 20_000_000  # unpacked; a thousand pages have less
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")  # the container of old and of protected office files
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
# mammoth has no errors of its own: this is what reading a broken archive, XML that is none and XML
# with parts missing end in.
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    ExpatError,
    ElementTree.ParseError,
    OSError,
    LookupError,
    ValueError,
    AttributeError,
    TypeError,
    RuntimeError,
    EOFError,
)
_PROPERTIES = "docProps/core.xml"
_DUBLIN_CORE = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
}
_MONOSPACED = frozenset(
    {"andale mono", "cascadia code", "cascadia mono", "consolas", "courier", "courier new"}
    | {"dejavu sans mono", "fira code", "ibm plex mono", "jetbrains mono", "liberation mono"}
    | {"lucida console", "menlo", "monaco", "monospace", "roboto mono", "source code pro"}
    | {"ubuntu mono"}
)
_STYLES = """
p[style-name='Title'] => h1.title:fresh
p[style-name='Code'] => pre:separator('\\n')
p[style-name^='Code '] => pre:separator('\\n')
p[style-name='CodeBlock'] => pre:separator('\\n')
p[style-name='HTML Preformatted'] => pre:separator('\\n')
p[style-name='Preformatted Text'] => pre:separator('\\n')
p[style-name='Source Code'] => pre:separator('\\n')
p[style-name='Plain Text'] => pre:separator('\\n')
p[style-name='Macro Text'] => pre:separator('\\n')
p[style-name='Quote'] => blockquote > p:fresh
p[style-name='Intense Quote'] => blockquote > p:fresh
r[style-name='Code'] => code
r[style-name='HTML Code'] => code
r[style-name='Source Text'] => code
r[style-name='Verbatim Char'] => code
"""


def parse(data: bytes, path: PurePath) -> list[Document]:
    """The one document of a Word file. Raises Unusable."""
    from knowledge.formats.html_markdown import soup_of

    if data.startswith(_OLE):
        is_protected = _ENCRYPTED in data
        raise Unusable(
            "protected by a password" if is_protected else "old binary Word; save as .docx"
        )
    try:
        title, dated_utc = _properties(data)
        page = soup_of(f"<body>{_html(data)}</body>")
    except _BROKEN as error:
        raise Unusable("a broken Word file") from error
    _join_lists(page)
    heading = page.find("h1", class_="title")
    if heading is not None:
        # Above all headings, also those of the first level: no heading but the document's title.
        title = " ".join(heading.extract().get_text().split())
    return [html_document(page, title, dated_utc)]


def _properties(data: bytes) -> tuple[str, datetime | None]:
    """The file's title and the time of its last change, as far as it says them."""
    with zipfile.ZipFile(BytesIO(data)) as archive:
        parts = [part for part in archive.infolist() if part.filename.endswith((".xml", ".rels"))]
        if sum(part.file_size for part in parts) > _MAX_XML_BYTES:
            raise Unusable(f"larger than {_MAX_XML_BYTES // 1_000_000} MB when unpacked")
        if _PROPERTIES not in archive.namelist():
            return "", None
        properties = ElementTree.fromstring(archive.read(_PROPERTIES))
    title = properties.findtext("dc:title", "", _DUBLIN_CORE)
    modified = properties.findtext("dcterms:modified", "", _DUBLIN_CORE)
    return " ".join(title.split()), properties_of({"modified": modified}).dated_utc


def _html(data: bytes) -> str:
    import mammoth  # type: ignore[import-untyped]

    result = mammoth.convert_to_html(
        BytesIO(data),
        style_map=_STYLES,
        # Only its own: the file's would decide what becomes of the document.
        include_embedded_style_map=False,
        convert_image=mammoth.images.img_element(lambda image: {}),  # what it shows, in words
        transform_document=mammoth.transforms.paragraph(_marked),
    )
    return str(result.value)


def _marked(paragraph: Any) -> Any:
    """Give paragraphs, or the words in them, that are set in a fixed width the style of code."""
    from mammoth import documents, transforms

    runs = [
        run
        for run in transforms.get_descendants_of_type(paragraph, documents.Run)
        if transforms.get_descendants_of_type(run, documents.Text)
    ]
    if not runs or not any(map(_is_monospaced, runs)):
        return paragraph
    if all(map(_is_monospaced, runs)) and paragraph.numbering is None:
        return paragraph.copy(style_id="Code", style_name="Code")
    mark = transforms.run(lambda run: run.copy(style_name="Code") if _is_monospaced(run) else run)
    return mark(paragraph)


def _is_monospaced(run: Any) -> bool:
    return bool(run.font) and run.font.lower() in _MONOSPACED


def _join_lists(page: BeautifulSoup) -> None:
    """Put code between two numbered lists into the last step of the first, and go on with that.

    To Word they are one list; mammoth does not tell, and would begin again with number 1.
    """
    for code in page.find_all("pre"):
        steps, rest = code.find_previous_sibling(), code.find_next_sibling()
        if steps is None or steps.name != "ol":
            continue
        item = steps.find_all("li", recursive=False)[-1]
        item.append(code.extract())
        if rest is not None and rest.name == "ol":
            steps.extend(list(rest.children))
            rest.decompose()
