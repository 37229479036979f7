"""What `midwatch doctor` says of acting: what may be done, whether code can be run, the record."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from assistant.acting.controls import service_controls
from assistant.doctor import Check
from assistant.settings import Settings
from tools.errors import ToolsError
from tools.services.control import ServiceAction
from tools.services.permits import Permit

_MAX_NAMED = 5
_RECENT = timedelta(days=1)


def acting_checks(settings: Settings) -> Iterator[Check]:
    """All of them; those of what is not set up or not there yet are left out."""
    if settings.services.allow:
        yield from _allowed(settings)
    yield _sandbox()
    yield from _record(settings.audit.dir or settings.data.dir / "audit")
    yield from _unfinished(settings)


def _allowed(settings: Settings) -> Iterator[Check]:
    """Which services each entry of the allow-list is about at present."""
    listed: list[tuple[str, str]] = []
    for control in service_controls(settings).values():
        try:
            listed += [(control.name, state.name) for state in control.list_services()]
        except ToolsError:
            # That it does not answer is said of the services already.
            continue
    for entry in settings.services.allow:
        permit = Permit.parse(entry)
        meant = [name for backend, name in listed if _names(permit, backend, name)]
        if meant:
            shown = ", ".join(meant[:_MAX_NAMED]) + (" …" if len(meant) > _MAX_NAMED else "")
            yield Check("actions", "ok", f"{entry}: {', '.join(sorted(permit.verbs))} {shown}")
        else:
            remedy = "compare it with: midwatch services list"
            yield Check("actions", "warning", f"{entry} names no service there is", remedy)


def _names(permit: Permit, backend: str, name: str) -> bool:
    return permit.names(ServiceAction("restart", backend, name))


def _sandbox() -> Check:
    from tools.sandbox.problem import sandbox_problem

    problem = sandbox_problem()
    if problem is None:
        return Check("sandbox", "ok", "approved code can be run confined")
    return Check("sandbox", "warning", "code is not run here", problem)


def _record(folder: Path) -> Iterator[Check]:
    from assistant.audit.verification import verify_log
    from assistant.errors import AuditError

    if not folder.exists():
        return
    try:
        found = verify_log(folder)
    except AuditError as error:
        yield Check("audit", "failed", error.message, error.hint)
        return
    if found.fault is None:
        yield Check("audit", "ok", f"{found.num_records} records, as they were written")
    else:
        told = "the record is not as it was written"
        yield Check("audit", "failed", told, "look closer: midwatch audit verify")


def _unfinished(settings: Settings) -> Iterator[Check]:
    """Acts that a process left behind, of the last day."""
    from assistant.approvals.expiry import utc_now
    from assistant.approvals.store import FILE_NAME
    from assistant.storage import approval_store

    is_shared = bool(settings.data.postgres_env)
    if not is_shared and not (settings.data.dir / FILE_NAME).exists():
        return
    with approval_store(settings) as store, store.reading() as rows:
        recent = [one for one in rows.all(None) if one.requested_at_utc > utc_now() - _RECENT]
    for one in recent:
        if one.state == "unfinished":
            yield Check(
                "approvals", "warning", f"{one.id} is unfinished: {one.message}", "look at it first"
            )
