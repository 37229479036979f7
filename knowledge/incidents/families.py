"""Which of the known incidents are one fault that came back.

A line that stands in many incidents tells little when these are many faults, and much when they are
one: how rare a line is must be counted in faults. Incidents are put together by their log lines
alone, because people describe the same fault in new words each time.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

# Of the weight of all lines of two incidents, they share this much when they are one fault.
_MIN_SHARED_WEIGHT = 0.5
# How many of its rarest lines lead from an incident to others, and how many of them must be shared.
_LEADS, _MIN_SHARED_LEADS = 4, 2


def families(incidents: Sequence[Mapping[str, float]]) -> list[int]:
    """The number of the family of each incident, which is given as the weights of its lines.

    Families are numbered from 0 in the order of their first incident. To be one, incidents must be
    like the first of them.
    """
    counts = Counter(chain.from_iterable(incidents))
    firsts: list[Mapping[str, float]] = []
    with_line: defaultdict[str, list[int]] = defaultdict(list)
    numbers: list[int] = []
    for weights in incidents:
        leads = sorted((line for line in weights if counts[line] > 1), key=counts.__getitem__)
        leads = leads[:_LEADS]
        number = _most_alike(weights, _candidates(leads, with_line), firsts)
        if number is None:
            number = len(firsts)
            firsts.append(weights)
            for line in weights:
                with_line[line].append(number)
        numbers.append(number)
    return numbers


def _candidates(leads: Sequence[str], with_line: Mapping[str, Iterable[int]]) -> list[int]:
    shared = Counter(chain.from_iterable(with_line.get(line, ()) for line in leads))
    needed = min(_MIN_SHARED_LEADS, len(leads))
    return [number for number, count in shared.items() if count >= needed]


def _most_alike(
    weights: Mapping[str, float], candidates: Iterable[int], firsts: Sequence[Mapping[str, float]]
) -> int | None:
    alike = {number: _shared_weight(weights, firsts[number]) for number in candidates}
    best = max(alike, key=alike.__getitem__, default=None)
    return best if best is not None and alike[best] >= _MIN_SHARED_WEIGHT else None


def _shared_weight(weights: Mapping[str, float], others: Mapping[str, float]) -> float:
    """The share of the weight of all their lines that is in lines of both."""
    shared = sum(weights[line] for line in weights.keys() & others.keys())
    return shared / ((sum(weights.values()) + sum(others.values()) - shared) or 1.0)
