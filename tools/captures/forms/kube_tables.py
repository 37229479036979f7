"""Tables of states: `kubectl get`, `helm list`, `argocd app list`, `docker ps` and their like.

One judge per column name serves every kind of object. Rows of pods are known without a header too,
because they are often cut out with `grep`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime

from tools.captures.observation import Notes, Reading
from tools.captures.quantities import age_s, in_words, number
from tools.captures.tables import Row, Table, tables

_HEADER = re.compile(
    r"^(?:NAMESPACE\s+)?NAME\s{2,}[A-Z]|^CONTAINER ID\s{2,}|^REVISION\s{2,}[A-Z]|^GROUP\s+KIND\s"
)
_POD = re.compile(
    r"^(?:(?P<namespace>[a-z0-9][\w.-]*)\s+)?(?P<name>[a-z0-9][\w.-]*)\s+(?P<ready>\d+)/(?P<all>\d+)"
    r"\s+(?P<status>[A-Z][\w:/-]*)\s+(?P<restarts>\d+)(?: \((?P<last>[\dydhms]+) ago\))?\s+"
    r"(?P<age>[\dydhms]+)(?:\s|$)"
)
_WORKLOAD = re.compile(
    r"^(?:[a-z0-9][\w.-]*\s+)?(?P<name>[a-z0-9][\w.-]*)\s+(?P<ready>\d+)/(?P<all>\d+)"
    r"\s+\d+\s+\d+\s+(?P<age>[\dydhms]+)(?:\s|$)"
)
_REPLICA_HASH = re.compile(r"(?:-[a-f0-9]{6,10})?-[a-z0-9]{5}$|-\d+$")
_RECENT_S = 3600
_NEW_S = 60
_VERY_RECENT_S = 900

# A pod's status: how bad it is, and what it means.
_POD_STATES = {
    "CrashLoopBackOff": (0.66, "its container ends again and again"),
    "ImagePullBackOff": (0.7, "its image cannot be pulled"),
    "ErrImagePull": (0.7, "its image cannot be pulled"),
    "ErrImageNeverPull": (0.72, "its image is not on the node, and may not be pulled"),
    "InvalidImageName": (0.75, "its image has a name that no registry can have"),
    "CreateContainerConfigError": (0.74, "a ConfigMap, Secret or key that it names is missing"),
    "CreateContainerError": (0.7, "its container cannot be created"),
    "RunContainerError": (0.7, "its container cannot be started"),
    "ContainerCannotRun": (0.7, "its command cannot be run"),
    "StartError": (0.7, "its command cannot be run"),
    "OOMKilled": (0.9, "it used more memory than its limit"),
    "Evicted": (0.78, "its node ran out of something"),
    "Error": (0.62, "its container ended with an error"),
    "Failed": (0.62, "it failed"),
    "DeadlineExceeded": (0.65, "it ran longer than it may"),
    "UnexpectedAdmissionError": (0.7, "its node refused it"),
    "Pending": (0.6, "no node has taken it, or its volumes are not there"),
    "Unknown": (0.7, "its node does not answer"),
    "NodeLost": (0.75, "its node does not answer"),
    "Terminating": (0.4, "it is being ended"),
    "ContainerCreating": (0.5, "its container is still being created"),
    "PodInitializing": (0.4, "its first containers have not ended yet"),
    "NotReady": (0.5, "a container of it has ended"),
}
_BAD_STATES = {
    "failed": 0.66,
    "degraded": 0.66,
    "missing": 0.62,
    "lost": 0.8,
    "error": 0.64,
    "notready": 0.85,
    "unhealthy": 0.68,
    "dead": 0.66,
    "outofsync": 0.5,
    "suspended": 0.4,
    "pending": 0.58,
    "pending-install": 0.75,
    "pending-upgrade": 0.75,
    "pending-rollback": 0.75,
    "terminating": 0.55,
    "crashloopbackoff": 0.66,
    "progressing": 0.3,
    "unknown": 0.6,
}
_EXITED = re.compile(r"^Exited \((\d+)\) (.+?)(?: ago)?$")
_COUNTED = ("DESIRED", "CURRENT", "READY")


def read_state_tables(lines: Sequence[str], now: datetime | None) -> Reading:
    """The rows of objects that are not as they should be."""
    notes = Notes()
    pods: list[tuple[int, re.Match[str]]] = []
    for place, line in enumerate(lines):
        if "/" not in line:
            continue
        match = _POD.match(line)
        if match:
            pods.append((place, match))
            notes.know(place)
        elif match := _WORKLOAD.match(line):
            notes.know(place)
            if (age_s(match["age"]) or 0) >= _NEW_S:
                _judge_workload(match["name"], match["ready"], match["all"], place, notes)
    for table in tables(lines, _HEADER, notes.understood):
        notes.know(table.place)
        for row in table.rows:
            _judge_row(row, table, notes)
    _judge_pods(pods, notes)
    return notes.reading()


def _judge_pods(pods: Sequence[tuple[int, re.Match[str]]], notes: Notes) -> None:
    together = _restarted_together(pods)
    if together and len(together) > 2:
        first, last = together[0][1], together[0][1]["last"]
        note = (
            f"{len(together)} of {len(pods)} pods last restarted at the same time, {last} before "
            "this was recorded: their node or the cluster restarted then"
        )
        suspicion = 0.5 if (age_s(first["last"]) or 0) < _RECENT_S else 0.2
        notes.add(together[0][0], note, suspicion)
    places = {place for place, _ in together}
    for place, match in pods:
        _judge_pod(match, place, notes, counts_restarts=place not in places)


def _restarted_together(
    pods: Sequence[tuple[int, re.Match[str]]],
) -> list[tuple[int, re.Match[str]]]:
    """The running pods whose last restart was in one and the same few minutes, if most of them."""
    restarted = [pod for pod in pods if pod[1]["last"] and pod[1]["status"] == "Running"]
    if not restarted:
        return []
    ages = Counter(round((age_s(match["last"]) or 0) / 300) for _, match in restarted)
    common = ages.most_common(1)[0][0]
    near = [p for p in restarted if abs(round((age_s(p[1]["last"]) or 0) / 300) - common) <= 1]
    return near if 2 * len(near) > len(restarted) and len(near) > 2 else []


def _judge_pod(match: re.Match[str], place: int, notes: Notes, *, counts_restarts: bool) -> None:
    status = match["status"]
    name = match["name"]
    state = status.removeprefix("Init:")
    owner = _REPLICA_HASH.sub("", name)
    group = f"pod {match['namespace'] or ''} {owner} {state}"
    age = age_s(match["age"]) or 0
    if state in _POD_STATES:
        suspicion, meaning = _POD_STATES[state]
        if age < _NEW_S and suspicion <= 0.5:
            return
        first = "a first container of it: " if status != state else ""
        notes.add(place, f"{name} is {status}: {first}{meaning}", suspicion, group=group)
    elif re.fullmatch(r"(?:ExitCode|Signal):\d+|\d+/\d+", state) and age >= _NEW_S:
        notes.add(place, f"{name} is in {status} after {in_words(age)}", 0.55, group=group)
    elif status == "Running" and int(match["ready"]) < int(match["all"]) and age >= _NEW_S:
        note = (
            f"{match['ready']} of {match['all']} containers of {name} are ready: it gets no traffic"
        )
        notes.add(place, note, 0.68, group=f"{group} not ready")
    elif counts_restarts:
        _judge_restarts(match, place, notes)


def _judge_restarts(match: re.Match[str], place: int, notes: Notes) -> None:
    restarts, last = int(match["restarts"]), age_s(match["last"] or "")
    if not restarts or last is None or last >= _RECENT_S:
        return
    times = f"{restarts:,} restart{'s' * (restarts > 1)}"
    note = f"{match['name']}: {times}, the last {in_words(last)} before this was recorded"
    notes.add(place, note, 0.45 if last < _VERY_RECENT_S else 0.3)


def _judge_workload(name: str, ready: str, wanted: str, place: int, notes: Notes) -> None:
    if int(ready) < int(wanted):
        suspicion = 0.7 if ready == "0" else 0.6
        notes.add(place, f"{ready} of {wanted} replicas of {name} are ready", suspicion)


def _judge_row(row: Row, table: Table, notes: Notes) -> None:
    notes.know(row.place)
    found = [
        finding
        for column, judge in _JUDGES.items()
        if column in row.cells and (finding := judge(row.cells[column], row))
    ]
    if found:
        suspicion, note = max(found)
        # A message says why, a state only that.
        suspicion = max(suspicion, 0.85) if row.get("MESSAGE") else suspicion
        notes.add(row.place, f"{row.get('NAME', 'NAMES', 'REVISION')}: {note}", suspicion)
    elif set(_COUNTED) <= set(table.columns):
        _judge_counts(row, notes)


def _judge_counts(row: Row, notes: Notes) -> None:
    wanted, ready = row.get("DESIRED"), row.get("READY")
    if wanted.isdecimal() and ready.isdecimal():
        _judge_workload(row.get("NAME"), ready, wanted, row.place, notes)


Found = tuple[float, str] | None


def _status(cell: str, row: Row) -> Found:
    exited = _EXITED.match(cell)
    if exited:
        return _exit(int(exited[1]), exited[2])
    if "(unhealthy)" in cell:
        return 0.78, "it runs and fails its health check"
    if cell.startswith("Restarting"):
        return 0.8, "it ends again and again and is restarted"
    words = [word.lower() for word in cell.replace(",", " ").split()]
    if "schedulingdisabled" in words and "notready" not in words:
        return 0.45, "no new pods are placed on it (cordoned)"
    bad = [word for word in words if word in _BAD_STATES]
    if not bad:
        return None
    return max((_BAD_STATES[word], f"it is {cell}") for word in bad)


def _exit(code: int, since: str) -> Found:
    if code == 0:
        return None
    meaning = exit_meaning(code)
    return (0.85 if code == 137 else 0.72), f"it ended {since} before this was recorded: {meaning}"


def exit_meaning(code: int) -> str:
    """What an exit code says."""
    known = {
        126: "its command is not executable",
        127: "its command was not found",
        137: "it was killed, as happens at the memory limit",
        139: "it crashed with a segmentation fault",
        143: "it was told to end",
    }
    return f"exit code {code}" + (f": {known[code]}" if code in known else "")


def _completions(cell: str, row: Row) -> Found:
    done, _, wanted = cell.partition("/")
    age = age_s(row.get("AGE")) or 0
    if done.isdecimal() and wanted.isdecimal() and int(done) < int(wanted) and age > _RECENT_S:
        return 0.5, f"{done} of {wanted} completions after {in_words(age)}"
    return None


def _targets(cell: str, row: Row) -> Found:
    if "<unknown>" in cell:
        return 0.82, "the autoscaler cannot read its metric, so it does not scale"
    replicas, most = row.get("REPLICAS"), row.get("MAXPODS")
    if replicas.isdecimal() and replicas == most and _is_over(cell):
        return 0.75, f"it is at its most replicas ({most}) and above its target ({cell})"
    return None


def _is_over(targets: str) -> bool:
    pairs = re.findall(r"([\d.]+)(?:%|m)?/([\d.]+)", targets)
    return any(number(now) > number(target) for now, target in pairs)


def _external_ip(cell: str, row: Row) -> Found:
    age = age_s(row.get("AGE")) or 0
    return (0.6, "its load balancer has no address") if cell == "<pending>" and age > 300 else None


def _endpoints(cell: str, row: Row) -> Found:
    return (0.7, "no ready pod is behind it") if cell == "<none>" else None


def _ready(cell: str, row: Row) -> Found:
    if cell in ("False", "Unknown"):
        return 0.72, "it is not ready"
    ready, _, wanted = cell.partition("/")
    if not (ready.isdecimal() and wanted.isdecimal()) or int(ready) >= int(wanted):
        return None
    is_new = (age_s(row.get("AGE")) or _NEW_S) < _NEW_S
    return None if is_new else (0.6, f"{ready} of {wanted} replicas are ready")


def _memory_share(cell: str, row: Row) -> Found:
    match = re.fullmatch(r"([\d.]+)%", cell)
    if match and number(match[1]) >= 90:
        return 0.75, f"it uses {cell} of the memory that it may"
    return None


def _node_share(cell: str, row: Row) -> Found:
    match = re.fullmatch(r"(\d+)%", cell)
    return (0.65, f"{cell} in use") if match and int(match[1]) >= 90 else None


def _taken(cell: str, row: Row) -> Found:
    return (0.35, "it is suspended") if cell == "True" else None


_JUDGES: dict[str, Callable[[str, Row], Found]] = {
    "STATUS": _status,
    "STATE": _status,
    "PHASE": _status,
    "HEALTH STATUS": _status,
    "HEALTH": _status,
    "SYNC STATUS": _status,
    "TARGETS": _targets,
    "COMPLETIONS": _completions,
    "EXTERNAL-IP": _external_ip,
    "ENDPOINTS": _endpoints,
    "READY": _ready,
    "MEM %": _memory_share,
    "MEMORY%": _node_share,
    "CPU%": _node_share,
    "SUSPEND": _taken,
}
