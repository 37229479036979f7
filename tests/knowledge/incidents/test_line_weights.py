from __future__ import annotations

import pytest

from knowledge.incidents.line_weights import WordedIncident, line_weights


def weights(*incidents: str) -> list[dict[str, float]]:
    """Of incidents given as `service: line, line`, each line as a failure."""
    parsed = [text.partition(": ") for text in incidents]
    return line_weights(
        [
            WordedIncident(
                frozenset(f"{line} failed" for line in lines.split(", ")),
                frozenset([service] if service else []),
            )
            for service, _, lines in parsed
        ]
    )


def test_a_line_of_one_incident_weighs_most_and_one_of_all_next_to_nothing() -> None:
    found = weights(*(f": all, half {n % 2}, own {n}, self {n}" for n in range(40)))
    assert found[3]["own 3 failed"] == 1.0
    assert 0.2 < found[3]["half 1 failed"] < 0.5
    assert found[3]["all failed"] < 0.1


def test_a_fault_that_keeps_coming_back_does_not_hide_itself() -> None:
    assert weights(*[": pool, timeout"] * 20) == weights(": pool, timeout") * 20
    found = weights(*[": pool, timeout"] * 20, ": disk, volume")
    assert found[0]["pool failed"] == found[20]["disk failed"]


def test_a_line_that_all_faults_of_a_service_have_tells_only_the_service() -> None:
    cart = [f"cart: habit, own {n}, self {n}" for n in range(5)]
    found = weights(*cart, *(f"web: only {n}, alone {n}" for n in range(95)))
    as_rare = weights(*(text[4:] for text in cart), *(f": only {n}, alone {n}" for n in range(95)))
    assert found[0]["habit failed"] == pytest.approx(0.1 * as_rare[0]["habit failed"])
    assert found[0]["own 0 failed"] == 1.0
    few = weights(*cart[:3], *(f"web: only {n}, alone {n}" for n in range(95)))
    assert few[0]["habit failed"] > 0.5


@pytest.mark.parametrize(
    ("line", "is_fault"),
    [
        ("connection refused", True),
        ("psycopg operationalerror in pool", True),
        ("java lang nullpointerexception", True),
        ("request timed out", True),
        ("could not bind", True),
        ("get healthz", False),
        ("cache refreshed in ms", False),
        ("fullname set", False),
    ],
)
def test_a_line_that_speaks_of_a_fault_weighs_more(line: str, is_fault: bool) -> None:
    ((weight,),) = (
        one.values() for one in line_weights([WordedIncident(frozenset([line]), frozenset())])
    )
    assert weight == (1.0 if is_fault else 0.15)
