from __future__ import annotations

import pytest

from tests.tools.host.recorded import Recorded, process, texts, troubles, unseen
from tools.host.load import look_at_load


def test_a_healthy_machine(machine: Recorded) -> None:
    looks = list(look_at_load(machine.host()))
    assert troubles(looks) == []
    assert texts(looks) == [
        "load: 0.5, 0.4, 0.3 (1, 5, 15 min) on 4 CPUs",
        "uptime: 12 days",
    ]
    assert unseen(looks) == ["cpu pressure"]


@pytest.mark.parametrize(
    ("load", "suspicion", "trend"),
    [((8, 4, 2), 0.5, "rising"), ((8, 9, 12), 0.5, "falling"), ((20, 9, 2), 0.7, "rising")],
)
def test_more_wants_to_run_than_can(
    machine: Recorded, load: tuple[float, float, float], suspicion: float, trend: str
) -> None:
    machine.system.load_now = load
    machine.system.process_list = [process(7, "ffmpeg", cpu_s=10.0), process(8, cpu_s=50.0)]
    machine.system.later = [process(7, "ffmpeg", cpu_s=10.6), process(8, cpu_s=50.0)]
    (fact,) = troubles(look_at_load(machine.host()))
    assert fact.suspicion == suspicion
    assert trend in fact.note
    assert "busiest: ffmpeg (pid 7), 300% of one" in fact.note


def test_a_pid_that_was_given_again_is_another_process(machine: Recorded) -> None:
    machine.system.load_now = (9, 9, 9)
    machine.system.process_list = [process(7, "old", cpu_s=1.0)]
    machine.system.later = [process(7, "new", cpu_s=9.0)]
    (fact,) = troubles(look_at_load(machine.host()))
    assert "busiest" not in fact.note


@pytest.mark.parametrize(("uptime_s", "suspicion"), [(60, [0.5]), (3600, [0.35]), (3 * 3600, [])])
def test_a_machine_that_was_just_started(
    machine: Recorded, uptime_s: float, suspicion: list[float]
) -> None:
    machine.system.uptime_now_s = uptime_s
    assert [fact.suspicion for fact in troubles(look_at_load(machine.host()))] == suspicion


def test_a_system_without_a_load(machine: Recorded) -> None:
    machine.system.load_now = None
    assert "load" in unseen(look_at_load(machine.host()))
