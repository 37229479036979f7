"""The labels that a question groups, joins or ranks by."""

from __future__ import annotations

import re

# What follows a label's name is no part of it.
_NO_NAME = r"(?:and|by|over|on|in|above|below|for|where|with|that|is|are|second|minute|hour|day)\b"
_NAME = rf"(?!{_NO_NAME})[a-z_]\w*(?: (?!{_NO_NAME})\w+)?"
_NAME_LIST = rf"(?P<names>{_NAME}(?:(?:, ?(?:and )?| and ){_NAME})*)"
_GROUPED = re.compile(rf"\b(?:per|by|for each|grouped by|for every|broken down by) {_NAME_LIST}")
_JOINED = re.compile(rf"\b(?:join|match)(?:ed|ing)?(?: it| them)? (?:on|by|over) {_NAME_LIST}")
_TOP = re.compile(r"\b(?P<end>top|bottom) (?P<n>\d+)(?: (?P<name>[a-z_]\w*))?")
# Taken for labels where nobody said which there are.
_USUAL = """
app cluster code container database datname device env environment fqdn handler host instance job
method mountpoint name namespace node path pod queue region route service shard stage state status
team tenant tier topic type user zone
"""
_USUAL_LABELS = frozenset(_USUAL.split())
_SAME = {
    "host": ("instance", "node", "hostname", "fqdn"),
    "server": ("instance", "node", "fqdn"),
    "machine": ("instance", "node"),
    "node": ("instance",),
    "target": ("instance",),
}


def groups_in(text: str, known: frozenset[str]) -> tuple[str, ...]:
    """The labels behind "per" and "by"; `known` are those that there are, empty: nobody knows."""
    top = _TOP.search(text)
    ranked = _label([top["name"] or ""], known) if top else ""
    return (ranked,) if ranked else _listed(_GROUPED, text, known)


def joins_in(text: str, known: frozenset[str]) -> tuple[str, ...]:
    """The labels that two metrics are to be matched on."""
    return _listed(_JOINED, text, known)


def ranking_in(text: str) -> str:
    """`topk(5, ` where so many of the first are asked for; else empty."""
    match = _TOP.search(text)
    return f"{match['end']}k({match['n']}, " if match else ""


def _listed(pattern: re.Pattern[str], text: str, known: frozenset[str]) -> tuple[str, ...]:
    items = [
        item
        for match in pattern.finditer(text)
        for item in re.split(r",\s*(?:and )?|\band\b", match["names"])
    ]
    found = (_label(item.split(), known) for item in items)
    return tuple(dict.fromkeys(label for label in found if label))


def _label(words: list[str], known: frozenset[str]) -> str:
    """The label that one of `words` is, or means: of "queue name" the last that is one."""
    candidates = known or _USUAL_LABELS
    for word in reversed(words):
        single = word.removesuffix("s")
        for name in (word, single, *_SAME.get(single, ())):
            if name in candidates:
                return name
    return ""
