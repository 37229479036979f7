from datetime import UTC, datetime, timedelta

import pytest

from tools.errors import ActionRefused
from tools.services.control import ServiceAction, Verb
from tools.services.pace import Pace, PastAction

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
WEB = ServiceAction("restart", "supervisor", "web")


def past(minutes: float, service: str = "web", verb: Verb = "restart") -> PastAction:
    action = ServiceAction(verb, "supervisor", service)
    return PastAction(action, NOW - timedelta(minutes=minutes))


def refusal(history: list[PastAction], action: ServiceAction = WEB) -> ActionRefused:
    with pytest.raises(ActionRefused) as caught:
        Pace().check(action, history, NOW)
    return caught.value


@pytest.mark.parametrize(
    "history",
    [
        [],
        [past(5)],
        [past(1, "db"), past(2, "front")],
        [past(61), past(62), past(63)],
        [past(10), past(20), past(60)],
        [past(m, f"s{m}") for m in range(1, 10)],
    ],
)
def test_what_is_rare_enough_is_allowed(history: list[PastAction]) -> None:
    Pace().check(WEB, history, NOW)


def test_a_service_cools_down() -> None:
    error = refusal([past(40), past(3)])
    assert error.message == "web was acted on (restart) 3 min ago"
    assert error.hint == "see first whether that helped; again in 2 min"


def test_the_cooldown_counts_from_the_newest_whatever_the_order() -> None:
    assert refusal([past(4), past(40)]).hint == refusal([past(40), past(4)]).hint
    assert refusal([past(4), past(40)]).hint.endswith("again in 60 s")


def test_another_verb_does_not_get_around_it() -> None:
    assert (
        "acted on (restart)"
        in refusal([past(1)], ServiceAction("stop", "supervisor", "web")).message
    )


def test_a_service_of_the_same_name_elsewhere_is_another_one() -> None:
    Pace().check(ServiceAction("restart", "docker", "web"), [past(1), past(10), past(20)], NOW)


def test_three_times_an_hour_and_service() -> None:
    error = refusal([past(50), past(30), past(10)])
    assert error.message == "web was acted on 3 times within an hour, and 3 is the limit"
    assert error.hint.endswith("again in 10 min")


def test_ten_times_an_hour_in_all() -> None:
    error = refusal([past(5 + n, f"s{n}") for n in range(10)])
    assert error.message == "services were acted on 10 times within an hour, and 10 is the limit"
    assert error.hint.endswith("again in 46 min")


def test_more_than_the_limit_takes_longer() -> None:
    error = refusal([past(50), past(40), past(30), past(10)])
    assert error.hint.endswith("again in 20 min")


def test_an_action_that_seems_to_come_from_the_future_counts() -> None:
    assert refusal([past(-600)]).message == "web was acted on (restart) 0 s ago"


def test_what_was_stopped_may_always_be_started() -> None:
    history = [past(3, verb="start"), past(2, verb="stop"), past(1, verb="start")]
    start = ServiceAction("start", "supervisor", "web")
    Pace().check(start, [*history, past(0.5, verb="stop")], NOW)
    assert refusal(history, start)


def test_the_limits_can_be_set() -> None:
    Pace(cooldown_s=10, max_per_service_hour=9).check(WEB, [past(m) for m in range(1, 9)], NOW)
    with pytest.raises(ActionRefused, match="0 is the limit"):
        Pace(max_per_hour=0).check(WEB, [], NOW)
