"""Which past incidents a new one resembles, and why.

Three things are compared. Log templates weigh most, each by how much it tells about the past
incident (`knowledge.incidents.line_weights`). The complaint in words counts where logs do not
contradict it; how near two complaints are is for the caller to say, who has the embedding model.
Services only confirm: two faults of one service are two faults.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import ceil

from knowledge.incidents.incident import Incident, Signature
from knowledge.incidents.line_weights import WordedIncident, line_weights

# Of a score. Calibrated on generated incidents (tests/knowledge/test_similarity.py): a fault that
# came back stands above it, another fault of the same service below.
MIN_SCORE = 0.35

# The same line in another version of a program has this share of the words of both.
_MIN_SHARED_WORDS = 0.7
# A word that is in more lines than this is no way to find one of them in time.
_MAX_LINES_OF_WORD = 2_000

# Lines of less weight are left out altogether.
_NEXT_TO_NOTHING = 0.03
# The weight of lines that proves half.
_HALF_PROOF = 0.7

# Cosines of sentence embeddings: of unrelated complaints, and of one complaint in other words.
_UNRELATED, _SAME = 0.3, 0.8
_COMPLAINT_ALONE = 0.75
_COMPLAINT_BESIDE_LOGS = 0.25
_OTHER_SERVICES, _UNKNOWN_SERVICES = 0.7, 0.85

_WORD = re.compile(r"<[^<>\s]{0,20}>|([^\W\d_]{2,})")


@dataclass(frozen=True, slots=True)
class IncidentMatch:
    """A past incident that resembles the new one.

    `score` is between 0 and 1. `shared_templates` are the past incident's own, the most telling
    first; `why` says in a sentence what the score rests on.
    """

    incident: Incident
    score: float
    shared_templates: tuple[str, ...]
    shared_services: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class _Known:
    """An incident as it is compared.

    By the wording of its lines: the lines as they are written, and how much each tells (0 to 1). By
    the name of its services in one case: as they are written.
    """

    incident: Incident
    templates: dict[str, str]
    weights: dict[str, float]
    services: dict[str, str]
    total_weight: float


@dataclass(frozen=True, slots=True)
class _Observed:
    """The new incident: the known wordings that its lines are like, and how alike (0 to 1)."""

    likeness: dict[str, float]
    services: frozenset[str]
    has_logs: bool

    def weights(self, known: _Known) -> dict[str, float]:
        """The lines of `known` that were seen again, and how much that tells."""
        shared = known.weights.keys() & self.likeness.keys()
        return {wording: known.weights[wording] * self.likeness[wording] for wording in shared}

    def score(self, known: _Known, cosine: float) -> float:
        """0 to 1: logs and complaint each leave less of the doubt, services confirm."""
        has_logs = self.has_logs and bool(known.templates)
        doubt = (1 - self._by_logs(known)) * (1 - _by_complaint(cosine, has_logs))
        return (1 - doubt) * self._by_services(known)

    def _by_logs(self, known: _Known) -> float:
        """The share of the incident's lines that was seen again; less where that proves little."""
        weights, likeness = known.weights, self.likeness
        weight = sum(weights[one] * likeness[one] for one in weights.keys() & likeness.keys())
        return weight / known.total_weight * weight / (weight + _HALF_PROOF) if weight else 0.0

    def _by_services(self, known: _Known) -> float:
        """1 when all services of the one are among the other's, less when none is."""
        num_possible = min(len(self.services), len(known.services))
        if num_possible == 0:
            return _UNKNOWN_SERVICES
        num_shared = len(self.services & known.services.keys())
        return _OTHER_SERVICES + (1 - _OTHER_SERVICES) * num_shared / num_possible


def rank_similar(
    signature: Signature,
    incidents: Iterable[Incident],
    *,
    symptom_similarity: Mapping[str, float] | None = None,
    min_score: float = MIN_SCORE,
) -> list[IncidentMatch]:
    """`IncidentIndex.similar` for a single question; making the index is most of the work."""
    index = IncidentIndex(incidents)
    return index.similar(signature, symptom_similarity=symptom_similarity, min_score=min_score)


class IncidentIndex:
    """The known incidents, ready to be compared with. Never changes; threads may share one."""

    def __init__(self, incidents: Iterable[Incident]) -> None:
        self._known = _known_of(list(incidents))
        self._having: defaultdict[str, list[int]] = defaultdict(list)
        for position, known in enumerate(self._known):
            for wording in known.weights:
                self._having[wording].append(position)
        self._with_word: defaultdict[str, list[str]] = defaultdict(list)
        for wording in self._having:
            for word in set(wording.split()):
                self._with_word[word].append(wording)

    def similar(
        self,
        signature: Signature,
        *,
        symptom_similarity: Mapping[str, float] | None = None,
        min_score: float = MIN_SCORE,
    ) -> list[IncidentMatch]:
        """The incidents that score `min_score` or more, best first, and the newest of equal ones.

        `symptom_similarity` has, by incident id, the cosine of the symptoms' embeddings. A larger
        one never lowers a score, nor does another service that both have, nor another line, unless
        it is the signature's first: a complaint alone counts more than one beside other logs.
        """
        cosines = symptom_similarity or {}
        observed = self._observed(signature)
        scored = (
            (known, observed.score(known, cosine), cosine)
            for known, cosine in self._candidates(observed, cosines)
        )
        matches = [_match(observed, *one) for one in scored if one[1] >= min_score]
        return sorted(matches, key=_order)

    def _observed(self, signature: Signature) -> _Observed:
        likeness: dict[str, float] = {}
        for wording in set(map(_wording, signature.templates)):
            for known, alike in self._alike(wording):
                likeness[known] = max(alike, likeness.get(known, 0.0))
        services = frozenset(name.casefold() for name in signature.services)
        return _Observed(likeness, services, bool(signature.templates))

    def _candidates(
        self, observed: _Observed, cosines: Mapping[str, float]
    ) -> Iterator[tuple[_Known, float]]:
        """The incidents that have more in common with the new one than services."""
        sharing = set(chain.from_iterable(self._having[wording] for wording in observed.likeness))
        for position, known in enumerate(self._known):
            cosine = cosines.get(known.incident.id, 0.0)
            if position in sharing or cosine > _UNRELATED:
                yield known, cosine

    def _alike(self, wording: str) -> Iterator[tuple[str, float]]:
        """Known lines that may be the same line, perhaps of another version, and how alike."""
        if wording in self._having:
            yield wording, 1.0
        words = frozenset(wording.split())
        for known in self._sharing_words(words) - {wording}:
            others = frozenset(known.split())
            shared = _jaccard(words, others)
            if shared >= _MIN_SHARED_WORDS:
                # Words in place of others make another fault sooner than more words do.
                yield known, shared if words <= others or words >= others else shared**3

    def _sharing_words(self, words: Collection[str]) -> set[str]:
        """The known lines that have two of the rarest of `words`.

        So many words are looked at that a line alike has two of them: those that it may lack, and
        two more.
        """
        rarest = sorted(words, key=lambda word: len(self._with_word.get(word, ())))
        num_rarest = len(words) - ceil(_MIN_SHARED_WORDS * len(words)) + 2
        lines = [self._with_word.get(word, ()) for word in rarest[:num_rarest]]
        counts = Counter(
            chain.from_iterable(some for some in lines if len(some) <= _MAX_LINES_OF_WORD)
        )
        return {line for line, count in counts.items() if count > 1}


def _wording(template: str) -> str:
    """The words of a template alone: marks, numbers and punctuation are left out."""
    return " ".join(filter(None, _WORD.findall(template.lower())))


def _known_of(incidents: Sequence[Incident]) -> list[_Known]:
    wordings = {line: _wording(line) for one in incidents for line in one.templates}
    templates = [
        {wordings[line]: line for line in one.templates if wordings[line]} for one in incidents
    ]
    services = [{name.casefold(): name for name in one.services} for one in incidents]
    worded = map(WordedIncident, map(frozenset, templates), map(frozenset, services))
    return list(map(_known, incidents, templates, services, line_weights(list(worded))))


def _known(
    incident: Incident,
    templates: dict[str, str],
    services: dict[str, str],
    weights: Mapping[str, float],
) -> _Known:
    telling = {line: weight for line, weight in weights.items() if weight > _NEXT_TO_NOTHING}
    return _Known(incident, templates, telling, services, sum(telling.values()))


def _jaccard(words: frozenset[str], others: frozenset[str]) -> float:
    """The share of all their words that both have."""
    shared = len(words & others)
    return shared / (len(words) + len(others) - shared)


def _by_complaint(cosine: float, has_logs: bool) -> float:
    most = _COMPLAINT_BESIDE_LOGS if has_logs else _COMPLAINT_ALONE
    return most * min(1.0, max(0.0, (cosine - _UNRELATED) / (_SAME - _UNRELATED)))


def _match(observed: _Observed, known: _Known, score: float, cosine: float) -> IncidentMatch:
    weights = observed.weights(known)
    best_first = sorted(weights, key=lambda wording: (-weights[wording], wording))
    templates = tuple(known.templates[wording] for wording in best_first)
    services = tuple(name for key, name in known.services.items() if key in observed.services)
    why = "; ".join(_reasons(templates, len(known.templates), services, cosine))
    return IncidentMatch(known.incident, score, templates, services, why)


def _reasons(
    templates: Sequence[str], num_lines: int, services: Sequence[str], cosine: float
) -> Iterator[str]:
    if templates:
        lines = "log line was" if num_lines == 1 else "log lines were"
        yield f"{len(templates)} of its {num_lines} {lines} seen again, above all: {templates[0]}"
    if services:
        yield f"same service: {', '.join(services)}"
    if cosine > _UNRELATED:
        yield f"similar complaint ({cosine:.2f})"


def _order(match: IncidentMatch) -> tuple[float, float, str]:
    time = match.incident.occurred_at_utc
    return -match.score, -time.timestamp() if time else 0.0, match.incident.id
