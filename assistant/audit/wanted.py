"""Which records somebody asks for."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from assistant.audit.record import AuditRecord
from tools.window import EVERYTHING, Window

# Under which names a record says who asked, who decided and who agreed.
PEOPLE = ("who", "by", "asked_by", "agreed")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for; what is empty is not asked about.

    An approval or a session is named by its id or the beginning of that, a service by its name or a
    pattern of it (`shop-*`), a person with or without the front (`ana (slack)`).
    """

    window: Window = EVERYTHING
    kinds: frozenset[str] = frozenset()
    actions: frozenset[str] = frozenset()
    service: str = ""
    who: str = ""
    session: str = ""
    approval: str = ""

    def fits(self, record: AuditRecord) -> bool:
        """Whether the record itself is as asked for, save for the service."""
        data = record.data
        return (
            record.at in self.window
            and (not self.kinds or record.kind in self.kinds)
            and (not self.actions or data.get("action") in self.actions)
            and (not self.who or any(_is_person(name, self.who) for name in people_of(record)))
            and _text(data.get("session")).startswith(self.session)
            and _text(data.get("approval")).startswith(self.approval)
        )


class Filter:
    """Tells which records are wanted.

    Only the first record of an approval need name the service, so records are to be seen in their
    order, by `learn` or by `accepts`.
    """

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._approvals: set[str] = set()

    def learn(self, record: AuditRecord) -> None:
        """Remember the approval, if it is about the service."""
        if self._is_about_service(record):
            self._approvals.add(_text(record.data.get("approval")))

    def accepts(self, record: AuditRecord) -> bool:
        """Whether the record is wanted."""
        self.learn(record)
        return self._wanted.fits(record) and self._is_of_service(record)

    def _is_of_service(self, record: AuditRecord) -> bool:
        approval = _text(record.data.get("approval"))
        is_known = bool(approval) and approval in self._approvals
        return not self._wanted.service or is_known or self._is_about_service(record)

    def _is_about_service(self, record: AuditRecord) -> bool:
        name = service_of(record)
        return bool(name and self._wanted.service) and fnmatchcase(name, self._wanted.service)


def service_of(record: AuditRecord) -> str:
    """The service that the record names; empty when it names none."""
    arguments = record.data.get("arguments")
    named = arguments.get("service") if isinstance(arguments, dict) else None
    return _text(named or record.data.get("service"))


def people_of(record: AuditRecord) -> list[str]:
    """The people that the record names, as `ana (slack)`."""
    named: list[Any] = []
    for key in PEOPLE:
        value = record.data.get(key)
        named += value if isinstance(value, list) else [value]
    return [name for name in named if isinstance(name, str)]


def _is_person(name: str, who: str) -> bool:
    return name == who or name.rpartition(" (")[0] == who


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
