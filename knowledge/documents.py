"""`Document`: what a file says, in the form that everything after the formats works on.

A format (`knowledge.formats`) turns a file into documents: mostly one, and several where a file is
a collection, as alert rules are. Dividing them into passages is `knowledge.chunks`' work.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from knowledge.blocks import Block

Kind = Literal["runbook", "alert", "incident", "log"]


class Unusable(Exception):
    """A file that cannot become a document; the message is the reason. Never leaves ingest."""


class NoDocument(Unusable):
    """A file of a sort that need not hold documents: worth a word only when it was named."""


@dataclass(frozen=True, slots=True)
class Document:
    """A text, and the blocks that divide it.

    `text` has `\\n` as line end; `blocks` cover it, and offsets count its characters. Line 1 of the
    text is line `first_line` of the file; for a format whose files have no lines of text (PDF,
    DOCX, HTML), lines are those of the text that was made of it.

    `title` stands above all headings, and is empty when the headings say it all. `name` tells the
    documents of one file apart (an alert's name), and is empty for a file's only document. `kind`,
    `services` and `dated_utc` are what the document says about itself; None and () when it does
    not.
    """

    text: str
    blocks: tuple[Block, ...]
    title: str = ""
    name: str = ""
    first_line: int = 1
    kind: Kind | None = None
    services: tuple[str, ...] = ()
    dated_utc: datetime | None = None
