from __future__ import annotations

import sys

import pytest

from tests.tools.host.recorded import Recorded, process, texts, troubles, unseen
from tools.host.adjtimex import read_clock
from tools.host.clock import look_at_clock
from tools.host.system import Clock


def test_a_clock_that_is_kept(machine: Recorded) -> None:
    looks = list(look_at_clock(machine.host()))
    assert troubles(looks) == []
    assert texts(looks) == ["clock: synchronised, error at most 0.004 s"]


@pytest.mark.parametrize(
    ("names", "note"),
    [(["init"], "no time daemon runs"), (["chronyd"], "chronyd runs but has not set it")],
)
def test_a_clock_that_is_not(machine: Recorded, names: list[str], note: str) -> None:
    machine.system.clock_now = Clock(False, 16.0)
    machine.system.process_list = [process(n, name) for n, name in enumerate(names)]
    (fact,) = troubles(look_at_clock(machine.host()))
    assert (fact.text, fact.note) == ("clock: not synchronised", note)
    assert fact.suspicion < 0.3


def test_a_system_that_does_not_tell(machine: Recorded) -> None:
    machine.system.clock_now = None
    assert unseen(look_at_clock(machine.host())) == ["clock synchronisation"]


@pytest.mark.skipif(sys.platform != "linux", reason="adjtimex is Linux's")
def test_the_kernel_of_this_machine_tells() -> None:
    clock = read_clock()
    assert clock is not None
    # Its unit is right: the kernel itself stops at 16 s.
    assert 0 <= clock.max_error_s <= 16.1
