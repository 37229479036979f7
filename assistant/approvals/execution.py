"""Performing what was agreed to: at most once, whatever happens to this process meanwhile.

The order is what makes it safe. An approval is claimed; then the caller's permit has the last word;
then it is written down, in the store and in the audit, that the act begins; then it takes place;
then its outcome is written down. Wherever the process is killed, the approval is claimed and nobody
claims it again. The next start finds it, says what is known, and repeats nothing.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from assistant.approvals.approval import Approval, State, clock
from assistant.approvals.desk import HISTORY
from assistant.approvals.expiry import Clock, expire_due, utc_now
from assistant.approvals.policy import Policy
from assistant.approvals.records import AuditSink, record_change
from assistant.approvals.request import ActionRequest, Argument
from assistant.approvals.rows import Act, Rows
from assistant.approvals.store import ApprovalStore
from assistant.errors import ApprovalConflict, ApprovalRefused, MidwatchError
from assistant.problems import describe
from tools.errors import ToolsError

if TYPE_CHECKING:
    from pydantic import JsonValue

_log = logging.getLogger(__name__)

MAX_RESULT_CHARS = 1_000_000
_ASK_AGAIN = "nothing was done; ask again if the act is still needed"

Progress = Callable[[str], None]
# Does the act; returns its result, or raises and has failed. Called from the thread that executes.
Performer = Callable[[Mapping[str, Argument], ActionRequest, Progress], "JsonValue"]
# Returns when the act may take place now, and raises ToolsError or MidwatchError when it may not.
# It is given the acts of the last day that were claimed before this one, the newest first: of two
# at the same time the second sees the first. It changes nothing.
Permit = Callable[[ActionRequest, Sequence[Act]], None]


class Executor:
    """Performs approved acts in this process; open it with `open_executor`. Usable from any thread.

    A call blocks until the act is over. A thread that is no longer waited for still ends its act.
    """

    def __init__(
        self,
        store: ApprovalStore,
        audit: AuditSink,
        policy: Policy,
        performers: Mapping[str, Performer],
        owner: str,
        now: Clock = utc_now,
    ) -> None:
        self._store = store
        self._audit = audit
        self._policy = policy
        self._performers = performers
        self._owner = owner
        self._now = now
        self._acts = list[str]()
        self._changed = threading.Condition()

    def execute(
        self, approval_id: str, *, session: str, permit: Permit, progress: Progress = lambda _: None
    ) -> Approval:
        """The approval after its act was performed: done, or failed with a message.

        Raises ApprovalNotFound; ApprovalConflict when it is not approved (any more);
        ApprovalRefused when it is not of `session`, not what was agreed to, or `permit` objects;
        and what `permit`, the audit and the store raise. Then the act did not take place, unless
        its begin is on record: where only the end could not be recorded, `Desk.get` knows it.
        """
        with self._at_work(approval_id):
            self._settle()
            claimed = self._claim(approval_id, session)
            self._require_permit(claimed, permit)
            return self._perform(self._begin(claimed), progress)

    def recover(self) -> tuple[Approval, ...]:
        """Close what was left behind; those approvals, unfinished from here on.

        By processes that are gone, and by this one where the store was out of reach.

        To be called at each start, and now and then where several share the approvals; several
        processes may at once. Nothing is performed again.
        """
        self._settle()
        gone = self._gone()
        with self._store.writing() as rows:
            unfinished = tuple(
                self._close(rows, one)
                for one in rows.running()
                if one.owner in gone or self._is_given_up(one)
            )
        self._store.owners.sweep()
        return unfinished

    def wait(self) -> None:
        """Return when no act is under way in this process."""
        with self._changed:
            self._changed.wait_for(lambda: not self._acts)

    def _gone(self) -> set[str]:
        """Those who claimed an act and are gone. Nobody waits meanwhile: it may take seconds."""
        with self._store.reading() as rows:
            owners = {one.owner for one in rows.running()} - {self._owner}
        return {owner for owner in owners if not self._store.owners.is_alive(owner)}

    def _is_given_up(self, approval: Approval) -> bool:
        """Whether this process claimed it and is done with it, but could not write that down."""
        with self._changed:
            return approval.owner == self._owner and approval.id not in self._acts

    @contextmanager
    def _at_work(self, approval_id: str) -> Iterator[None]:
        with self._changed:
            self._acts.append(approval_id)
        try:
            yield
        finally:
            with self._changed:
                self._acts.remove(approval_id)
                self._changed.notify_all()

    def _settle(self) -> None:
        """Give the audit the records that it is owed: no act begins before it can be written."""
        with self._store.reading() as rows:
            if not rows.unaudited():
                return
        with self._store.writing() as rows:
            for approval in rows.unaudited():
                rows.replace(approval, replace(approval, is_audited=True))
                record_change(self._audit, approval)

    def _claim(self, approval_id: str, session: str) -> Approval:
        """The approval, which is this process' to perform, and nobody else's."""
        expire_due(self._store, self._audit, self._now())
        with self._store.writing() as rows:
            now = self._now()
            approval = rows.get(approval_id)
            self._require_usable(approval.as_of(now), session)
            flaw = self._flaw(approval)
            if not flaw:
                claimed = replace(
                    approval,
                    state="running",
                    claim=rows.next_claim(),
                    owner=self._owner,
                    claimed_at_utc=now,
                )
                rows.replace(approval, claimed)
                return claimed
            self._change(rows, approval, self._ended(approval, "refused", flaw))
        raise _refused(approval, flaw, _ASK_AGAIN)

    def _require_usable(self, approval: Approval, session: str) -> None:
        """Raises where this call is the mistake; the approval stays as it is."""
        if approval.state != "approved":
            raise ApprovalConflict(
                f"{approval.id} cannot be used: {approval.history()}",
                _ASK_AGAIN,
            )
        if approval.request.session != session:
            raise ApprovalRefused(
                f"{approval.id} belongs to another session", "ask for the act in this one"
            )
        if approval.request.action not in self._performers:
            raise ApprovalRefused(
                f"nothing here can perform {approval.request.action}", "check the settings"
            )

    def _flaw(self, approval: Approval) -> str:
        """Why the approval is worth nothing, empty when it is what people agreed to."""
        if not approval.is_intact:
            return "its arguments are not those that were agreed to"
        if self._policy.num_missing(approval.request.action, approval.agreed):
            return "by the settings of now, somebody else has to agree to it"
        return ""

    def _require_permit(self, claimed: Approval, permit: Permit) -> None:
        """Raises ApprovalRefused, or what else `permit` raised; nothing was done then."""
        try:
            permit(claimed.request, self._acts_before(claimed))
            self._require_time(claimed)
        except (MidwatchError, ToolsError) as error:
            self._end(claimed, "refused", error.message)
            raise _refused(claimed, error.message, error.hint) from error
        except BaseException as error:
            self._end(claimed, "refused", f"it could not be checked: {describe(error).message}")
            raise

    def _acts_before(self, claimed: Approval) -> tuple[Act, ...]:
        with self._store.reading() as rows:
            return rows.acts(self._now() - HISTORY, claimed.claim)

    def _require_time(self, claimed: Approval) -> None:
        """Raises ApprovalRefused: a permit may take long."""
        if self._now() >= claimed.expires_at_utc:
            raise ApprovalRefused("its time ran out while it was checked", _ASK_AGAIN)

    def _begin(self, claimed: Approval) -> Approval:
        """The approval, with its begin on record in the store and in the audit."""
        begun = replace(claimed, begun_at_utc=self._now(), step=claimed.step + 1)
        try:
            with self._store.writing() as rows:
                self._change(rows, claimed, begun)
        except BaseException as error:
            self._end(claimed, "refused", f"its begin is not on record: {describe(error).message}")
            raise
        return begun

    def _perform(self, begun: Approval, progress: Progress) -> Approval:
        request = begun.request
        try:
            performer = self._performers[request.action]
            result = performer(request.arguments, request, _harmless(progress))
        except Exception as error:  # noqa: BLE001 - the edge: whatever it was, the act has failed
            _log.warning("%s failed", begun.id, exc_info=error)
            return self._end(begun, "failed", describe(error).message)
        except BaseException:
            self._end(begun, "unfinished", f"interrupted {_when_begun(begun)}")
            raise
        return self._end(begun, "done", *_kept(result))

    def _end(
        self, approval: Approval, state: State, message: str = "", result: JsonValue = None
    ) -> Approval:
        """The approval with its outcome, which is kept also where the audit cannot take it now."""
        ended = self._ended(approval, state, message, result)
        try:
            with self._store.writing() as rows:
                self._change(rows, approval, ended)
        except BaseException:
            with self._store.writing() as rows:
                rows.replace(approval, replace(ended, is_audited=False))
            raise
        return ended

    def _ended(
        self, approval: Approval, state: State, message: str, result: JsonValue = None
    ) -> Approval:
        return replace(
            approval,
            state=state,
            step=approval.step + 1,
            ended_at_utc=self._now(),
            message=message,
            result=result,
        )

    def _close(self, rows: Rows, lost: Approval) -> Approval:
        what = (
            "its end was not written down: lost" if lost.owner == self._owner else "midwatch ended"
        )
        unfinished = self._ended(lost, "unfinished", f"{what} {_when_begun(lost)}")
        self._change(rows, lost, unfinished)
        return unfinished

    def _change(self, rows: Rows, old: Approval, new: Approval) -> None:
        rows.replace(old, new)
        record_change(self._audit, new)


@contextmanager
def open_executor(
    store: ApprovalStore,
    audit: AuditSink,
    policy: Policy,
    performers: Mapping[str, Performer],
    now: Clock = utc_now,
) -> Iterator[Executor]:
    """An executor of this process; at the end of the block it waits for the acts under way.

    Raises DataFolderError. A child process that was forked must open its own.
    """
    with store.owners.holding() as owner:
        executor = Executor(store, audit, policy, performers, owner, now)
        try:
            yield executor
        finally:
            executor.wait()


def _harmless(progress: Progress) -> Progress:
    """`progress`, whose failure is not the act's: who watches has no say in it."""

    def tell(words: str) -> None:
        try:
            progress(words)
        except Exception as error:  # noqa: BLE001 - the edge: a front that is gone
            _log.warning("nobody was told of %r", words, exc_info=error)

    return tell


def _refused(approval: Approval, why: str, hint: str) -> ApprovalRefused:
    return ApprovalRefused(f"{approval.id} was not performed: {why}", hint)


def _when_begun(approval: Approval) -> str:
    if approval.begun_at_utc is None:
        return "before the act began: nothing was done"
    return (
        f"while the act was under way, begun {clock(approval.begun_at_utc)}: whether it took "
        "effect is not known; look before you ask again"
    )


def _kept(result: JsonValue) -> tuple[str, JsonValue]:
    """A message and the result as it can be kept: what has been done is not undone by its form."""
    try:
        length = len(json.dumps(result, allow_nan=False))
    except (TypeError, ValueError) as error:
        return f"done; its result cannot be kept: {error}", None
    if length > MAX_RESULT_CHARS:
        return f"done; its result of {length} characters is too long to keep", None
    return "", result
