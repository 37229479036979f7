"""The desk: where acts are asked for and decided. It is what the fronts use.

Whoever asks gets `Desk.request` alone; to decide takes a `Person`, whom only a front can name. The
model has neither a front nor the rest of the desk: nobody approves for it.

All calls block for as long as a disk takes to write; call them from a thread, not from the loop.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from assistant.approvals.approval import Approval, Decision, Verdict, new_id
from assistant.approvals.expiry import Clock, expire_due, expire_in, utc_now
from assistant.approvals.person import Person
from assistant.approvals.policy import Policy
from assistant.approvals.records import AuditSink, record_change, record_refusal
from assistant.approvals.request import ActionRequest
from assistant.approvals.rows import Act, Rows
from assistant.approvals.store import ApprovalStore
from assistant.errors import ApprovalConflict, ApprovalRefused

MAX_NOTE_CHARS = 1_000
# How far back the acts go that a permit is shown.
HISTORY = timedelta(days=1)


class Desk:
    """Requests and decisions. Usable from any thread, beside desks in other processes.

    Besides the errors named, each change raises what the audit raises, and DataFolderError; then
    nothing has changed.
    """

    def __init__(
        self, store: ApprovalStore, audit: AuditSink, policy: Policy, now: Clock = utc_now
    ) -> None:
        self._store = store
        self._audit = audit
        self._policy = policy
        self._now = now

    def request(self, request: ActionRequest) -> Approval:
        """Ask for an act; what waits already, for exactly this in this session, is not doubled."""
        with self._store.writing() as rows:
            now = self._now()
            expire_in(rows, self._audit, now)
            waiting = rows.pending(request.session, request.digest)
            if waiting is not None:
                return waiting
            approval = Approval(
                id=_free_id(rows),
                request=request,
                digest=request.digest,
                state="pending",
                requested_at_utc=now,
                expires_at_utc=now + self._policy.expires,
            )
            rows.add(approval)
            record_change(self._audit, approval)
            return approval

    def all(self, session: str | None = None) -> list[Approval]:
        """All approvals (of `session`), the newest first, as they are at this moment."""
        now = self._now()
        with self._store.reading() as rows:
            return [approval.as_of(now) for approval in rows.all(session)]

    def get(self, approval_id: str) -> Approval:
        """The approval as it is at this moment. Raises ApprovalNotFound."""
        with self._store.reading() as rows:
            return rows.get(_typed(approval_id)).as_of(self._now())

    def num_missing(self, approval: Approval) -> int:
        """How many people still have to agree before it may be used."""
        return self._policy.num_missing(approval.request.action, approval.agreed)

    def approve(self, approval_id: str, person: Person, note: str = "") -> Approval:
        """The approval after `person` agreed: approved, or pending while somebody is missing.

        Raises ApprovalNotFound, ApprovalConflict when it is decided or out of time, and
        ApprovalRefused when this person may not decide or the request is not what it was.
        """
        return self._decide(approval_id, "approved", person, note)

    def reject(self, approval_id: str, person: Person, reason: str = "") -> Approval:
        """The approval, rejected. What is approved and not yet used can still be taken back.

        Whoever may approve may reject, and so may the person who asked. Raises as `approve` does.
        """
        return self._decide(approval_id, "rejected", person, reason)

    def expire_due(self) -> tuple[Approval, ...]:
        """End those whose time is over. The other calls do so by themselves, when they change."""
        return expire_due(self._store, self._audit, self._now())

    def acts(self, within: timedelta) -> tuple[Act, ...]:
        """What was done in the time before now, the newest first."""
        with self._store.reading() as rows:
            return rows.acts(self._now() - within)

    def prune(self, older_than: timedelta) -> int:
        """Forget what was asked for before that and has ended; says how many. The audit stays.

        The last day is kept in any case: cool-downs look at it.
        """
        with self._store.writing() as rows:
            return rows.prune(self._now() - max(older_than, HISTORY))

    def _decide(self, approval_id: str, verdict: Verdict, person: Person, note: str) -> Approval:
        self.expire_due()
        with self._store.writing() as rows:
            decision = Decision(verdict, person, self._now(), note[:MAX_NOTE_CHARS])
            approval = rows.get(_typed(approval_id))
            _require_open(approval.as_of(decision.at_utc), verdict)
            refusal = self._objection(approval, decision)
            if refusal is None:
                decided = self._decided(approval, decision)
                rows.replace(approval, decided)
                record_change(self._audit, decided)
                return decided
        record_refusal(self._audit, approval, person, refusal.message)
        raise refusal

    def _decided(self, approval: Approval, decision: Decision) -> Approval:
        decided = replace(
            approval, decisions=(*approval.decisions, decision), step=approval.step + 1
        )
        if decision.verdict == "rejected":
            return replace(decided, state="rejected", ended_at_utc=decision.at_utc)
        return decided if self.num_missing(decided) else replace(decided, state="approved")

    def _objection(self, approval: Approval, decision: Decision) -> ApprovalRefused | None:
        """Why the rules do not let this person decide so; None when they do."""
        may_decide = self._policy.may_decide(decision.person, approval.request.action)
        if decision.verdict == "rejected":
            is_allowed = may_decide or _is_same(decision.person, approval.request.asked_by)
            return None if is_allowed else self._not_allowed(approval, decision.person)
        if not approval.is_intact:
            return _changed(approval)
        if not may_decide:
            return self._not_allowed(approval, decision.person)
        return _objection_to_second(approval, decision.person)

    def _not_allowed(self, approval: Approval, person: Person) -> ApprovalRefused:
        action = approval.request.action
        return ApprovalRefused(
            f"{person} may not decide about {action}",
            f"who may: {self._policy.who_may(action)}; it is set in [approvals] allow",
        )


def _free_id(rows: Rows) -> str:
    approval_id = new_id()
    while rows.is_known(approval_id):
        approval_id = new_id()
    return approval_id


def _typed(approval_id: str) -> str:
    """The id as a person may have typed it."""
    return approval_id.strip().lower()


def _require_open(approval: Approval, verdict: Verdict) -> None:
    """Raises ApprovalConflict. What is approved can be rejected until it is used."""
    if approval.state == "pending" or (approval.state, verdict) == ("approved", "rejected"):
        return
    raise ApprovalConflict(
        f"{approval.id} is {approval.history()}",
        "nothing was changed; ask again if the act is still needed",
    )


def _objection_to_second(approval: Approval, person: Person) -> ApprovalRefused | None:
    """Of two who have to agree, the second must be known to be somebody else.

    Raises ApprovalConflict for the first one, who clicks twice.
    """
    for earlier in approval.decisions:
        if _is_same(earlier.person, person):
            raise ApprovalConflict(
                f"{approval.id} is {approval.history()}", "a second person has to agree as well"
            )
        if earlier.person.directory != person.directory:
            return ApprovalRefused(
                f"{earlier.person} has agreed to {approval.id}; whether {person} is somebody else "
                "cannot be known",
                f"a second person has to agree at the same front: {earlier.person.front}",
            )
    return None


def _is_same(one: Person, other: Person) -> bool:
    return (one.directory, one.user) == (other.directory, other.user)


def _changed(approval: Approval) -> ApprovalRefused:
    return ApprovalRefused(
        f"the arguments of {approval.id} are not those that were asked for",
        "it cannot be approved; find out who else writes to the approvals",
    )
