"""Rules for units that load, or nearly, and do something else than meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from tools.code.report import Problem, own_problem
from tools.code.systemd.units import Entry, Unit
from tools.code.systemd.vocabulary import RESTARTS, SECTION_KEYS, SERVICE_TYPES

EXEC_KEYS = ("ExecStart", "ExecStartPre", "ExecStartPost", "ExecStop", "ExecStopPost", "ExecReload")
_SHELL_MARKS = re.compile(
    r"(?<!\\)(\|\|?|&&|>>?|;(?!\s*$)|`|\$\()(?=\s|$)|(^|\s)[12]?>>?\s*/|\$\(|`|\s&$"
)
_RUNS_SHELL = re.compile(r"^[@:+!|-]*(/\S*/)?(ba|da|z|k)?sh\s+-\w*c\b")
_DAEMON = re.compile(r"\s(-d|--daemon|--daemonize|--background|-D)(\s+(?!no\b|off\b)|$)|\bnohup\b")
_TIMES = (
    "OnCalendar",
    "OnBootSec",
    "OnActiveSec",
    "OnStartupSec",
    "OnUnitActiveSec",
    "OnUnitInactiveSec",
)


def unit_problems(unit: Unit) -> Iterator[Problem]:
    """All that the rules find in one unit."""
    yield from unit.faults
    yield from _names(unit)
    yield from _comments(unit)
    if unit.has("Service"):
        yield from _service(unit)
        yield from _commands(unit)
        yield from _restarts(unit)
    yield from _order(unit)
    yield from _timer(unit)
    yield from _install(unit)


def _names(unit: Unit) -> Iterator[Problem]:
    for section, line in unit.sections:
        if section not in SECTION_KEYS and not section.startswith("X-"):
            near = difflib.get_close_matches(section, SECTION_KEYS, n=1)
            message = f"there is no section [{section}]"
            yield own_problem(line, "error", "section", message, f"[{near[0]}]" if near else "")
    for entry in unit.entries:
        keys = SECTION_KEYS.get(entry.section)
        if keys is None or entry.key in keys or entry.key.startswith("X-"):
            continue
        homes = [name for name, known in SECTION_KEYS.items() if entry.key in known]
        if homes:
            message = f"{entry.key} is ignored in [{entry.section}]"
            yield own_problem(entry.line, "error", "key", message, f"in [{homes[0]}]")
        else:
            near = difflib.get_close_matches(entry.key, keys, n=1, cutoff=0.7)
            message = f"[{entry.section}] has no key {entry.key}: it is ignored"
            yield own_problem(entry.line, "error", "key", message, near[0] if near else "")


def _comments(unit: Unit) -> Iterator[Problem]:
    for entry in unit.entries:
        if re.search(r"\s#\s", entry.value) and not _RUNS_SHELL.match(entry.value):
            message = "a comment behind a value is part of the value"
            yield own_problem(
                entry.line, "error", "comment", message, "put it on a line of its own"
            )


def _service(unit: Unit) -> Iterator[Problem]:
    kind = unit.value("Service", "Type") or "simple"
    starts = unit.of("Service", "ExecStart")
    line = next(number for name, number in unit.sections if name == "Service")
    if kind not in SERVICE_TYPES:
        entry = unit.of("Service", "Type")[-1]
        fix = ", ".join(difflib.get_close_matches(kind, SERVICE_TYPES, n=1))
        yield own_problem(entry.line, "error", "type", f"there is no type {kind}", fix)
    if not starts and kind != "oneshot" and not unit.of("Service", "ExecStop"):
        yield own_problem(line, "error", "no-exec", "starts nothing", "ExecStart=/path/program")
    given = [one for one in starts if one.value]
    if len(given) > 1 and kind != "oneshot" and all(one.value for one in starts):
        message = "more than one ExecStart, which only Type=oneshot may have"
        yield own_problem(given[1].line, "error", "exec-twice", message)
    for start in given:
        if kind == "forking" and not unit.of("Service", "PIDFile"):
            message = "which of its processes is the main one is guessed"
            yield own_problem(
                start.line,
                "warning",
                "no-pid-file",
                message,
                "PIDFile=, or run it in the foreground",
            )
        if kind in ("simple", "exec", "notify") and _DAEMON.search(start.value):
            message = "the program goes to the background: systemd takes it for ended"
            yield own_problem(
                start.line, "warning", "background", message, "run it in the foreground"
            )
    if (
        not unit.of("Service", "User", "DynamicUser")
        and kind != "oneshot"
        and not unit.name.startswith("user@")
    ):
        yield own_problem(line, "info", "root", "runs as root", "User=, or DynamicUser=yes")


def _commands(unit: Unit) -> Iterator[Problem]:
    for entry in unit.of("Service", *EXEC_KEYS):
        if not entry.value or _RUNS_SHELL.match(entry.value):
            continue
        unquoted = re.sub(r'"[^"]*"|\'[^\']*\'', "''", entry.value)
        if _SHELL_MARKS.search(unquoted):
            message = "no shell reads this: | > && and $( ) are handed over as words"
            yield own_problem(
                entry.line, "error", "no-shell", message, "/bin/sh -c '…', or a script"
            )
        program = re.sub(r"^[@:+!|-]*", "", entry.value).split(None, 1)[0]
        if program.startswith(("~", "./", "../", "$")):
            message = f"{program} is no absolute path"
            yield own_problem(entry.line, "error", "path", message, "/usr/bin/…")
        elif not program.startswith(("/", "%", '"')):
            message = f"{program} is looked for where systemd itself looks, not in a login's PATH"
            yield own_problem(entry.line, "info", "path", message, f"/usr/bin/{program}")
        if re.match(r"(\S*/)?(sudo|su)\s", entry.value):
            yield own_problem(
                entry.line, "warning", "sudo", "systemd changes the user itself", "User="
            )


def _restarts(unit: Unit) -> Iterator[Problem]:
    kind, restart = unit.value("Service", "Type"), unit.value("Service", "Restart")
    line = next(number for name, number in unit.sections if name == "Service")
    entries = unit.of("Service", "Restart")
    if entries and restart not in RESTARTS:
        message = f"Restart has no value {restart}"
        yield own_problem(entries[-1].line, "error", "restart", message, "on-failure")
    if kind == "oneshot" and restart in ("always", "on-success"):
        message = f"Type=oneshot cannot have Restart={restart}"
        yield own_problem(
            entries[-1].line, "error", "restart", message, "Restart=on-failure, or a timer"
        )
    if not entries and kind not in ("oneshot", "dbus"):
        yield own_problem(
            line, "info", "restart", "stays down once it has ended", "Restart=on-failure"
        )
    if restart == "always" and not unit.value("Service", "RestartSec"):
        message = "is tried again after 0.1 s, and given up after five times"
        yield own_problem(entries[-1].line, "info", "restart-delay", message, "RestartSec=5")
    for entry in unit.of("Service", "KillMode"):
        if entry.value == "none":
            message = "leaves its processes behind when it is stopped"
            yield own_problem(entry.line, "warning", "kill-mode", message, "leave KillMode out")
    for entry in unit.of("Service", "KillSignal"):
        if entry.value in ("SIGKILL", "9", "KILL"):
            message = "gives the program no chance to clean up"
            yield own_problem(entry.line, "warning", "kill-signal", message, "leave KillSignal out")
    for entry in unit.of("Service", "Environment"):
        if re.fullmatch(r"\w+=[^\s\"']+(\s+(?!\w+=)\S+)+", entry.value):
            message = "the value ends at the blank"
            name, _, value = entry.value.partition("=")
            yield own_problem(entry.line, "warning", "environment", message, f'"{name}={value}"')


def _order(unit: Unit) -> Iterator[Problem]:
    after = " ".join(one.value for one in unit.of("Unit", "After")).split()
    wanted = unit.of("Unit", "Wants", "Requires", "BindsTo")
    names = {name for entry in wanted for name in entry.value.split()}
    for entry in unit.of("Unit", "Requires", "BindsTo"):
        for name in entry.value.split():
            if name not in after and not name.endswith((".mount", ".slice", ".socket", ".target")):
                message = f"needs {name}, and may start before it"
                yield own_problem(entry.line, "warning", "order", message, f"After={name}")
    if "network-online.target" in after and "network-online.target" not in names:
        entry = next(
            one for one in unit.of("Unit", "After") if "network-online.target" in one.value
        )
        message = "waits for network-online.target only if something else wants it"
        yield own_problem(entry.line, "warning", "online", message, "Wants=network-online.target")
    for entry in unit.entries:
        if entry.key in ("After", "Requires", "Wants", "Before", "WantedBy", "RequiredBy"):
            yield from _unit_names(entry)


def _unit_names(entry: Entry) -> Iterator[Problem]:
    for name in entry.value.split():
        if not re.search(
            r"\.(service|target|socket|mount|timer|path|slice|device|swap|automount|scope)$", name
        ):
            message = f"{name} is no unit's name"
            yield own_problem(
                entry.line, "error", "unit-name", message, f"{name.rstrip(',')}.service"
            )


def _timer(unit: Unit) -> Iterator[Problem]:
    if not unit.has("Timer"):
        return
    line = next(number for name, number in unit.sections if name == "Timer")
    if not unit.of("Timer", *_TIMES):
        yield own_problem(line, "error", "no-time", "the timer has no time", "OnCalendar=daily")
    if unit.of("Timer", "OnCalendar") and not unit.of("Timer", "Persistent"):
        message = "a run that is missed while the machine is off is left out"
        yield own_problem(line, "info", "missed", message, "Persistent=true")
    for entry in unit.of("Timer", "OnCalendar"):
        if re.fullmatch(r"[\d*/,-]+(\s+[\d*/,-]+){4}", entry.value):
            message = "is written as cron has it"
            yield own_problem(entry.line, "error", "calendar", message, "OnCalendar=*-*-* 03:00:00")


def _install(unit: Unit) -> Iterator[Problem]:
    if unit.has("Timer") and unit.value("Install", "WantedBy") == "multi-user.target":
        entry = unit.of("Install", "WantedBy")[-1]
        yield own_problem(
            entry.line,
            "info",
            "timers",
            "timers hang below timers.target",
            "WantedBy=timers.target",
        )
    starts = unit.has("Service") or unit.has("Timer") or unit.has("Socket")
    if starts and not unit.has("Install") and unit.has("Timer"):
        message = "cannot be enabled: it does not start with the machine"
        yield own_problem(
            unit.first_line, "warning", "install", message, "[Install] WantedBy=timers.target"
        )
