"""Who is let in, who is told to come again and when, and who is forgotten."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.access.errors import QuotaExceeded
from assistant.access.quotas import Admission, Limits, Quotas
from assistant.approvals.person import Person

ANNA, BEN = Person("slack", "anna"), Person("slack", "ben")


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def refusal(quotas: Quotas, person: Person, *, is_alert: bool = False) -> QuotaExceeded:
    with pytest.raises(QuotaExceeded) as refused:
        quotas.admit(person, is_alert=is_alert)
    return refused.value


def test_turns_at_once_are_free_again_when_one_ends(clock: Clock) -> None:
    quotas = Quotas(Limits(turns_at_once=2), clock=clock)
    first = quotas.admit(ANNA)
    quotas.admit(ANNA)
    told = refusal(quotas, ANNA)
    assert (told.quota, told.used, told.limit, told.retry_after_s) == ("turns at once", 2, 2, None)
    assert (told.code, told.hint) == ("quota", "try again when one of them has ended")
    assert "2 of 2 turns at once" in told.message
    quotas.admit(BEN)
    first.end()
    first.end()
    quotas.admit(ANNA)
    refusal(quotas, ANNA)


def test_turns_per_minute_say_when_to_come_again(clock: Clock) -> None:
    quotas = Quotas(Limits(turns_per_minute=3), clock=clock)
    for _ in range(3):
        quotas.admit(ANNA).end()
        clock.now += 10
    told = refusal(quotas, ANNA)
    assert (told.quota, told.used, told.limit) == ("turns per minute", 3, 3)
    assert told.retry_after_s == 31.0
    assert told.hint == "try again in 31 s"
    clock.now += told.retry_after_s
    quotas.admit(ANNA)
    assert refusal(quotas, ANNA).retry_after_s == 10.0


def test_a_refusal_counts_as_nothing(clock: Clock) -> None:
    quotas = Quotas(Limits(turns_per_minute=1, turns_per_hour=2), clock=clock)
    quotas.admit(ANNA)
    for _ in range(50):
        refusal(quotas, ANNA)
    clock.now += 61
    quotas.admit(ANNA)


def test_the_longest_wait_is_told(clock: Clock) -> None:
    quotas = Quotas(Limits(turns_per_minute=1, turns_per_hour=1), clock=clock)
    quotas.admit(ANNA)
    told = refusal(quotas, ANNA)
    assert told.quota == "turns per hour"
    assert told.retry_after_s is not None
    assert 3600 <= told.retry_after_s <= 3660
    assert told.hint == "try again in 61 min"


def test_tokens_of_a_day(clock: Clock) -> None:
    quotas = Quotas(Limits(tokens_per_day=1000), clock=clock)
    quotas.admit(ANNA).end(999)
    turn = quotas.admit(ANNA)
    turn.end(500)
    turn.end(500)
    told = refusal(quotas, ANNA)
    assert (told.quota, told.used, told.limit) == ("tokens per day", 1499, 1000)
    assert told.hint == "try again in 25 h"
    quotas.admit(BEN).end(10)
    clock.now += 25 * 3600
    quotas.admit(ANNA)


def test_alerts_count_apart_from_people(clock: Clock) -> None:
    quotas = Quotas(Limits(turns_per_minute=1), Limits(turns_per_minute=2), clock)
    quotas.admit(ANNA)
    quotas.admit(ANNA, is_alert=True)
    quotas.admit(ANNA, is_alert=True)
    assert refusal(quotas, ANNA).limit == 1
    assert refusal(quotas, ANNA, is_alert=True).limit == 2


def test_alerts_have_no_limit_unless_one_is_set(clock: Clock) -> None:
    quotas = Quotas(Limits(turns_at_once=1), clock=clock)
    for _ in range(100):
        quotas.admit(ANNA, is_alert=True)
    assert quotas.num_users == 0


def test_one_name_at_two_fronts_is_one_person_of_one_directory(clock: Clock) -> None:
    quotas = Quotas(Limits(turns_per_minute=1), clock=clock)
    quotas.admit(Person("cli", "anna"))
    refusal(quotas, Person("tui", "anna"))
    refusal(quotas, Person("cli", "anna", ("oncall",)))
    quotas.admit(Person("slack", "anna"))
    quotas.admit(Person("api", "anna"))


def test_zero_is_no_limit(clock: Clock) -> None:
    quotas = Quotas(Limits(), clock=clock)
    for _ in range(1000):
        quotas.admit(ANNA)
    assert quotas.num_users == 0


def test_who_is_gone_is_forgotten(clock: Clock) -> None:
    quotas = Quotas(Limits(turns_at_once=1, turns_per_minute=5), clock=clock)
    running = quotas.admit(ANNA)
    for number in range(50):
        quotas.admit(Person("slack", f"u{number}")).end()
    assert quotas.num_users == 51
    clock.now += 62
    quotas.admit(BEN)
    assert quotas.num_users == 2
    refusal(quotas, ANNA)
    running.end()
    quotas.admit(ANNA)


def test_never_more_users_than_the_most_and_a_running_turn_is_remembered(clock: Clock) -> None:
    quotas = Quotas(Limits(turns_at_once=1, turns_per_hour=9), clock=clock, max_users=10)
    running = quotas.admit(ANNA)
    for number in range(200):
        quotas.admit(Person("slack", f"u{number}")).end()
        assert quotas.num_users <= 10
    refusal(quotas, ANNA)
    running.end()
    quotas.admit(ANNA)


def test_a_turn_may_end_after_its_user_was_forgotten(clock: Clock) -> None:
    quotas = Quotas(Limits(turns_at_once=1), clock=clock, max_users=1)
    first, second = quotas.admit(ANNA), quotas.admit(BEN)
    first.end()
    second.end()
    quotas.admit(Person("slack", "cem")).end()
    quotas.admit(ANNA)
    refusal(quotas, ANNA)


def test_the_one_who_comes_when_all_places_are_taken_is_counted_too(clock: Clock) -> None:
    quotas = Quotas(Limits(turns_at_once=1), clock=clock, max_users=1)
    quotas.admit(ANNA)
    quotas.admit(BEN)
    refusal(quotas, BEN)
    refusal(quotas, ANNA)


def test_who_asked_lately_is_forgotten_last(clock: Clock) -> None:
    quotas = Quotas(Limits(turns_per_hour=1), clock=clock, max_users=2)
    quotas.admit(ANNA).end()
    quotas.admit(BEN).end()
    refusal(quotas, ANNA)
    quotas.admit(Person("slack", "cem")).end()
    refusal(quotas, ANNA)
    quotas.admit(BEN)


def test_a_clock_that_jumps(clock: Clock) -> None:
    quotas = Quotas(Limits(turns_per_minute=1), clock=clock)
    quotas.admit(ANNA)
    clock.now -= 500
    assert refusal(quotas, ANNA).retry_after_s == 61.0
    clock.now += 1e9
    quotas.admit(ANNA)


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.floats(0, 30), st.booleans(), st.integers(0, 400)),
        max_size=80,
    )
)
def test_the_limits_hold_whatever_happens(
    moves: list[tuple[int, float, bool, int]],
) -> None:
    clock = Clock()
    limits = Limits(turns_at_once=2, turns_per_minute=4, tokens_per_day=1000)
    quotas = Quotas(limits, clock=clock)
    people = [ANNA, BEN, Person("api", "ci")]
    running: dict[Person, list[Admission]] = {person: [] for person in people}
    begun: dict[Person, list[float]] = {person: [] for person in people}
    spent = dict.fromkeys(people, 0)
    for number, step, ends, tokens in moves:
        clock.now += step
        person = people[number]
        if ends and running[person]:
            running[person].pop().end(tokens)
            spent[person] += tokens
            continue
        lately = [time for time in begun[person] if time > clock.now - 60]
        is_within = len(running[person]) < 2 and len(lately) < 4 and spent[person] < 1000
        try:
            running[person].append(quotas.admit(person))
        except QuotaExceeded:
            older = [time for time in begun[person] if time > clock.now - 61]
            assert not is_within or len(older) >= 4
        else:
            assert is_within
            begun[person].append(clock.now)
