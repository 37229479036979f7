from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

import pytest

from knowledge.documents import Document, Unusable
from knowledge.formats.notebook import MAX_OUTPUT_CHARS, MAX_OUTPUT_LINES, parse

PATH = PurePath("docs/disk.ipynb")


def markdown(*lines: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": list(lines)}


def code(source: str, *outputs: dict[str, Any]) -> dict[str, Any]:
    return {"cell_type": "code", "source": source, "outputs": list(outputs)}


def stream(text: str, name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text}


def parsed(*cells: Any, **metadata: Any) -> Document:
    notebook = {"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    (document,) = parse(json.dumps(notebook), PATH)
    return document


def test_text_stands_as_it_is_and_code_and_output_in_fences() -> None:
    document = parsed(
        markdown("# Disk\n", "\n", "1. look\n", "2. delete\n"),
        code("!df -h\n", stream("full\n"), stream("still full\n"), stream("warned\n", "stderr")),
        markdown("## Then"),
        language_info={"name": "python"},
    )
    assert document.text == (
        "# Disk\n\n1. look\n2. delete\n\n```python\n!df -h\n```\n\n```\nfull\nstill full\n```\n\n"
        "```\nwarned\n```\n\n## Then\n"
    )
    assert [block.title for block in document.blocks if block.level] == ["Disk", "Then"]
    assert len(document.blocks[1].parts) == 2


@pytest.mark.parametrize(
    ("output", "shown"),
    [
        ({"output_type": "execute_result", "data": {"text/plain": ["a\n", "b"]}}, "a\nb"),
        ({"output_type": "pyout", "text": "a"}, "a"),
        (
            {"output_type": "error", "traceback": ["\x1b[0;31mValueError\x1b[0m: x"]},
            "ValueError: x",
        ),
        ({"output_type": "error", "ename": "E", "evalue": "x", "traceback": []}, "x"),
        ({"output_type": "stream", "text": "10%\r 50%\r100%\r\ndone\r"}, "100%\ndone"),
        ({"output_type": "stream", "text": "nul \0 and half \ud800"}, "nul  and half ?"),
    ],
)
def test_outputs_are_shown_as_text(output: dict[str, Any], shown: str) -> None:
    assert parsed(code("x", output)).text == f"```\nx\n```\n\n```\n{shown}\n```\n"


@pytest.mark.parametrize(
    "output",
    [
        {"output_type": "display_data", "data": {"image/png": "iVBORw0KGgo="}},
        {"output_type": "stream", "text": "\n"},
        {"output_type": "display_data", "data": {"text/html": "<table>"}},
        {},
    ],
)
def test_outputs_that_are_no_text_are_left_out(output: dict[str, Any]) -> None:
    assert parsed(code("x", output)).text == "```\nx\n```\n"


def test_a_long_output_is_cut_and_says_so() -> None:
    lines = "".join(f"{number}\n" for number in range(MAX_OUTPUT_LINES + 60))
    shown = parsed(code("x", stream(lines))).text
    assert f"\n{MAX_OUTPUT_LINES - 1}\n… 60 more lines of output left out\n```" in shown
    shown = parsed(code("x", stream("y" * (MAX_OUTPUT_CHARS + 60)))).text
    assert f"\n{'y' * MAX_OUTPUT_CHARS}\n… 60 more characters of output left out\n```" in shown


def test_code_with_fences_in_it_gets_a_longer_one() -> None:
    document = parsed(code('"""\n```\n# no heading\n```\n"""'))
    assert document.text.startswith("````\n")
    assert len(document.blocks) == 1


@pytest.mark.parametrize(
    ("metadata", "fence"),
    [
        ({"language_info": {"name": "R"}}, "```R\n"),
        ({"kernelspec": {"language": "c++"}}, "```c++\n"),
        ({"language_info": {"name": "x`\ny"}}, "```\n"),
        ({"language_info": "python"}, "```\n"),
        ({}, "```\n"),
    ],
)
def test_the_language_is_the_notebooks(metadata: dict[str, Any], fence: str) -> None:
    assert parsed(code("x"), **metadata).text.startswith(fence)


def test_format_3_has_worksheets_and_cells_for_headings() -> None:
    cells = [
        {"cell_type": "heading", "level": 2, "source": ["Disk\n", "full"]},
        {"cell_type": "heading", "level": "x", "source": "Top"},
        {"cell_type": "code", "input": ["df"], "language": "bash", "outputs": []},
    ]
    notebook = {"nbformat": 3, "metadata": {}, "worksheets": [{"cells": cells}]}
    (document,) = parse(json.dumps(notebook), PATH)
    assert document.text == "## Disk full\n\n# Top\n\n```bash\ndf\n```\n"


def test_a_raw_cell_can_be_front_matter() -> None:
    raw = {"cell_type": "raw", "source": "---\ntitle: Disk\nupdated: 2024-03-05\n---\n"}
    document = parsed(raw, markdown("text"))
    assert document.title == "Disk"
    assert document.dated_utc == datetime(2024, 3, 5, tzinfo=UTC)
    assert document.text.strip() == "text"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{\n'cells': []}", "not a notebook: line 2: Expecting property name"),
        ("", "not a notebook: line 1: Expecting value"),
        ("[" * 100_000, "not a notebook: nested too deeply"),
        ("9" * 5_000, "not a notebook: Exceeds the limit"),
        ("{}", "no cells in it"),
        ("[1, 2]", "no cells in it"),
        ('{"cells": "x"}', "no cells in it"),
        ('{"cells": [1, null, "x"]}', "no cells in it"),
        ('{"cells": [{}]}', "its cells are empty"),
        ('{"cells": [{"cell_type": "code", "source": 1, "outputs": {}}]}', "its cells are empty"),
    ],
)
def test_what_is_no_notebook_says_why(text: str, reason: str) -> None:
    with pytest.raises(Unusable, match=reason):
        parse(text, PATH)
