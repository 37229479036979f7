"""`survey_host`: one read-only look at the machine that midwatch runs on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from tools.host.clock import look_at_clock
from tools.host.disks import look_at_disks
from tools.host.facts import Fact, Look, Unseen
from tools.host.group_limits import look_at_groups
from tools.host.host import Checkpoint, Host, go_on, this_machine, watch
from tools.host.kernel_log import look_at_kernel_log
from tools.host.limits import look_at_limits
from tools.host.load import look_at_load
from tools.host.memory import look_at_memory
from tools.host.network import look_at_network
from tools.host.processes import look_at_open_files, look_at_processes
from tools.host.system import System
from tools.result import Status, ToolResult

MAX_FINDINGS = 12
# Healthy figures that people ask for; of the others the summary gives the names.
_TOLD = frozenset(("memory", "swap", "load", "uptime", "disk", "group", "processes", "ports"))
_NO_SERVICES: Mapping[str, int] = MappingProxyType({})


def survey_host(
    services: Mapping[str, int] = _NO_SERVICES,
    *,
    with_healthy: bool = False,
    system: System | None = None,
    root: Path = Path("/"),
    checkpoint: Checkpoint = go_on,
) -> ToolResult:
    """What is wrong with this machine or near a limit, worst first; healthy figures in the summary.

    `services` (name: pid) are looked at one by one. `with_healthy` makes findings of the healthy
    figures, too, for questions about them. Takes about 0.3 s. `checkpoint` is called between the
    steps and may raise. Nothing is changed, and no other program is started.
    """
    host = watch(system or this_machine(), root, checkpoint)
    looks = list(_looks(host, services, checkpoint))
    facts = [look for look in looks if isinstance(look, Fact)]
    unseen = [look.what for look in looks if isinstance(look, Unseen)]
    troubles = sorted((f for f in facts if f.is_trouble), key=lambda fact: -fact.suspicion)
    healthy = [fact for fact in facts if not fact.is_trouble]
    shown = [*troubles[:MAX_FINDINGS], *(healthy if with_healthy else [])]
    return ToolResult(
        Status.OK if shown else Status.NO_DATA,
        _summary(troubles, healthy, unseen),
        tuple(fact.finding() for fact in shown),
        omitted=len(troubles[MAX_FINDINGS:]),
    )


def _looks(host: Host, services: Mapping[str, int], checkpoint: Checkpoint) -> Iterator[Look]:
    steps: Sequence[Callable[[Host], Iterable[Look]]] = (
        look_at_memory,
        look_at_load,
        look_at_disks,
        look_at_processes,
        lambda host: look_at_open_files(host, services),
        look_at_limits,
        lambda host: look_at_groups(host, services),
        look_at_network,
        look_at_clock,
        look_at_kernel_log,
    )
    for step in steps:
        checkpoint()
        yield from step(host)


def _summary(troubles: Sequence[Fact], healthy: Sequence[Fact], unseen: Sequence[str]) -> str:
    lines = [f"This machine was looked at; {_verdict(troubles)}."]
    told = [fact.text for fact in healthy if fact.topic in _TOLD]
    others = dict.fromkeys(fact.topic for fact in healthy if fact.topic not in _TOLD)
    if told:
        lines.append(f"Healthy: {'; '.join(told)}.")
    if others:
        lines.append(f"Healthy as well: {', '.join(others)}.")
    if unseen:
        lines.append(f"Not visible here: {', '.join(dict.fromkeys(unseen))}.")
    return "\n".join(lines)


def _verdict(troubles: Sequence[Fact]) -> str:
    if not troubles:
        return "nothing is wrong or near a limit"
    topics = ", ".join(dict.fromkeys(fact.topic for fact in troubles))
    number = "1 figure is" if len(troubles) == 1 else f"{len(troubles)} figures are"
    return f"{number} wrong or near a limit: {topics}"
