"""What an import does to the incidents that are known; carrying it out is left to others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from knowledge.incidents.incident import Incident

Outcome = Literal["added", "updated", "unchanged"]


@dataclass(frozen=True, slots=True)
class IncidentFile:
    """An incident as the file `source` has it, last changed at `modified_at_utc`."""

    incident: Incident
    source: str
    modified_at_utc: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one id: `incident`, as `source` has it, is what holds from now on.

    `superseded` names the files that say something else under the same id, and are not taken; a
    person should be told of them.
    """

    incident: Incident
    outcome: Outcome
    source: str
    superseded: tuple[str, ...] = ()


def merge(known: Mapping[str, Incident], files: Iterable[IncidentFile]) -> list[Change]:
    """One change for each id in `files`, in order of id; `known` has the incidents by their ids.

    A file takes the place of the known incident of its id. Of several files with one id the newest
    holds, and of equally new ones the last by name.
    """
    by_id: defaultdict[str, list[IncidentFile]] = defaultdict(list)
    for file in files:
        by_id[file.incident.id].append(file)
    return [_change(known.get(id_), by_id[id_]) for id_ in sorted(by_id)]


def _change(known: Incident | None, files: Iterable[IncidentFile]) -> Change:
    *older, newest = sorted(files, key=lambda file: (file.modified_at_utc, file.source))
    superseded = tuple(file.source for file in older if file.incident != newest.incident)
    return Change(newest.incident, _outcome(known, newest.incident), newest.source, superseded)


def _outcome(known: Incident | None, incident: Incident) -> Outcome:
    if known is None:
        return "added"
    return "unchanged" if known == incident else "updated"
