"""The words of a question that stand for an operator of PromQL, as patterns over lower case."""

from __future__ import annotations

import re
from typing import Literal

Aggregation = Literal["sum", "max", "min", "avg", "count"]

_AGGREGATIONS: tuple[tuple[Aggregation, str], ...] = (
    ("max", r"largest|biggest|highest|longest|maximum|max|worst|slowest|most"),
    ("min", r"smallest|lowest|shortest|minimum|min|fewest"),
    ("avg", r"average|avg|mean"),
    ("count", r"how many|number of|count of"),
    ("sum", r"total|sum|overall|altogether|all together|combined|across all"),
)
# "a maximum of 5" and "the allowed maximum" are limits.
_LIMITS = re.compile(
    r"(?:allowed |configured |possible )(?:maximum|max|minimum|min)|max(?:imum)? of"
)
_PERCENTILE = re.compile(
    r"\bp(?P<p>\d{2,3})\b|\b(?P<n>\d{1,2}(?:\.\d+)?)(?:th|st|nd|rd)? percentile"
)
_MEDIAN = re.compile(r"\bmedian\b")
# "over 5 minutes" and "above 10" compare with no other metric.
_NO_FIGURE = r"\b(?! (?:the (?:last|past|course)|an? |\d|all|time))"

PERCENT = re.compile(r"\bper ?cent(?:age)?\b")
SHARE = re.compile(
    r"\b(?:per ?cent(?:age)?|share|ratio|fraction|proportion|utili[sz]ation|relative to)\b|%"
)
FILTER = re.compile(
    r"\b(?:only|which (?:are|is)|that (?:are|is)|and (?:is|are)|but (?:is|are|not)|while|whose"
    r"|unless|except where)\b"
)
DIFFERENCE = re.compile(r"\b(?:difference|minus|gap between|left over|remaining)\b")
MORE_THAN = re.compile(
    rf"\b(?:above|over|exceed\w*|(?:more|greater|higher|larger) than){_NO_FIGURE}"
)
LESS_THAN = re.compile(rf"\b(?:below|under|(?:less|fewer|lower|smaller) than){_NO_FIGURE}")
DIFFERS = re.compile(
    r"\b(?:differ(?:s|ent|ing)?|unequal|mismatch\w*|not (?:equal|match|the same)|out of sync)\b"
)
CHANGES = re.compile(r"\b(?:chang|restart|flap|flip|switch|toggl)\w*\b")
GROWS = re.compile(r"\b(?:gr[eo]w\w*|increas\w*|ris(?:es|en|ing)|rose|climb\w*)\b")
FALLS = re.compile(r"\b(?:fell|fall\w*|dropp?(?:s|ed|ing)|decreas\w*|shrinks?|shr[au]nk)\b")
ABSENT = re.compile(
    r"\b(?:absent|no data|no series|missing|does not exist|not exist|disappeared|vanished"
    r"|not (?:reported|exposed|present))\b"
)
EITHER_WAY = re.compile(r"\b(?:either (?:direction|way)|absolute|plus or minus)\b")
FORECAST = re.compile(
    r"\b(?:will|going to)\b[^.,;]*\b(?:full|fill|run out|exhaust\w*|empty)\b|\bfills? up\b"
)
TIME_LEFT = re.compile(r"\b(?:expir\w*|left|remain\w*|until|run\w* out|next|due)\b")
AGE = re.compile(r"\b(?:ago|old\w*|since|last|start\w*|uptime|age|young\w*|stale)\b")
COUNTED = re.compile(r"\b(?:how many|how often|times|number of|count of)\b")
RATE = re.compile(r"\b(?:rate|per second|a second|throughput|/s)\b")
NEGATIVE = re.compile(
    r"\b(?:not|no|none|never|isn't|aren't|wasn't|without|down|fail\w*|unsuccessful\w*|unhealthy"
    r"|unreachable|unavailable|missing|broken|dead|off|inactive|zero|nothing|not ready)\b"
)
POSITIVE = re.compile(
    r"\b(?:is|are|was|were) (?:up|ready|healthy|active|enabled|successful|on|true)\b"
)
DENIED = re.compile(r"\b(?:not|except|excluding|other than|without)(?: the| for)? ([\w.-]+)")
LISTED = re.compile(r"(?P<first>[\w-]+(?:, [\w-]+)*),? or (?P<last>[\w-]+)")


def aggregation_in(text: str) -> Aggregation | None:
    """The aggregation that a word of `text` stands for."""
    text = _LIMITS.sub(" ", text)
    found = (name for name, words in _AGGREGATIONS if re.search(rf"\b(?:{words})\b(?! than)", text))
    return next(found, None)


def comparison_in(text: str) -> str:
    """The sign between two metrics that `text` compares with each other; empty: none."""
    if DIFFERS.search(text):
        return "!="
    if LESS_THAN.search(text):
        return "<"
    return ">" if MORE_THAN.search(text) else ""


def quantile_in(text: str) -> float | None:
    """0.99 of `p99` and `99th percentile`."""
    match = _PERCENTILE.search(text)
    if match is None:
        return 0.5 if _MEDIAN.search(text) else None
    # p999 is 99.9 %.
    return float(f"0.{match['p']}") if match["p"] else round(float(match["n"]) / 100, 6)
