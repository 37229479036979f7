"""How much each log line of a known incident tells about it: the weight of a line, 0 to 1.

Rare lines tell much, after the inverse document frequency of information retrieval; but what is
counted are faults, not incidents, or a fault that keeps coming back would hide itself. A line that
all faults of a service have tells the service. And as long as the memory is too young for counting,
what a line says itself must do.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from math import log, sqrt

from knowledge.incidents.families import families

# A line of every day tells less than one that speaks of a fault, however rare it is yet.
_PLAIN_LINE = 0.15
# What is left of the weight of a line that every fault of a service has.
_HABITUAL_LINE = 0.1
_MIN_FAULTS_OF_HABIT = 4

# How words begin or end that speak of a fault.
_FAULT = re.compile(
    r"\b(?:abort|broke|cannot|corrupt|crash|crit|deadlock|denied|drop|err\b|evict|exceed|exhaust"
    r"|expired|fail|fatal|full\b|hung\b|invalid|kill|leak|lost\b|missing|not\b|oom|overflow|panic"
    r"|refus|reject|reset|retr(?:y|ies)|segfault|stuck|terminat|throttl|time(?:d )?out|traceback"
    r"|un(?:able|auth|avail|expect|health|reach)|violat)|(?:error|exception)s?\b"
)


@dataclass(frozen=True, slots=True)
class WordedIncident:
    """The wordings of an incident's lines (lower-case words), and its services in one case."""

    lines: frozenset[str]
    services: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Fault:
    """What the incidents of one family have between them."""

    lines: set[str] = field(default_factory=set)
    services: set[str] = field(default_factory=set)


def line_weights(incidents: Sequence[WordedIncident]) -> list[dict[str, float]]:
    """The weights of the lines of each incident."""
    faults = _faults(incidents)
    weights = _weights([fault.lines for fault in faults])
    habits = _habits(faults)
    return [
        {line: weights[line] * _habit(line, one.services, habits) for line in one.lines}
        for one in incidents
    ]


def _faults(incidents: Sequence[WordedIncident]) -> list[_Fault]:
    weights = _weights([one.lines for one in incidents])
    numbers = families([{line: weights[line] for line in one.lines} for one in incidents])
    faults: defaultdict[int, _Fault] = defaultdict(_Fault)
    for number, one in zip(numbers, incidents, strict=True):
        faults[number].lines.update(one.lines)
        faults[number].services.update(one.services)
    return list(faults.values())


def _weights(groups: Sequence[Collection[str]]) -> dict[str, float]:
    counts = Counter(chain.from_iterable(groups))
    return {line: _rarity(count, len(groups)) * _telling(line) for line, count in counts.items()}


def _rarity(count: int, total: int) -> float:
    """1 for a line that one of them has, about 0 for one that all of many have."""
    return sqrt(log((total + 1) / count) / log(total + 1))


def _telling(line: str) -> float:
    return 1.0 if _FAULT.search(line) else _PLAIN_LINE


def _habits(faults: Iterable[_Fault]) -> dict[str, dict[str, float]]:
    """By service: what is left of the weight of the lines that its faults share."""
    of_service: defaultdict[str, list[set[str]]] = defaultdict(list)
    for fault in faults:
        for service in fault.services:
            of_service[service].append(fault.lines)
    return {
        service: _shared_by(lines)
        for service, lines in of_service.items()
        if len(lines) >= _MIN_FAULTS_OF_HABIT
    }


def _shared_by(faults: Sequence[Collection[str]]) -> dict[str, float]:
    num_others = len(faults) - 1
    return {
        line: 1 - (1 - _HABITUAL_LINE) * (count - 1) / num_others
        for line, count in Counter(chain.from_iterable(faults)).items()
        if count > 1
    }


def _habit(line: str, services: Iterable[str], habits: Mapping[str, Mapping[str, float]]) -> float:
    return min((habits[one].get(line, 1.0) for one in services if one in habits), default=1.0)
