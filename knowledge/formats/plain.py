"""Text without markup: paragraphs, list items, and numbered steps as one block."""

from __future__ import annotations

from pathlib import PurePath

from knowledge.blocks import plain_blocks
from knowledge.documents import Document
from knowledge.formats.groups import steps_together


def parse(text: str, path: PurePath) -> list[Document]:
    """The one document of a text file."""
    return [Document(text, tuple(steps_together(text, plain_blocks(text))))]
