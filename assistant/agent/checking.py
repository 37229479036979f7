"""Checking a model's sentences against the evidence before anybody reads them.

A sentence passes when each hard fact in it (a number, a path, a name with punctuation in it, a
quotation, a command) stands in the evidence or in the question, and each id that it cites exists.
What a sentence concludes cannot be checked by code; what it claims to have seen can.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable

from tools.evidence import Evidence

_log = logging.getLogger(__name__)

_CITATION = re.compile(r"\[([A-Z]\d+)\]")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z`\[\"(*-])|\n+")
# Full stops that end no sentence.
_ABBREVIATION = re.compile(r"\b(?:e\.g|i\.e|etc|vs|approx|no)\.$", re.IGNORECASE)
_QUOTATION = re.compile(r"`([^`\n]+)`|\"([^\"\n]{4,})\"|“([^”\n]{4,})”")
_HARD_WORD = re.compile(
    r"""
    /[\w.-]+(?:/[\w.-]+)*/?           # a path
    | \d[\d,.:%T-]*\d%? | \d%         # a number, a time, an address, a percentage
    | \b\w+(?:[_.:/-]\w+)+\b          # a name with punctuation inside
    """,
    re.VERBOSE,
)
_HYPHENATED = re.compile(r"[A-Za-z]+(?:-[A-Za-z]+)+")


class Grounding:
    """The words of the evidence and of the question, to hold a sentence against."""

    def __init__(self, *texts: str) -> None:
        self._text = ""
        self._ids: set[str] = set()
        self.learn(*texts)

    def learn(self, *texts: str) -> None:
        """Take in more text that an answer may speak of."""
        self._text = " \n ".join([self._text, *map(_normal, texts)])

    def learn_evidence(self, evidence: Iterable[Evidence]) -> None:
        """Take in findings: their whole text, their notes and sources, and their ids."""
        for item in evidence:
            self.learn(item.finding.text, item.finding.note, item.finding.source)
            self._ids.add(item.id)

    def unsupported(self, sentence: str) -> list[str]:
        """The hard facts of `sentence` that stand nowhere in the evidence."""
        return [fact for fact in hard_facts(sentence) if not self._stands(fact)]

    def without_unknown_ids(self, sentence: str) -> str:
        """`sentence` with citations of ids that do not exist taken out."""
        return _CITATION.sub(lambda m: m.group() if m.group(1) in self._ids else "", sentence)

    def _stands(self, fact: str) -> bool:
        return _normal(fact) in self._text


def hard_facts(sentence: str) -> list[str]:
    """What `sentence` claims to have seen, as far as code can tell: never a citation's own id."""
    prose = _CITATION.sub("", sentence)
    quotations = [next(filter(None, groups)) for groups in _QUOTATION.findall(prose)]
    words = _HARD_WORD.findall(_QUOTATION.sub(" ", prose))
    return [*quotations, *(w for w in words if not _HYPHENATED.fullmatch(w))]


def cited_ids(text: str) -> list[str]:
    """The ids that `text` cites, in the order of their first use."""
    return list(dict.fromkeys(_CITATION.findall(text)))


def split_sentences(text: str) -> list[str]:
    """`text` cut after each sentence and line; joined again, the parts are `text`."""
    sentences, start = [], 0
    for match in _SENTENCE_END.finditer(text):
        if _ABBREVIATION.search(text[start : match.start()]):
            continue
        sentences.append(text[start : match.end()])
        start = match.end()
    return [*sentences, text[start:]] if start < len(text) else sentences


class SentenceGate:
    """Lets a stream of text through sentence by sentence, and only what the evidence supports."""

    def __init__(self, grounding: Grounding) -> None:
        self._grounding = grounding
        self._held = ""
        self.num_dropped = 0

    def push(self, text: str) -> str:
        """The checked sentences that `text` completes."""
        self._held += text
        sentences = split_sentences(self._held)
        is_last_whole = self._held.endswith("\n")
        whole = sentences if is_last_whole else sentences[:-1]
        self._held = "" if is_last_whole else "".join(sentences[-1:])
        return self._checked(whole)

    def finish(self) -> str:
        """The last sentence, if it passes."""
        held, self._held = self._held, ""
        return self._checked([held] if held.strip() else [])

    def _checked(self, sentences: list[str]) -> str:
        passed = []
        for sentence in sentences:
            missing = self._grounding.unsupported(sentence)
            if not missing:
                passed.append(sentence)
            else:
                self.num_dropped += 1
                _log.info("left out %r: not in the evidence: %s", sentence, missing)
        return "".join(self._grounding.without_unknown_ids(s) for s in passed)


def _normal(text: str) -> str:
    """`text` for comparison: case, white space and thousands separators do not matter."""
    collapsed = re.sub(r"\s+", " ", text.lower())
    return re.sub(r"(?<=\d),(?=\d{3}\b)", "", collapsed)
