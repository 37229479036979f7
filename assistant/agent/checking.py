"""Checking a model's sentences against the evidence before anybody reads them.

A sentence passes when each hard fact in it (a number, a path, a name with punctuation in it, a
quotation, a command) stands in the evidence or in the question, and each id that it cites exists.
A restart passes only where a runbook has one.
What a sentence concludes cannot be checked by code; what it claims to have seen can.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable

from assistant.agent.advice import stopped_services, supports_restart, without_restart
from assistant.agent.inert import inert
from tools.evidence import Evidence

_log = logging.getLogger(__name__)

_CITATION = re.compile(r"\[([A-Z]\d+)\]")
# Models also write several ids between one pair of brackets.
_CITATION_LIST = re.compile(r"\[[A-Z]\d+(?:, ?[A-Z]\d+)+\]")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z\d`\[\"(*-])|\n+")
# Full stops that end no sentence.
_ABBREVIATION = re.compile(r"\b(?:e\.g|i\.e|etc|vs|approx|no)\.$", re.IGNORECASE)
_QUOTATION = re.compile(r"`([^`\n]+)`|\"([^\"\n]{4,})\"|“([^”\n]{4,})”")
_HARD_WORD = re.compile(
    r"""
    /[\w.-]*\w(?:/[\w.-]*\w)*/?       # a path, without the full stop behind it
    | \d[\d,.:%T-]*\d%? | \d%         # a number, a time, an address, a percentage
    | \b\w+(?:[_.:/-]\w+)+\b          # a name with punctuation inside
    """,
    re.VERBOSE,
)
# Plain words: `time-out`, `and/or`.
_COMPOUND = re.compile(r"[A-Za-z]+(?:(?:-[A-Za-z]+)+|/[A-Za-z]+)")
# A command is a hard fact also where it stands without quotation marks.
_COMMAND = re.compile(
    r"\b(?:systemctl|supervisorctl|kubectl|helm|docker|podman) (?:(?:re)?start|stop|reload|enable|"
    r"disable|mask|delete|apply|rollout|scale|drain|cordon|exec|edit|patch|logs|get|describe|run|"
    r"rm|kill|prune|status)(?: [\w./:=@-]*\w)?"
    r"|\b(?:sudo|rm|kill|chmod|chown|truncate|mkfs|dd|psql|mysql|redis-cli|journalctl|pkill|killall)"
    r" (?:-\S+|/\S*)(?: [\w./:=@-]*[\w/])?"
)
_SHORT_NUMBER = re.compile(r"\d{1,2}")


class Grounding:
    """The words of the evidence and of the question, to hold a sentence against."""

    def __init__(self, *texts: str) -> None:
        self._text = ""
        self._ids: set[str] = set()
        self._subjects: list[str] = []
        self._runbooks: list[Evidence] = []
        self.learn(*texts)

    def learn(self, *texts: str) -> None:
        """Take in more text that an answer may speak of."""
        self._text = " \n ".join([self._text, *map(_normal, texts)])

    def learn_evidence(self, evidence: Iterable[Evidence]) -> None:
        """Take in findings: their whole text, their notes and sources, and their ids."""
        for item in evidence:
            if item.id in self._ids:
                # An id stands for one text: a ledger may be given again when it has grown.
                continue
            if item.finding.kind == "runbook":
                self._runbooks.append(item)
            if item.is_fact:
                self.learn_subject(item.finding.text, item.finding.source, item.finding.note)
            self.learn(item.finding.text, item.finding.note, item.finding.source)
            self._ids.add(item.id)

    def learn_subject(self, *texts: str) -> None:
        """Take in what the question or a fact speaks of."""
        self._subjects += map(_normal, texts)

    def unsupported(self, sentence: str) -> list[str]:
        """The hard facts of `sentence` that stand nowhere in the evidence."""
        return [fact for fact in hard_facts(sentence) if not self._stands(fact)]

    def without_unfounded_advice(self, sentence: str) -> str:
        """`sentence` without a restart that no runbook has; empty when nothing else is left.

        Empty, too, when it advises to stop what neither the question nor a fact speaks of.
        """
        if not all(map(self._is_spoken_of, stopped_services(sentence))):
            return ""
        shorter = without_restart(sentence)
        is_founded = shorter == sentence or supports_restart(self._runbooks, sentence)
        return sentence if is_founded else shorter

    def without_unknown_ids(self, sentence: str) -> str:
        """`sentence` with citations of ids that do not exist taken out."""
        single = _CITATION_LIST.sub(_one_by_one, sentence)
        return re.sub(
            rf" ?{_CITATION.pattern}",
            lambda m: m.group() if m.group(1) in self._ids else "",
            single,
        )

    def _is_spoken_of(self, name: str) -> bool:
        return any(_normal(name) in text for text in self._subjects)

    def _stands(self, fact: str) -> bool:
        """Whether `fact` is in the text: a number as a whole one, not as digits of another."""
        text = re.escape(_normal(fact))
        if not fact[0].isdigit():
            return re.search(text, self._text) is not None
        around = (r"(?<!\d:)", r"(?!:\d)") if _SHORT_NUMBER.fullmatch(fact) else ("", "")
        whole = rf"(?<![\d.]){around[0]}{text}(?!\d|\.\d){around[1]}"
        return re.search(whole, self._text) is not None


def hard_facts(sentence: str) -> list[str]:
    """What `sentence` claims to have seen, as far as code can tell: never a citation's own id."""
    prose = _CITATION.sub("", _CITATION_LIST.sub("", sentence))
    quotations = [next(filter(None, groups)) for groups in _QUOTATION.findall(prose)]
    unquoted = _QUOTATION.sub(" ", prose)
    commands = _COMMAND.findall(unquoted)
    words = _HARD_WORD.findall(_COMMAND.sub(" ", unquoted))
    return [*quotations, *commands, *(w for w in words if not _COMPOUND.fullmatch(w))]


def cited_ids(text: str) -> list[str]:
    """The ids that `text` cites, in the order of their first use."""
    return list(dict.fromkeys(_CITATION.findall(text)))


def split_sentences(text: str) -> list[str]:
    """`text` cut after each sentence and line; joined again, the parts are `text`."""
    sentences, start = [], 0
    for match in _SENTENCE_END.finditer(text):
        sentence = text[start : match.start()]
        is_quoting = sentence.count('"') % 2 or sentence.count("`") % 2
        if _ABBREVIATION.search(sentence) or (is_quoting and "\n" not in match.group()):
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
            founded = self._grounding.without_unfounded_advice(sentence)
            if founded and not missing:
                passed.append(founded)
            else:
                self.num_dropped += 1
                _log.info("left out %r: not in the evidence: %s", sentence, missing or "a restart")
        return "".join(inert(self._grounding.without_unknown_ids(s)) for s in passed)


def _one_by_one(citations: re.Match[str]) -> str:
    return "".join(f"[{i}]" for i in re.findall(r"[A-Z]\d+", citations.group()))


def _normal(text: str) -> str:
    """`text` for comparison: case, white space and thousands separators do not matter."""
    collapsed = re.sub(r"\s+", " ", text.lower())
    return re.sub(r"(?<=\d),(?=\d{3}\b)", "", collapsed)
