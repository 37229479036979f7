"""The team's standing instructions, and which of them a question is about.

A team has rules that stand in no runbook: whom to call about what, what to check first. They are
one to a line in a file that the settings name. A small model cannot apply twenty rules, so code
picks the lines that speak of the same things as the question and what was found, and quotes them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from assistant.errors import SettingsError
from tools.logs.lookup.words import stem

_MAX_LINES = 3
_MAX_FILE_CHARS = 20_000
_MARK = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+")
_WORD = re.compile(r"[A-Za-z][\w-]{2,}")
# "On all other issues call the night shift" holds where nothing more special does.
_OTHERWISE = re.compile(
    r"\b(?:all|any|every) (?:other|else)|\botherwise\b|\beverything else\b", re.I
)
_PLAIN_WORDS = """
about all always and any are before been can check contact could each every file first for from
further has have how into investigating issue issues its make may must never not other please
problem problems related should sure team teams that the their them then these they this those time
use verify was what when where which who will with you your
"""
_PLAIN = frozenset(stem(word) for word in _PLAIN_WORDS.split())


def read_instructions(path: Path) -> tuple[str, ...]:
    """The instructions in the file, one to a line. Raises SettingsError."""
    try:
        text = path.read_text(encoding="utf-8")[:_MAX_FILE_CHARS]
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingsError(
            f"[agent] instructions names {path}, which cannot be read: {reason}",
            "write a text file with one instruction to a line, or leave the key unset",
        ) from error
    lines = (_MARK.sub("", line).strip() for line in text.splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))


def fitting(instructions: Sequence[str], question: str, found: Sequence[str]) -> tuple[str, ...]:
    """The instructions that share telling words with the question or what was found, in order.

    Words of the question weigh most. One that is for all other cases comes in only when none is
    more special.
    """
    common = Counter(word for line in instructions for word in _telling(line))
    asked, seen = _telling(question), _telling("\n".join(found))
    scored = [
        (sum(_weight(word, asked, seen) / common[word] for word in _telling(line)), line)
        for line in instructions
    ]
    special = [(score, line) for score, line in scored if not _OTHERWISE.search(line)]
    chosen = [line for score, line in sorted(special, key=lambda item: -item[0]) if score >= 1.0]
    if not chosen:
        chosen = [line for line in instructions if _OTHERWISE.search(line)]
    best = chosen[:_MAX_LINES]
    return tuple(line for line in instructions if line in best)


def _telling(text: str) -> frozenset[str]:
    return frozenset(stem(word) for word in _WORD.findall(text)) - _PLAIN


def _weight(word: str, asked: frozenset[str], seen: frozenset[str]) -> float:
    return 2.0 if word in asked else 1.0 if word in seen else 0.0
