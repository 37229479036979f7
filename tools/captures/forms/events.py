"""Kubernetes events, from `kubectl get events` and from the end of `kubectl describe`.

What an event is worth depends on what came after it: a pod that could not be scheduled and was
scheduled later has healed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tools.captures.observation import Notes, Reading
from tools.captures.quantities import age_s, in_words

_AGE = r"(?:[\dydhms]+|<unknown>|<invalid>)(?: \(x\d+ over [\dydhms<>a-z]+\))?"
_DESCRIBED = re.compile(
    rf"^\s+(?P<type>Normal|Warning)\s+(?P<reason>\S+)\s+(?P<age>{_AGE})\s+(?P<from>\S+(?:, \S+)?)"
    r"\s+(?P<message>.*)$"
)
_LISTED = re.compile(
    rf"^(?:(?P<namespace>\S+)\s+)?(?P<age>{_AGE})\s+(?P<type>Normal|Warning)\s+(?P<reason>\S+)\s+"
    r"(?P<object>\S+/\S+)\s+(?P<message>.*)$"
)
_LIST_HEADER = re.compile(r"^(?:NAMESPACE\s+)?LAST SEEN\s+TYPE\s+REASON\s+OBJECT")
_TIMES = re.compile(r"\(x(\d+) over ")
_HEALED_FACTOR = 0.3
_SETTLED_S = 300

_SUSPICIONS = {
    "FailedScheduling": 0.92,
    "Evicted": 0.92,
    "OOMKilling": 0.95,
    "SystemOOM": 0.92,
    "FailedCreate": 0.9,
    "FailedMount": 0.88,
    "FailedAttachVolume": 0.88,
    "ProvisioningFailed": 0.88,
    "FailedBinding": 0.8,
    "FailedCreatePodSandBox": 0.85,
    "NodeNotReady": 0.85,
    "EvictionThresholdMet": 0.85,
    "FailedGetResourceMetric": 0.82,
    "FailedGetPodsMetric": 0.82,
    "FailedGetExternalMetric": 0.82,
    "FailedComputeMetricsReplicas": 0.75,
    "KEDAScalerFailed": 0.85,
    "Unhealthy": 0.78,
    "InspectFailed": 0.85,
    "ErrImageNeverPull": 0.85,
    "DeadlineExceeded": 0.75,
    "BackoffLimitExceeded": 0.6,
    # They say that something fails, and not why.
    "BackOff": 0.5,
    "FailedToDrainNode": 0.5,
    # Printed at every start of a node in a container or a virtual machine.
    "InvalidDiskCapacity": 0.1,
    "CgroupV1": 0.05,
    "DNSConfigForming": 0.25,
    "UnexpectedJob": 0.3,
}
_DEFAULT = 0.6
# "Error: ImagePullBackOff" repeats what the event with the registry's answer says.
_ECHO = re.compile(r"^Error: (?:ErrImagePull|ImagePullBackOff)$|^Back-off pulling image")
_PROBE_KILL = re.compile(r"failed (?:liveness|startup) probe")
_HEALED_BY = {
    "FailedScheduling": ("Scheduled",),
    "Failed": ("Pulled", "Started"),
    "BackOff": ("Started",),
    "FailedMount": ("Pulled", "Created", "Started", "SuccessfulMountVolume"),
    "FailedAttachVolume": ("SuccessfulAttachVolume", "Pulled", "Created", "Started"),
    "FailedCreatePodSandBox": ("Pulled", "Created", "Started"),
    "FailedCreate": ("SuccessfulCreate",),
    "ProvisioningFailed": ("ProvisioningSucceeded",),
    "FailedBinding": ("ProvisioningSucceeded",),
    "NodeNotReady": ("NodeReady",),
    "EvictionThresholdMet": ("NodeHasSufficientMemory", "NodeHasNoDiskPressure"),
}


@dataclass(frozen=True, slots=True)
class Event:
    """One event; `age_s` is the time since it was last seen, None where that is not known."""

    place: int
    type: str
    reason: str
    age_s: float | None
    count: int
    message: str
    subject: str = ""


def described_event(place: int, line: str) -> Event | None:
    """The event of a row below `Events:` of a description."""
    match = _DESCRIBED.match(line)
    return _event(place, match, "") if match else None


def read_event_list(lines: Sequence[str], now: datetime | None) -> Reading:
    """The warnings of `kubectl get events` that nothing healed."""
    notes = Notes()
    events: dict[str, list[Event]] = {}
    for place, line in enumerate(lines):
        match = _LISTED.match(line)
        if match:
            event = _event(place, match, match["object"].lower())
            events.setdefault(event.subject, []).append(event)
            notes.know(place)
        elif _LIST_HEADER.match(line):
            notes.know(place)
    for own in events.values():
        judge_events(own, notes, is_well=False)
    return notes.reading()


def _event(place: int, match: re.Match[str], subject: str) -> Event:
    age, _, over = match["age"].partition(" (")
    times = _TIMES.search(f"({over}")
    return Event(
        place,
        match["type"],
        match["reason"],
        age_s(age),
        int(times[1]) if times else 1,
        match["message"].strip(),
        subject,
    )


def judge_events(events: Sequence[Event], notes: Notes, *, is_well: bool) -> None:
    """Add the warnings among the events of one object, given whether it is well now."""
    last = _last_by_reason(events)
    for event in events:
        notes.know(event.place)
        suspicion = _own_suspicion(event)
        if not suspicion:
            continue
        healer = _healer(event, last)
        if healer or (is_well and (event.age_s or 0) >= _SETTLED_S):
            suspicion *= _HEALED_FACTOR
            after = f"{healer.reason} came later" if healer else "the object is well now"
            notes.add(event.place, f"{_when(event)}; it has healed: {after}", suspicion)
        else:
            notes.add(event.place, _when(event), suspicion)


def _own_suspicion(event: Event) -> float:
    if event.type == "Normal":
        return 0.78 if event.reason == "Killing" and _PROBE_KILL.search(event.message) else 0.0
    if _ECHO.match(event.message):
        return 0.5
    if event.reason == "Failed":
        return 0.9 if "image" in event.message else 0.86
    return _SUSPICIONS.get(event.reason, _DEFAULT)


def _last_by_reason(events: Sequence[Event]) -> dict[str, Event]:
    last: dict[str, Event] = {}
    for event in events:
        known = last.get(event.reason)
        if known is None or _is_later(event, known):
            last[event.reason] = event
    return last


def _healer(event: Event, last: Mapping[str, Event]) -> Event | None:
    healers = [last[reason] for reason in _HEALED_BY.get(event.reason, ()) if reason in last]
    return next((healer for healer in healers if _is_later(healer, event)), None)


def _is_later(other: Event, event: Event) -> bool:
    if other.age_s is None or event.age_s is None:
        return other.place > event.place
    if other.age_s == event.age_s:
        return other.place > event.place and event.count == 1
    return other.age_s < event.age_s


def _when(event: Event) -> str:
    if event.age_s is None:
        return f"{event.reason} event"
    times = f", {event.count:,} times in all" if event.count > 1 else ""
    return (
        f"{event.reason} event, last seen {in_words(event.age_s)} before this was recorded{times}"
    )
