from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from assistant.engine.idle import IdleProcessors, ProcessorClock


class Machine:
    """A file like /proc/stat with the processors that this process may use, and one more."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "stat"
        self.now_s = 0.0
        self.busy = dict.fromkeys(os.sched_getaffinity(0), 0)
        self.idle = dict.fromkeys(self.busy, 0)
        self.write()

    def write(self) -> None:
        lines = ["cpu  999 0 0 999 0 0 0 0 0 0"]
        lines += [f"cpu{n} {self.busy[n]} 0 0 {self.idle[n]} 0 0 0 0 0 0" for n in self.busy]
        lines += ["cpu4711 0 0 0 123456 0 0 0 0 0 0", "intr 5 0 0", "ctxt 7"]
        self.path.write_text("\n".join(lines) + "\n")

    def run(self, seconds: float, num_idle: int) -> None:
        for place, number in enumerate(self.busy):
            (self.idle if place < num_idle else self.busy)[number] += int(100 * seconds)
        self.now_s += seconds
        self.write()


def test_idle_processors_are_counted_since_the_last_time(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    idle = IdleProcessors(machine.path, lambda: machine.now_s)
    machine.run(1.0, num_idle=1)
    assert idle.number() == pytest.approx(1)
    machine.run(0.5, num_idle=0)
    assert idle.number() == pytest.approx(0)


def test_too_short_a_time_tells_nothing(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    idle = IdleProcessors(machine.path, lambda: machine.now_s)
    machine.run(0.2, num_idle=1)
    assert idle.number() is None
    machine.run(0.2, num_idle=1)
    assert idle.number() == pytest.approx(1)


@pytest.mark.parametrize("content", [None, "", "no processors here", "cpu0 x y z", "\n\n"])
def test_kernel_that_does_not_tell(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "stat"
    if content is not None:
        path.write_text(content)
    times = iter(range(10))
    idle = IdleProcessors(path, lambda: next(times))
    assert idle.number() is None


def test_real_kernel_tells_a_number_of_processors() -> None:
    times = iter(range(10))
    idle = IdleProcessors(now=lambda: next(times))
    sum(n * n for n in range(300_000))
    number = idle.number()
    assert number is None or 0 <= number <= len(os.sched_getaffinity(0))


def test_clock_tells_computing_from_waiting() -> None:
    clock = ProcessorClock()
    time.sleep(0.1)
    assert not clock.is_ours(1)
    assert clock.wall_s >= 0.1
    # More threads than there are cannot all have computed.
    assert not ProcessorClock().is_ours(10_000)


def test_clock_of_this_thread_sees_that_others_computed() -> None:
    clock = ProcessorClock()
    other = threading.Thread(target=lambda: sum(n * n for n in range(2_000_000)))
    other.start()
    other.join()
    assert not clock.is_ours(1)
