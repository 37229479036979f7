"""`systemctl status`, `systemctl --failed` and `list-units`: units that failed, and why."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from tools.captures.observation import Notes, Reading
from tools.captures.quantities import percent, size_bytes

_UNIT = re.compile(r"^\s*(?:[●○\u00d7*↻x]\s+)?(\S+\.(?:service|socket|timer|mount|target|path))\b")
_LOADED = re.compile(r"^\s*Loaded: (?P<state>[\w-]+)(?: \((?P<more>.*)\))?")
_ACTIVE = re.compile(r"^\s*Active: (?P<state>[\w-]+)(?: \((?P<sub>.*?)\))?(?P<rest>.*)$")
_PROCESS = re.compile(
    r"^\s*(?:Process|Main PID): \d+ .*?\(?code=(?P<code>\w+), (?:status|signal)=(?P<status>[\w/-]+)"
)
_LIMIT = re.compile(r"^\s*(Tasks|Memory): ([\d.]+\w*).*?\((?:limit|max): ([\d.]+\w*)")
_LISTED = re.compile(
    r"^[●○\u00d7*x\s]*(?P<unit>\S+\.(?:service|socket|timer|mount|target|path|slice|scope|device|swap))"
    r"\s+(?P<load>loaded|not-found|bad-setting|error|masked)\s+(?P<active>[a-z-]+)\s+(?P<sub>[a-z-]+)"
)
_RESULTS = {
    "oom-kill": "the kernel killed it because memory ran out",
    "exit-code": "its process ended with an error",
    "signal": "a signal ended its process",
    "core-dump": "its process crashed",
    "timeout": "it did not start or stop within its time limit",
    "start-limit-hit": "it failed too often in a row, so systemd no longer starts it",
    "watchdog": "it no longer answered its watchdog",
    "resources": "systemd could not set it up",
    "dependency": "a unit that it needs failed",
}
_STATUSES = {
    "200/CHDIR": "its working directory does not exist",
    "203/EXEC": "its program cannot be run: it is missing, or not executable",
    "209/STDOUT": "its log file cannot be opened",
    "217/USER": "its user does not exist",
    "226/NAMESPACE": "a folder that it may use does not exist",
    "9/KILL": "it was killed",
    "6/ABRT": "it aborted itself",
    "11/SEGV": "it crashed with a segmentation fault",
}


def read_units(lines: Sequence[str], now: datetime | None) -> Reading:
    """Units that failed, restart in a loop or are enabled and not running; limits nearly hit."""
    notes = Notes()
    unit, is_enabled = "the unit", False
    for place, line in enumerate(lines):
        listed = _LISTED.match(line)
        named = _UNIT.match(line)
        if listed:
            _judge_listed(listed, place, notes)
        elif named and not line.lstrip().startswith(("Loaded", "Trigger", "Docs")):
            unit, is_enabled = named[1], False
        elif match := _LOADED.match(line):
            is_enabled = "; enabled" in (match["more"] or "")
            _judge_loaded(match, unit, place, notes)
        elif match := _ACTIVE.match(line):
            _judge_active(match, unit, is_enabled, place, notes)
        elif match := _PROCESS.match(line):
            _judge_process(match, unit, place, notes)
        elif match := _LIMIT.match(line):
            _judge_limit(match, unit, place, notes)
    return notes.reading()


def _judge_listed(match: re.Match[str], place: int, notes: Notes) -> None:
    notes.know(place)
    if match["active"] == "failed":
        notes.add(place, f"{match['unit']} has failed", 0.75)
    elif match["sub"] == "auto-restart":
        notes.add(place, f"{match['unit']} ends again and again and is restarted", 0.75)


def _judge_loaded(match: re.Match[str], unit: str, place: int, notes: Notes) -> None:
    notes.know(place)
    if match["state"] in ("not-found", "bad-setting", "error"):
        notes.add(place, f"systemd cannot load {unit}: {match['state']}", 0.7)


def _judge_active(
    match: re.Match[str], unit: str, is_enabled: bool, place: int, notes: Notes
) -> None:
    notes.know(place)
    sub = match["sub"] or ""
    if match["state"] == "failed":
        result = sub.removeprefix("Result: ")
        meaning = _RESULTS.get(result, f"result {result}" if result else "no result is given")
        notes.add(place, f"{unit} has failed: {meaning}", 0.95 if "oom" in result else 0.8)
    elif "auto-restart" in sub:
        notes.add(place, f"{unit} ends again and again and is restarted", 0.8)
    elif match["state"] in ("activating", "deactivating", "reloading"):
        notes.add(place, f"{unit} is {match['state']}: not in service", 0.4)
    elif match["state"] == "inactive" and is_enabled:
        notes.add(place, f"{unit} starts with the system and is not running now", 0.5)


def _judge_process(match: re.Match[str], unit: str, place: int, notes: Notes) -> None:
    notes.know(place)
    status = match["status"]
    if match["code"] == "exited" and status.split("/")[0] == "0":
        return
    meaning = _STATUSES.get(status) or f"its process ended with {match['code']}, status {status}"
    notes.add(place, f"{unit}: {meaning}", 0.85 if status in _STATUSES else 0.7)


def _judge_limit(match: re.Match[str], unit: str, place: int, notes: Notes) -> None:
    notes.know(place)
    used, limit = size_bytes(match[2]), size_bytes(match[3])
    if used and limit and used >= 0.9 * limit:
        what = "processes and threads" if match[1] == "Tasks" else "memory"
        share, figures = percent(used, limit), f"{match[2]} of {match[3]}"
        note = f"{unit} uses {share} of the {what} that it may ({figures})"
        notes.add(place, note, 0.85 if used >= 0.97 * limit else 0.65)
