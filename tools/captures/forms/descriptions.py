"""`kubectl describe`: what state an object is in, why, and which of its settings that points at.

A description is divided at its `Name:` lines. States and events come from here; the settings of an
object (limits, selectors, images) are left to the general ranking, which lifts them when something
here points at them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from tools.captures.forms.events import Event, described_event, judge_events
from tools.captures.forms.kube_tables import exit_meaning
from tools.captures.observation import Notes, Reading
from tools.captures.quantities import size_bytes, time_of

_NAME = re.compile(r"^Name:\s+(\S+)")
_KEY = re.compile(r"^(?P<indent>\s*)(?P<key>[A-Z][\w ./-]*?):(?:\s+(?P<value>\S.*?))?\s*$")
_CONTAINER = re.compile(r"^ {1,2}([a-z0-9][\w.-]*):\s*$")
_CONDITION = re.compile(
    r"^\s+(?P<type>[A-Z]\w+)\s+(?P<status>True|False|Unknown)\b\s*(?P<rest>.*)$"
)
_TIME = re.compile(r"\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} [+-]\d{4}")
_EVENTS = re.compile(r"^Events:\s*")
_STATES = ("State", "Last State")
_STATE_PARTS = ("Reason", "Message", "Exit Code", "Started", "Finished", "Signal")
_BAD_WHEN_TRUE = re.compile(
    r"Pressure$|^NetworkUnavailable$|^ReplicaFailure$|^Failed$|^FailureTarget$|^Stalled$|Problem$"
    r"|^ScalingLimited$|Deadlock$|^ReadonlyFilesystem$|^FrequentKubeletRestart$|^Degraded$"
)
_WAITING = {
    "CrashLoopBackOff": (0.66, "it ends again and again, and Kubernetes waits before each start"),
    "ImagePullBackOff": (0.72, "its image cannot be pulled"),
    "ErrImagePull": (0.72, "its image cannot be pulled"),
    "InvalidImageName": (0.85, "its image has a name that no registry can have"),
    "ErrImageNeverPull": (0.85, "its image is not on the node, and may not be pulled"),
    "CreateContainerConfigError": (0.74, "a ConfigMap, Secret or key that it names is missing"),
    "CreateContainerError": (0.8, "it cannot be created"),
    "RunContainerError": (0.8, "it cannot be started"),
    "ContainerCreating": (0.4, "it is still being created"),
    "PodInitializing": (0.3, "the first containers have not ended yet"),
}
_RECENT_S = 3600


def read_descriptions(lines: Sequence[str], now: datetime | None) -> Reading:
    """What is wrong with each described object, its events judged by what came after them."""
    notes = Notes()
    for start, end in _documents(lines):
        _Description(lines, start, end, now, notes).judge()
    return notes.reading()


def _documents(lines: Sequence[str]) -> Iterator[tuple[int, int]]:
    starts = [place for place, line in enumerate(lines) if _NAME.match(line)]
    return zip(starts, [*starts[1:], len(lines)], strict=False)


class _Description:
    """The judgement of one described object: lines `start` up to `end`."""

    def __init__(
        self, lines: Sequence[str], start: int, end: int, now: datetime | None, notes: Notes
    ) -> None:
        self._lines = lines
        self._start = start
        self._end = end
        self._now = now
        self._notes = notes
        self._name = lines[start].partition(":")[2].strip()
        self._found_before = len(notes.observations)

    def judge(self) -> None:
        """Add what is wrong with the object to the notes."""
        is_well = self._is_well()
        container = ""
        place = self._start
        while place < self._end:
            line = self._lines[place]
            if _EVENTS.match(line):
                self._judge_events(place, is_well)
                break
            if match := _CONTAINER.match(line):
                container = match[1]
            elif (match := _KEY.match(line)) and match["key"] in _STATES and match["indent"]:
                place = self._judge_state(place, match, container)
                continue
            elif match and (not match["indent"] or match["key"] == "Restart Count"):
                self._judge_key(place, match["key"], match["value"] or "")
            elif condition := _CONDITION.match(line):
                self._judge_condition(place, condition)
            place += 1

    def _is_well(self) -> bool:
        """Whether a pod is ready, or a workload has all its replicas; no node is, to be safe."""
        for place in range(self._start, self._end):
            match = _CONDITION.match(self._lines[place])
            if match and match["type"] in ("Ready", "Available"):
                return match["status"] == "True" and "kubelet is" not in match["rest"]
        return False

    def _has(self, beginning: str) -> bool:
        return any(line.startswith(beginning) for line in self._lines[self._start : self._end])

    def _judge_state(self, place: int, match: re.Match[str], container: str) -> int:
        """Judge a container's state and return the position behind it."""
        end = place + 1
        parts = {"Kind": match["value"] or ""}
        while end < self._end and _is_deeper(self._lines[end], match["indent"]):
            part = _KEY.match(self._lines[end])
            if part and part["key"] in _STATE_PARTS:
                parts[part["key"]] = part["value"] or ""
            end += 1
        self._notes.know(range(place, end))
        shown = self._shown(place, end)
        is_last = match["key"] == "Last State"
        if parts["Kind"] == "Waiting":
            self._judge_waiting(place, shown, container, parts.get("Reason", ""))
        elif parts["Kind"] == "Terminated":
            self._judge_end(place, shown, container, parts, is_last=is_last)
        return end

    def _shown(self, place: int, end: int) -> int:
        """The end of what is worth quoting: without the times."""
        while end > place + 1 and self._lines[end - 1].lstrip().startswith(
            ("Started:", "Finished:")
        ):
            end -= 1
        return min(end, place + 6)

    def _judge_waiting(self, place: int, end: int, container: str, reason: str) -> None:
        suspicion, meaning = _WAITING.get(reason, (0.4, f"it waits{reason and f': {reason}'}"))
        group = f"waiting {reason} {container}"
        self._notes.add(place, f"container {container}: {meaning}", suspicion, end=end, group=group)

    def _judge_end(
        self, place: int, end: int, container: str, parts: dict[str, str], *, is_last: bool
    ) -> None:
        reason = parts.get("Reason", "")
        exit_code = parts.get("Exit Code", "")
        code = int(exit_code) if exit_code.isdecimal() else 0
        finished = time_of(parts.get("Finished", ""))
        since = (self._now - finished).total_seconds() if self._now and finished else None
        if reason == "Completed" and code == 0:
            if is_last:
                self._judge_completed(place, end, container)
            return
        if reason == "OOMKilled":
            suspicion, meaning = 0.97, "was killed because it used more memory than its limit"
        elif parts.get("Message"):
            suspicion, meaning = 0.88, f"ended with {exit_meaning(code)}, and says why"
        else:
            suspicion, meaning = 0.68, f"ended with {exit_meaning(code)}"
        if is_last and self._is_well() and (since is None or since > _RECENT_S):
            suspicion *= 0.55
            meaning += "; it runs now"
        group = f"ended {reason} {code} {container}"
        self._notes.add(place, f"container {container} {meaning}", suspicion, end=end, group=group)

    def _judge_completed(self, place: int, end: int, container: str) -> None:
        if not self._is_well():
            note = (
                f"container {container} ended without an error: its command finishes, where a "
                "service should go on"
            )
            self._notes.add(place, note, 0.6, end=end)

    def _judge_key(self, place: int, key: str, value: str) -> None:
        if key == "Restart Count":
            self._notes.know(place)
        elif key == "Status" and value in ("Pending", "Failed"):
            self._judge_status(place, value)
        elif key == "Status" and value in ("Lost", "NotReady", "Terminating"):
            self._notes.add(place, f"{self._name} is {value}", 0.7)
        elif key == "Status":
            self._notes.know(place)
        elif key == "Taints" and "unreachable" in value:
            self._notes.add(place, f"node {self._name} does not answer", 0.8)
        elif key == "Unschedulable" and value == "true":
            self._notes.add(place, f"node {self._name} takes no new pods (cordoned)", 0.5)
        elif key == "Endpoints" and value in ("", "<none>"):
            note = (
                f"no ready pod is behind {self._name}: compare its selector with the pods' labels"
            )
            self._notes.add(place, note, 0.75)
        elif key == "Address" and not value and self._has("Rules:"):
            note = f"no controller serves {self._name}: it has no address; see its ingress class"
            self._notes.add(place, note, 0.6)
        elif key == "Replicas":
            self._judge_replicas(place, value)
        elif key == "Pods Statuses":
            self._judge_job(place, value)
        elif key == "Suspend" and value.lower() == "true":
            self._notes.add(place, f"{self._name} is suspended: nothing is started", 0.6)
        elif key == "Resource" or key == "Conditions":
            self._notes.know(place)

    def _judge_status(self, place: int, value: str) -> None:
        """A pod that waits or failed, with the reason and message that stand below."""
        end = place + 1
        while end < self._end and self._lines[end].startswith(("Reason:", "Message:")):
            end += 1
        has_reason = end > place + 1
        meaning = "it failed" if value == "Failed" else "no node has taken it, or it is not ready"
        self._notes.add(place, f"{self._name}: {meaning}", 0.9 if has_reason else 0.6, end=end)

    def _judge_replicas(self, place: int, value: str) -> None:
        counts = {name: int(n) for n, name in re.findall(r"(\d+) (\w+)", value)}
        if counts.get("unavailable"):
            note = (
                f"{counts['unavailable']} of {counts.get('desired', '?')} replicas are unavailable"
            )
            self._notes.add(place, f"{self._name}: {note}", 0.6)
        else:
            self._notes.know(place)

    def _judge_job(self, place: int, value: str) -> None:
        failed = re.search(r"(\d+) Failed", value)
        if failed and failed[1] != "0":
            self._notes.add(place, f"{failed[1]} pods of {self._name} failed", 0.6)
        else:
            self._notes.know(place)

    def _judge_condition(self, place: int, match: re.Match[str]) -> None:
        """Only conditions with a reason of their own: a pod's bare ones repeat its states."""
        self._notes.know(place)
        kind, status = match["type"], match["status"]
        is_bad = status == "Unknown" or (status == "True") == bool(_BAD_WHEN_TRUE.search(kind))
        if not is_bad:
            return
        rest = _TIME.sub("", match["rest"]).strip()
        if kind in ("ScalingLimited",) and "TooFewReplicas" in rest:
            return
        if rest:
            suspicion = 0.9 if "Pressure" in kind or kind == "Ready" else 0.8
            self._notes.add(place, f"{self._name}: {kind} is {status}", suspicion)
        elif kind == "Ready":
            self._notes.add(place, f"{self._name} is not ready", 0.4)

    def _judge_events(self, place: int, is_well: bool) -> None:
        self._notes.know(place)
        events: list[Event] = []
        for row in range(place + 1, self._end):
            event = described_event(row, self._lines[row])
            if event:
                events.append(event)
            elif re.match(r"^\s+(?:Type\s+Reason|----)", self._lines[row]):
                self._notes.know(row)
            elif not self._lines[row].strip():
                break
        judge_events(events, self._notes, is_well=is_well)


def _is_deeper(line: str, indent: str) -> bool:
    return line.startswith(f"{indent} ") and bool(line.strip())


_QUOTA_HEADER = re.compile(r"^\s*Resource\s+Used\s+Hard\s*$")
_QUOTA_ROW = re.compile(
    r"^\s*(?P<what>[a-z][\w./-]+)\s+(?P<used>[\d.]+\w*)\s+(?P<hard>[\d.]+\w*)\s*$"
)
_ALLOCATED = re.compile(
    r"^\s*(?P<what>cpu|memory|ephemeral-storage|pods)\s+(?P<used>\S+) \((?P<share>\d+)%\)"
)


def read_quotas(lines: Sequence[str], now: datetime | None) -> Reading:
    """Quotas that are spent, and nodes whose requests leave no room."""
    notes = Notes()
    is_quota = False
    for place, line in enumerate(lines):
        if _QUOTA_HEADER.match(line):
            is_quota = True
            notes.know(place)
        elif is_quota and (match := _QUOTA_ROW.match(line)):
            _judge_quota(match, place, notes)
        elif match := _ALLOCATED.match(line):
            notes.know(place)
            if int(match["share"]) >= 95:
                note = f"{match['share']} % of the node's {match['what']} is requested"
                notes.add(place, note, 0.6)
        elif not line.strip():
            is_quota = False
    return notes.reading()


def _judge_quota(match: re.Match[str], place: int, notes: Notes) -> None:
    notes.know(place)
    used, hard = _amount(match["used"]), _amount(match["hard"])
    if used is not None and hard and used >= 0.95 * hard:
        note = f"the quota for {match['what']} is used up: {match['used']} of {match['hard']}"
        notes.add(place, note, 0.85 if used >= hard else 0.6)


def _amount(text: str) -> float | None:
    """A quantity of Kubernetes: `500m` is half a processor, `1Gi` a size."""
    if re.fullmatch(r"\d+m", text):
        return int(text[:-1]) / 1000
    return size_bytes(text)
