from __future__ import annotations

from pathlib import PurePath

from knowledge.formats.plain import parse


def test_a_text_is_one_document_whose_steps_are_together() -> None:
    text = "DISK FULL\n\nDo this:\n1. look\n   closely\n2. delete\n\n# no heading\n"
    (document,) = parse(text, PurePath("disk.txt"))
    assert (document.text, document.title, document.kind) == (text, "", None)
    assert [text[block.start : block.end] for block in document.blocks] == [
        "DISK FULL\n\n",
        "Do this:\n",
        "1. look\n   closely\n2. delete\n\n",
        "# no heading\n",
    ]
    steps = document.blocks[2].parts
    assert [text[step.start : step.end] for step in steps] == [
        "1. look\n   closely\n",
        "2. delete\n\n",
    ]
