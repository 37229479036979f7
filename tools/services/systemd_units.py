"""Service units as `systemctl show` describes them, and what their properties mean in words.

The names of the properties are those of org.freedesktop.systemd1(5). Older versions print times
without fractions of a second, and know no option that would add them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tools.logs.sources.moments import stamp
from tools.scope import ServiceState

PROPERTIES = (
    "Id,LoadState,ActiveState,SubState,UnitFileState,Type,TriggeredBy,ConditionResult,"
    "ConditionTimestamp,StatusText,Result,NRestarts,MainPID,ExecMainCode,ExecMainStatus,"
    "ActiveEnterTimestamp,ActiveEnterTimestampMonotonic,"
    "StateChangeTimestamp,StateChangeTimestampMonotonic"
)
_TIME = "%a %Y-%m-%d %H:%M:%S %Z"
# CLD_EXITED, CLD_KILLED and CLD_DUMPED of waitid(2).
_EXITED = "1"
_KILLED = ("2", "3")
# States of unit files that are no service of their own.
_NO_SERVICE = ("alias", "masked", "masked-runtime", "bad", "transient")
_MAX_STATUS_CHARS = 200


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit by its properties; a missing one is empty."""

    properties: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        return self.properties.get(name, "")

    @property
    def id(self) -> str:
        """Its full name."""
        return self["Id"]

    @property
    def is_there(self) -> bool:
        """Whether it is a service that systemd could read, not merely one that others mention."""
        return self["LoadState"] == "loaded" and self.id.endswith(".service")

    @property
    def since(self) -> datetime | None:
        """When it came into its state."""
        is_active = self["ActiveState"] == "active"
        return self.moment("ActiveEnterTimestamp" if is_active else "StateChangeTimestamp")

    def moment(self, name: str) -> datetime | None:
        """A property that is a time; None for never.

        Its fraction of a second is that of systemd's monotonic clock: it is no true time, and tells
        two moments of the same second apart.
        """
        monotonic = self[f"{name}Monotonic"] or "0"
        try:
            second = datetime.strptime(self[name], _TIME).replace(tzinfo=UTC)
            return second.replace(microsecond=int(monotonic) % 1_000_000)
        except ValueError:
            return None


def parse_units(output: str) -> list[Unit]:
    """The units that `systemctl show` printed, `Name=value` lines with empty lines between."""
    blocks = (block for block in output.split("\n\n") if block.strip())
    units = [Unit(dict(_pairs(block))) for block in blocks]
    return [unit for unit in units if unit.id]


def parse_unit_files(output: str) -> dict[str, Unit]:
    """What `systemctl list-unit-files` printed, as units at rest by name; no templates, aliases."""
    units: dict[str, Unit] = {}
    for line in output.splitlines():
        name, _, rest = line.strip().partition(" ")
        words = rest.split()
        if not name or not words or words[0] in _NO_SERVICE or "@." in name:
            continue
        properties = {"Id": name, "ActiveState": "inactive", "SubState": "dead"}
        # It is not loaded, so what starts it is not known, nor whether anything should.
        units[name] = Unit({**properties, "LoadState": "loaded", "Type": "unknown"})
    return units


def state_of(unit: Unit) -> ServiceState:
    """The unit as a service."""
    main_pid = unit["MainPID"]
    return ServiceState(
        name=unit.id,
        state=_word(unit),
        is_healthy=_is_healthy(unit),
        description=_describe(unit),
        pid=int(main_pid) if main_pid.isdecimal() and main_pid != "0" else None,
        since=unit.since,
        exit_status=_exit_status(unit),
    )


def _pairs(block: str) -> Iterator[tuple[str, str]]:
    for line in block.splitlines():
        name, equals, value = line.partition("=")
        if equals:
            yield name, value


def _word(unit: Unit) -> str:
    """systemd's word: of a unit that it starts again and again, the finer one."""
    is_retried = unit["SubState"].startswith("auto-restart")
    return unit["SubState"] if is_retried else unit["ActiveState"]


def _is_healthy(unit: Unit) -> bool:
    match unit["ActiveState"]:
        case "active" | "reloading":
            return True
        case "inactive":
            return not _should_run(unit)
    return False


def _should_run(unit: Unit) -> bool:
    """Whether an inactive unit is meant to run: enabled, long-lived, and nothing else starts it."""
    is_enabled = unit["UnitFileState"] in ("enabled", "enabled-runtime")
    is_skipped = bool(unit["ConditionTimestamp"]) and unit["ConditionResult"] == "no"
    is_lasting = unit["Type"] not in ("oneshot", "unknown")
    return is_enabled and is_lasting and not is_skipped and not unit["TriggeredBy"]


def _describe(unit: Unit) -> str:
    return "; ".join(_words(unit))


def _words(unit: Unit) -> Iterator[str]:
    at = f" since {stamp(unit.since)}" if unit.since else ""
    yield f"{unit['ActiveState']} ({unit['SubState']}){at}"
    if unit["Result"] not in ("", "success"):
        yield f"result {unit['Result']}{_ending(unit)}"
    if unit["NRestarts"] not in ("", "0"):
        yield f"restarted {unit['NRestarts']} times by systemd"
    if unit["ActiveState"] == "inactive" and _should_run(unit):
        yield "enabled, and not running"
    if unit["StatusText"]:
        yield unit["StatusText"][:_MAX_STATUS_CHARS]


def _ending(unit: Unit) -> str:
    if unit["ExecMainCode"] in _KILLED:
        return f", killed by signal {unit['ExecMainStatus']}"
    status = _exit_status(unit)
    return "" if status is None else f", exited with status {status}"


def _exit_status(unit: Unit) -> int | None:
    """The status that its main process ended with; None while it runs, or when it was killed."""
    has_ended = unit["ExecMainCode"] == _EXITED and unit["MainPID"] in ("", "0")
    return int(unit["ExecMainStatus"]) if has_ended else None
