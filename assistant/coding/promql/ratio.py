"""Which of two metrics is the part and which the whole."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from assistant.coding.promql.names import Metric
from tools.metrics.names import fit, words_of

Pair = tuple[Metric, Metric]

_OF = re.compile(
    r"(?P<part>.*?)\bas (?:an? )?(?:\w+ )?(?:share|percent(?:age)?|fraction|ratio|proportion|%)"
    r" (?:of|to) (?P<whole>[^,;]*)"
    r"|(?P<part2>.*?)\b(?:relative to|compared (?:to|with)|divided by) (?P<whole2>[^,;]*)"
    r"|\bratio of (?P<part3>.*?) to (?P<whole3>[^,;]*)",
    re.DOTALL,
)
_WHOLE = re.compile(
    r"(?:limit|max|size|capacity|quota|allocatable|Total|desired|hard|requests?)(?:_|$)"
)


def ordered_pairs(words: str, metrics: Sequence[Metric]) -> list[Pair]:
    """The pairs of part and whole, all in question where neither words nor names tell."""
    pairs = list(itertools.permutations(metrics, 2))
    for weigh in (_by_words, _by_name):
        scores = [weigh(words, pair) for pair in pairs]
        if max(scores) > 0:
            return [pair for pair, score in zip(pairs, scores, strict=True) if score == max(scores)]
    return pairs


def _by_words(words: str, pair: Pair) -> float:
    """How much better the words fit the pair than the pair turned round."""
    match = _OF.search(words)
    if match is None:
        return 0.0
    part = words_of(match["part"] or match["part2"] or match["part3"] or "")
    whole = words_of(match["whole"] or match["whole2"] or match["whole3"] or "")
    one, other = pair[0].name, pair[1].name
    return fit(part, one) + fit(whole, other) - fit(part, other) - fit(whole, one)


def _by_name(_: str, pair: Pair) -> float:
    """`requests_failed_total` is a part of `requests_total`, and `used` one of a `limit`."""
    part, whole = (words_of(metric.name) for metric in pair)
    if whole < part:
        return 1.0
    is_whole = [bool(_WHOLE.search(metric.name)) for metric in pair]
    return 1.0 if is_whole == [False, True] and not part < whole else 0.0
