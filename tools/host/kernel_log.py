"""The kernel's own log, for what it tells of failing hardware, memory and tables.

Read without taking anything from it, and only where this user may. Format of /dev/kmsg: the
kernel's documentation, ABI/testing/dev-kmsg.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tools.host.facts import Fact, Look, Unseen, age
from tools.host.host import Host

_MAX_TEXT_CHARS = 300
# What a message means, and how suspicious it is when it is new.
_TROUBLE: tuple[tuple[str, float, re.Pattern[str]], ...] = tuple(
    (meaning, suspicion, re.compile(pattern, re.IGNORECASE))
    for meaning, suspicion, pattern in (
        ("a process was killed for want of memory", 0.9, r"out of memory: kill|oom-kill:"),
        (
            "a disk or file system fails",
            0.9,
            r"\bI/O error|(?:EXT\d-fs|BTRFS)(?: \([^)]*\):)? (?:error|critical)"
            r"|remounting filesystem read-only"
            r"|XFS \(.*(?:corruption|shutdown|shutting down)|medium error|critical target error",
        ),
        ("the table of tracked connections is full", 0.9, r"nf_conntrack: table full"),
        ("the limit of open files is reached", 0.9, r"VFS: file-max limit"),
        ("no further process may be started", 0.85, r"fork rejected by pids controller"),
        ("hardware fails", 0.8, r"\[Hardware Error\]|Machine check events|EDAC .*\bUE\b"),
        ("the table of neighbours is full", 0.8, r"neighbou?r: .*table overflow"),
        ("a processor is stuck", 0.75, r"soft lockup|hard lockup|detected stalls? on"),
        ("a task is stuck", 0.7, r"blocked for more than \d+ seconds"),
        ("a program crashed", 0.6, r"segfault at|general protection fault|trap divide error"),
        ("connections arrive faster than they are accepted", 0.55, r"possible SYN flooding"),
        ("a network link went down", 0.5, r"\blink (?:is )?(?:not ready|down)\b"),
        ("the processor is too hot", 0.5, r"temperature above threshold|cpu clock throttled"),
    )
)
# Until this age in seconds, a message counts that much. An old kill is not why something fails
# now: after an hour it is background.
_FADING = ((1800, 1.0), (3600, 0.7), (14400, 0.32))
_OLD = 0.2


@dataclass(frozen=True, slots=True)
class KernelMessage:
    """One message, `uptime_s` after the machine was started."""

    uptime_s: float
    text: str


def look_at_kernel_log(host: Host) -> Iterator[Look]:
    """For each kind of trouble the newest message, how many there were, and how old it is."""
    text = host.files.waiting("dev/kmsg")
    if text is None:
        yield Unseen("kernel log")
        return
    messages = parse_kernel_log(text)
    troubles = [
        fact
        for meaning, suspicion, pattern in _TROUBLE
        if (fact := _trouble(messages, pattern, meaning, suspicion, host.system.uptime_s()))
    ]
    yield from troubles or [Fact("kernel log", "kernel log: no trouble")]


def parse_kernel_log(text: str) -> list[KernelMessage]:
    """The messages of `priority,number,microseconds,…;text`; lines with details are left out."""
    messages = []
    for line in text.splitlines():
        head, separator, message = line.partition(";")
        fields = head.split(",")
        if separator and len(fields) >= 4 and fields[2].isdigit():
            messages.append(KernelMessage(int(fields[2]) / 1e6, message.strip()))
    return messages


def _trouble(
    messages: Sequence[KernelMessage],
    pattern: re.Pattern[str],
    meaning: str,
    suspicion: float,
    uptime_s: float,
) -> Fact | None:
    found = [message for message in messages if pattern.search(message.text)]
    if not found:
        return None
    newest = found[-1]
    age_s = max(0.0, uptime_s - newest.uptime_s)
    weight = next((weight for until_s, weight in _FADING if age_s < until_s), _OLD)
    note = f"{meaning}; {age(age_s)} ago, {len(found)} of this kind in the kernel log"
    text = newest.text[:_MAX_TEXT_CHARS]
    return Fact("kernel log", text, note, round(suspicion * weight, 3))
