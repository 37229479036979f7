from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.incidents.incident import Incident, Signature
from knowledge.incidents.similarity import MIN_SCORE, IncidentIndex, rank_similar

POOL = Incident(
    "pool",
    "Pool exhausted",
    services=("checkout",),
    templates=(
        "ERROR connection pool of <host> exhausted after <n> ms",
        "PaymentError: cannot reserve <n> items: no connection",
        "INFO GET /healthz <n>",
    ),
)
DISK = Incident(
    "disk",
    "Disk full",
    services=("checkout",),
    templates=("write of segment <n> failed: no space left on device", "INFO GET /healthz <n>"),
)
KNOWN = (POOL, DISK)


def signature(
    templates: Iterable[str] = (), services: Iterable[str] = ("checkout",), symptoms: str = "slow"
) -> Signature:
    return Signature(tuple(templates), tuple(services), symptoms)


def score(observed: Signature, incidents: Iterable[Incident] = KNOWN, **cosines: float) -> float:
    """The score of the incident `pool`, 0 when it has nothing in common."""
    ranked = rank_similar(observed, incidents, symptom_similarity=cosines, min_score=0.0)
    return next((match.score for match in ranked if match.incident.id == "pool"), 0.0)


def test_the_same_lines_bring_the_incident_back_and_say_why() -> None:
    (match,) = rank_similar(signature(reversed(POOL.templates)), KNOWN)
    assert match.incident == POOL
    assert match.score > 0.6
    assert match.shared_templates == POOL.templates
    assert match.shared_services == ("checkout",)
    assert match.why == (
        "3 of its 3 log lines were seen again, above all: "
        "ERROR connection pool of <host> exhausted after <n> ms; same service: checkout"
    )


@pytest.mark.parametrize(
    "line",
    [
        "error  connection pool of <*> EXHAUSTED after 17.5 ms.",
        "ERROR connection pool of <uuid> exhausted after <num>ms",
        "ERROR connection pool of <host> exhausted after <n> ms (caller <id>)",
    ],
)
def test_a_line_is_known_again_with_other_marks_or_a_few_more_words(line: str) -> None:
    assert score(signature([line]), [POOL]) > 0.8 * score(signature(POOL.templates[:1]), [POOL]) > 0


@pytest.mark.parametrize(
    "line",
    ["ERROR connection to <host> refused", "INFO pool exhausted", "<n> <n> <n>", "", "exhausted"],
)
def test_another_line_is_not(line: str) -> None:
    assert score(signature([line])) == 0.0


def test_nothing_known_or_nothing_observed_matches_nothing() -> None:
    assert rank_similar(signature(POOL.templates), []) == []
    assert rank_similar(signature(), KNOWN, min_score=0.0) == []
    assert rank_similar(signature(services=()), [Incident("a", "A")], min_score=0.0) == []


def test_a_service_alone_is_no_resemblance() -> None:
    other_fault = ["FATAL certificate of <host> has expired", "INFO GET /healthz <n>"]
    assert rank_similar(signature(other_fault), KNOWN) == []


def test_lines_of_every_day_count_next_to_nothing() -> None:
    everyday = [f"WARN option {word} is not used" for word in "abcdefgh"]
    incidents = [
        Incident(f"i{n}", "I", templates=(*everyday, f"failed to {'do' * (n + 1)} it"))
        for n in range(50)
    ]
    only_everyday = rank_similar(signature(everyday, ()), incidents, min_score=0.0)
    assert max((match.score for match in only_everyday), default=0.0) < 0.1
    best = rank_similar(signature([*everyday, "failed to dodo it"], ()), incidents)
    assert [match.incident.id for match in best] == ["i1"]


def test_lines_that_all_incidents_of_a_service_have_tell_the_service_only() -> None:
    habit = "ERROR cache refresh failed"
    of_service = [
        Incident(f"s{n}", "S", services=("cart",), templates=(habit, f"{'no' * (n + 2)} failed"))
        for n in range(10)
    ]
    others = [
        Incident(f"o{n}", "O", services=("web",), templates=(f"{'on' * (n + 2)} failed",))
        for n in range(90)
    ]
    here = signature([habit], ["cart"])
    assert rank_similar(here, [*of_service, *others]) == []
    elsewhere = [replace(one, services=(f"x{n}",)) for n, one in enumerate(of_service)]
    scores = [match.score for match in rank_similar(here, [*elsewhere, *others], min_score=0.0)]
    assert min(scores) > 2 * rank_similar(here, [*of_service, *others], min_score=0.0)[0].score


def test_a_complaint_counts_as_much_as_the_logs_leave_open() -> None:
    without_logs = replace(POOL, templates=())
    assert score(signature(), pool=0.75) > MIN_SCORE
    assert score(signature(POOL.templates), [without_logs, DISK], pool=0.75) > MIN_SCORE
    assert 0 < score(signature(["ERROR connection refused"]), pool=0.95) < MIN_SCORE
    assert score(signature(), pool=0.3) == 0.0
    assert score(signature(), disk=0.9) == 0.0
    (match,) = rank_similar(signature(), [POOL], symptom_similarity={"pool": 0.75})
    assert match.why == "same service: checkout; similar complaint (0.75)"


def test_services_confirm_whatever_their_case() -> None:
    same = score(signature(POOL.templates, ["Checkout", "web"]))
    assert same == score(signature(POOL.templates)) <= 1.0
    unknown = score(signature(POOL.templates, ()))
    assert same > unknown > score(signature(POOL.templates, ["web"])) > 0


def test_the_newest_of_equals_comes_first() -> None:
    years = {"a": 2024, "b": 2026, "c": 2025}
    incidents = [
        replace(POOL, id=id_, occurred_at_utc=datetime(year, 1, 1, tzinfo=UTC))
        for id_, year in years.items()
    ]
    incidents.append(replace(POOL, id="undated"))
    ranked = rank_similar(signature(POOL.templates), incidents)
    assert [match.incident.id for match in ranked] == ["b", "c", "a", "undated"]


_WORDS = st.lists(
    st.sampled_from(["ab", "bc", "cd", "de", "ef", "fg", "gh", "hi", "ij"]),
    min_size=1,
    max_size=8,
    unique=True,
)
_LINES = st.lists(_WORDS.map(" ".join), max_size=6).map(tuple)
_INCIDENTS = st.lists(
    st.builds(
        lambda lines, services: Incident("x", "X", services=services, templates=lines),
        _LINES,
        st.lists(st.sampled_from(["s", "t", "u"]), max_size=2).map(tuple),
    ),
    min_size=1,
    max_size=6,
).map(lambda found: [replace(one, id=f"i{number}") for number, one in enumerate(found)])


@settings(max_examples=200, deadline=None)
@given(
    incidents=_INCIDENTS,
    lines=_LINES.filter(bool),
    services=st.lists(st.sampled_from(["s", "t", "v"]), min_size=1, max_size=2).map(tuple),
    cosine=st.floats(-1, 1),
    data=st.data(),
)
def test_more_in_common_never_scores_less(
    incidents: list[Incident],
    lines: tuple[str, ...],
    services: tuple[str, ...],
    cosine: float,
    data: st.DataObject,
) -> None:
    index = IncidentIndex(incidents)
    target = data.draw(st.sampled_from(incidents))

    def scored(observed: Signature, cosine: float) -> float:
        cosines = {target.id: cosine}
        found = index.similar(observed, symptom_similarity=cosines, min_score=0.0)
        assert all(0.0 <= match.score <= 1.0 for match in found)
        return next((match.score for match in found if match.incident == target), 0.0)

    before = scored(Signature(lines, services, ""), cosine)
    assert scored(Signature(lines, services, ""), cosine + 0.1) >= before
    if target.templates:
        more = (*lines, data.draw(st.sampled_from(target.templates)))
        assert scored(Signature(more, services, ""), cosine) >= before - 1e-12
    if target.services:
        named = (*services, data.draw(st.sampled_from(target.services)))
        assert scored(Signature(lines, named, ""), cosine) >= before - 1e-12


@settings(max_examples=300, deadline=None)
@given(
    known=_LINES.filter(bool), more=_WORDS, num_kept=st.integers(1, 8), num_more=st.integers(0, 3)
)
def test_every_line_that_shares_enough_words_is_found(
    known: tuple[str, ...], more: list[str], num_kept: int, num_more: int
) -> None:
    words = {*known[0].split()[:num_kept], *more[:num_more]}
    expected = {
        line
        for line in known
        if len(words & set(line.split())) >= 0.7 * len(words | set(line.split())) and len(words) > 1
    }
    observed = signature([" ".join(sorted(words))])
    match = rank_similar(observed, [Incident("a", "A", templates=known)], min_score=0.0)
    found = {line for one in match for line in one.shared_templates}
    assert found - {" ".join(sorted(words))} == expected - {" ".join(sorted(words))}


def test_a_line_that_is_the_same_is_not_made_less_by_others_that_are_alike() -> None:
    line = POOL.templates[0]
    alike = [f"{line} {word}" for word in ("again", "here", "now", "today", "twice")]
    assert score(signature([line, *alike])) == score(signature([line]))
    assert score(signature(alike[:1])) < score(signature([line]))


@dataclass(frozen=True)
class World:
    """Services with lines of their own, and faults that come back: what a memory fills up with."""

    dice: random.Random
    services: dict[str, tuple[str, ...]]
    faults: list[tuple[str, tuple[str, ...]]]

    def lines(self, service: str, fault: Iterable[str]) -> tuple[str, ...]:
        habitual = self.dice.sample(self.services[service], 4)
        return (*fault, *habitual, *self.dice.sample(EVERYWHERE, 4))

    def happen(self, number: int) -> tuple[str, tuple[str, ...]]:
        """A fault's service and lines; some are missed, some have changed with the version."""
        service, fault = self.faults[number]
        seen = [line for line in fault if self.dice.random() < 0.85] or fault
        changed = [f"{line} trace <id>" if self.dice.random() < 0.2 else line for line in seen]
        return service, self.lines(service, changed)

    def happen_anew(self) -> tuple[str, tuple[str, ...]]:
        service = self.dice.choice(list(self.services))
        return service, self.lines(service, fault_lines(self.dice))


SUBJECTS = [
    "orders",
    "cart",
    "cache",
    "index",
    "shard",
    "token",
    "invoice",
    "queue",
    "topic",
    "volume",
]
VERBS = ["write", "read", "open", "close", "renew", "acquire", "flush", "commit", "fetch", "parse"]
FAILURES = [
    "connection refused",
    "timed out",
    "permission denied",
    "no space left on device",
    "checksum mismatch",
    "deadlock detected",
    "quota exceeded",
    "certificate expired",
]
EVERYWHERE = [
    "GET /healthz <n> <n> ms",
    "INFO heartbeat ok",
    "INFO gc pause <n> ms",
    "WARN deprecated option in config",
    "INFO metrics scraped in <n> ms",
]


def fault_lines(dice: random.Random) -> tuple[str, ...]:
    return tuple(fault_line(dice) for _ in range(dice.randint(1, 6)))


def fault_line(dice: random.Random) -> str:
    subject, other, verb = dice.choice(SUBJECTS), dice.choice(SUBJECTS), dice.choice(VERBS)
    failure = dice.choice(FAILURES)
    forms = [
        f"ERROR failed to {verb} {subject} <n> of {other}: {failure}",
        f"{subject.title()}Exception: cannot {verb} {other} on <host>: {failure}",
        f"WARN retrying {verb} of {subject} in <n> ms: {failure} (attempt <n>)",
        f"{subject} {verb}er: {other} {failure} after <n> ms",
    ]
    return dice.choice(forms)


def world(seed: int, num_services: int, num_faults: int) -> World:
    dice = random.Random(seed)
    services = {
        f"service-{number}": (
            *(
                f"INFO {chr(97 + number)}x {dice.choice(VERBS)} {one} in <n> ms"
                for one in SUBJECTS[:6]
            ),
            fault_line(dice),
        )
        for number in range(num_services)
    }
    faults = [(dice.choice(list(services)), fault_lines(dice)) for _ in range(num_faults)]
    return World(dice, services, faults)


def remembered(here: World, numbers: Iterable[int]) -> list[Incident]:
    """An incident for each of the faults `numbers`, with its number as title."""
    happened = [(number, *here.happen(number)) for number in numbers]
    return [
        Incident(f"i{position}", str(number), services=(service,), templates=lines)
        for position, (number, service, lines) in enumerate(happened)
    ]


@pytest.mark.parametrize(
    ("num_services", "num_faults", "num_incidents", "most_false"),
    [
        (1, 1, 1, 0.15),
        (1, 1, 12, 0.2),
        (1, 3, 3, 0.1),
        (1, 4, 12, 0.05),
        (3, 10, 100, 0.05),
        (10, 60, 100, 0.05),
    ],
)
def test_a_fault_that_came_back_is_told_from_another_fault(
    num_services: int, num_faults: int, num_incidents: int, most_false: float
) -> None:
    came_back, misled, false = [], [], []
    for seed in range(12):
        here = world(seed, num_services, num_faults)
        numbers = [here.dice.randrange(num_faults) for _ in range(num_incidents)]
        index = IncidentIndex(remembered(here, numbers))
        for _ in range(10):
            number = here.dice.choice(numbers)
            service, lines = here.happen(number)
            found = [one.incident.title for one in index.similar(signature(lines, [service]))]
            came_back.append(str(number) in found)
            misled.append(found[:1] not in ([], [str(number)]))
            service, lines = here.happen_anew()
            false.append(bool(index.similar(signature(lines, [service]))))
    assert sum(came_back) >= 0.9 * len(came_back)
    assert sum(misled) <= 0.02 * len(misled)
    assert sum(false) <= most_false * len(false)
