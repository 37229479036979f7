"""Jupyter notebooks, formats 3 and 4, as the Markdown that they amount to.

Text cells stand as they are, code and what it printed in fences; images are left out. A notebook is
JSON, so the lines of its document are those of this Markdown, not of the file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from knowledge.documents import Document, Unusable
from knowledge.formats import markdown

MAX_OUTPUT_LINES = 40
MAX_OUTPUT_CHARS = 3_000

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_LANGUAGE = re.compile(r"[\w+#.-]+")
_BACKTICKS = re.compile(r"`{3,}")


def parse(text: str, path: PurePath) -> list[Document]:
    """The one document of a notebook. Raises Unusable."""
    notebook = _object(_loaded(text))
    cells = list(_cells(notebook))
    if not cells:
        raise Unusable("no cells in it")
    language = _language(notebook)
    pieces = [piece for cell in cells for piece in _cell(cell, language) if piece.strip()]
    if not pieces:
        raise Unusable("its cells are empty")
    return markdown.parse("\n\n".join(pieces) + "\n", path)


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise Unusable(f"not a notebook: line {error.lineno}: {error.msg}") from error
    except RecursionError as error:
        raise Unusable("not a notebook: nested too deeply") from error
    except ValueError as error:
        raise Unusable(f"not a notebook: {error}") from error


def _cells(notebook: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The cells of format 4, or those of the worksheets of format 3."""
    for sheet in (notebook, *_objects(notebook.get("worksheets"))):
        yield from _objects(sheet.get("cells"))


def _language(notebook: Mapping[str, Any]) -> str:
    metadata = _object(notebook.get("metadata"))
    info = _object(metadata.get("language_info"))
    kernel = _object(metadata.get("kernelspec"))
    return _word(info.get("name")) or _word(kernel.get("language"))


def _cell(cell: Mapping[str, Any], language: str) -> Iterator[str]:
    source = _text(cell.get("source", cell.get("input")))
    if cell.get("cell_type") == "code":
        yield _fenced(source, _word(cell.get("language")) or language)
        yield from (_fenced(_bounded(output)) for output in _outputs(cell))
    elif cell.get("cell_type") == "heading":
        yield f"{'#' * _heading_level(cell)} {' '.join(source.split())}"
    else:
        yield source.strip("\n")


def _heading_level(cell: Mapping[str, Any]) -> int:
    level = cell.get("level")
    return level if isinstance(level, int) and 1 <= level <= 6 else 1


def _outputs(cell: Mapping[str, Any]) -> Iterator[str]:
    """What a cell printed; pieces of one stream are one."""
    printed: list[tuple[object, str]] = []
    for output in _objects(cell.get("outputs")):
        stream = output.get("name", "stdout") if output.get("output_type") == "stream" else None
        text = _ANSI.sub("", _output(output))
        if printed and stream is not None and printed[-1][0] == stream:
            printed[-1] = (stream, printed[-1][1] + text)
        else:
            printed.append((stream, text))
    return (text for _, text in printed)


def _output(output: Mapping[str, Any]) -> str:
    if output.get("output_type") in ("error", "pyerr"):
        traceback = output.get("traceback")
        lines = traceback if isinstance(traceback, list) else []
        return "\n".join(str(line) for line in lines) or _text(output.get("evalue"))
    data = _object(output.get("data"))
    return _text(data.get("text/plain", output.get("text")))


def _bounded(output: str) -> str:
    """The first lines of an output, and how many more there were."""
    lines = output.strip("\n").split("\n")
    kept = "\n".join(lines[:MAX_OUTPUT_LINES])
    if len(kept) > MAX_OUTPUT_CHARS:
        left_out = len(output.strip("\n")) - MAX_OUTPUT_CHARS
        return f"{kept[:MAX_OUTPUT_CHARS]}\n… {left_out} more characters of output left out"
    if len(lines) > MAX_OUTPUT_LINES:
        left_out = len(lines) - MAX_OUTPUT_LINES
        return f"{kept}\n… {left_out} more lines of output left out"
    return kept


def _fenced(code: str, language: str = "") -> str:
    """The code between fences longer than any in it; nothing for nothing."""
    if not code.strip():
        return ""
    longest = max((len(run) for run in _BACKTICKS.findall(code)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{code.strip(chr(10))}\n{fence}"


def _text(source: object) -> str:
    """A text, which notebooks write as one string or as a list of lines with their ends."""
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    if not isinstance(source, str):
        return ""
    # JSON can name what no text file holds: NUL, and one half of a pair of surrogates.
    readable = source.replace("\0", "").encode("utf-8", "replace").decode()
    return "\n".join(_last_written(line) for line in readable.split("\n"))


def _last_written(line: str) -> str:
    """What is left of a line that was written over again and again, as a progress bar is."""
    return line.rstrip("\r").rpartition("\r")[2]


def _word(value: object) -> str:
    return value if isinstance(value, str) and _LANGUAGE.fullmatch(value) else ""


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: object) -> Iterator[Mapping[str, Any]]:
    return (one for one in value if isinstance(one, dict)) if isinstance(value, list) else iter(())
