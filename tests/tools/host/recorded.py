"""A machine that is written down: readings as values, /proc and /sys as files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tools.host.facts import GIB, Fact, Look, Unseen
from tools.host.host import Host, watch
from tools.host.system import Clock, DiskSpace, LinkCounters, Memory, ProcessReading

HEALTHY_PRESSURE = (
    "some avg10=0.00 avg60=0.00 avg300=0.00 total=7\n"
    "full avg10=0.00 avg60=0.00 avg300=0.00 total=5\n"
)


@dataclass
class RecordedSystem:
    """A healthy machine of 4 CPUs and 16 GiB, unless changed."""

    memory_now: Memory = field(default_factory=lambda: Memory(16 * GIB, 8 * GIB))
    load_now: tuple[float, float, float] | None = (0.5, 0.4, 0.3)
    uptime_now_s: float = 12 * 86400
    space: dict[str, DiskSpace] = field(default_factory=dict)
    points: list[tuple[str, str, str]] = field(default_factory=list)
    process_list: list[ProcessReading] = field(default_factory=list)
    later: list[ProcessReading] | None = None
    open_files: dict[int, int] = field(default_factory=dict)
    link_list: list[LinkCounters] = field(default_factory=list)
    clock_now: Clock | None = field(default_factory=lambda: Clock(True, 0.004))
    waited_s: float = 0.0
    asked_points: list[str] = field(default_factory=list)

    def memory(self) -> Memory:
        return self.memory_now

    def load(self) -> tuple[float, float, float] | None:
        return self.load_now

    def num_processors(self) -> int:
        return 4

    def uptime_s(self) -> float:
        return self.uptime_now_s + self.waited_s

    def mount_points(self) -> Sequence[tuple[str, str, str]]:
        return self.points

    def disk_space(self, point: str) -> DiskSpace | None:
        self.asked_points.append(point)
        return self.space.get(point)

    def processes(self) -> Sequence[ProcessReading]:
        return self.later if self.later is not None and self.waited_s else self.process_list

    def num_open_files(self, pid: int) -> int | None:
        return self.open_files.get(pid)

    def links(self) -> Sequence[LinkCounters]:
        return self.link_list

    def clock(self) -> Clock | None:
        return self.clock_now

    def wait(self, seconds: float) -> None:
        self.waited_s += seconds


@dataclass(frozen=True)
class Recorded:
    """A recorded machine: `system` and the files below `root`."""

    system: RecordedSystem
    root: Path

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def host(self) -> Host:
        return watch(self.system, self.root)


def process(pid: int, name: str = "app", **changes: object) -> ProcessReading:
    return replace(ProcessReading(pid, 1, name, "sleeping"), **changes)  # type: ignore[arg-type]


def troubles(looks: Iterable[Look]) -> list[Fact]:
    return [look for look in looks if isinstance(look, Fact) and look.is_trouble]


def texts(looks: Iterable[Look]) -> list[str]:
    return [look.text for look in looks if isinstance(look, Fact)]


def unseen(looks: Iterable[Look]) -> list[str]:
    return [look.what for look in looks if isinstance(look, Unseen)]
