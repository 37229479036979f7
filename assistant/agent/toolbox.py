"""The tools of one turn, and running them.

A `Toolbox` binds the tools to the turn's scope and knowledge base, runs them off the event loop,
enters what they find in the session's ledger, and says so in events. Strategies choose among the
tools; they never call the packages below themselves.
"""

from __future__ import annotations

import asyncio
import logging
import re
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from assistant.agent.arguments import ARGUMENTS, ActOnService
from assistant.agent.dispatch import dispatch
from assistant.agent.proposal import Actions, Proposal, proposal_of
from assistant.agent.report import as_citation
from assistant.answers.tool_results import ToolResults, call_key
from assistant.errors import MidwatchError
from assistant.events import (
    Approval,
    ApprovalRequested,
    Event,
    EvidenceAdded,
    ToolCall,
    ToolFinished,
    ToolStarted,
)
from knowledge.catalog import Filter
from knowledge.errors import KnowledgeError
from knowledge.incidents.memory import IncidentMemory
from tools.errors import ToolsError
from tools.evidence import Evidence, Finding, Ledger, distinct
from tools.result import Status, ToolResult
from tools.scope import Scope

if TYPE_CHECKING:
    from pathlib import Path

    from knowledge.base import KnowledgeBase, Passage
    from knowledge.incidents.incident import Signature
    from knowledge.incidents.similarity import IncidentMatch

_RUNBOOK_CHARS = 1800
_SAME_CHARS = 80
_WAITING = "Waiting for approval {}. Nothing was done yet."
_MAX_INCIDENTS = 1
_STEPS_HEADING = re.compile(
    r"#{1,4} .*\b(?:fix|mitigat|resol|remed|repair|recover|solution|what to do|steps|procedure)",
    re.IGNORECASE,
)
# An incident is told as one, and a log's lines are evidence only where they were just read.
_RUNBOOKS = Filter(kinds=("runbook", "alert"))
_log = logging.getLogger(__name__)

Emit = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class ToolReport:
    """A finished call: its result, and its findings under the ledger's ids."""

    call: ToolCall
    result: ToolResult
    evidence: tuple[Evidence, ...]


@dataclass(slots=True)
class Toolbox:
    """The tools of one turn."""

    scope: Scope
    runbooks: KnowledgeBase
    min_score: float
    ledger: Ledger
    emit: Emit
    calls: list[ToolCall] = field(default_factory=list)
    gathered: list[str] = field(default_factory=list)
    """What is to be said of how the scope came about: what could not be fetched, and why."""
    redact: Callable[[str], str] = str
    """Takes secrets out of a text: what leaves a tool has gone through it."""
    actions: Actions | None = None
    """Where actions are proposed; None where there is nothing to act on, as in a bundle."""
    session: str = ""
    approvals: list[Approval] = field(default_factory=list)
    results: ToolResults | None = None
    """What turns find at the same time, to look once for all; None: each looks for itself."""
    scope_key: str = ""
    """Stands for the scope among all turns; empty: nothing of this one is shared."""
    _num_started: int = 0
    _is_cancelled: threading.Event = field(default_factory=threading.Event)

    async def run(self, name: str, arguments: Mapping[str, Any]) -> ToolReport:
        """Run a tool by its name with arguments from a model; never raises for what they are."""
        try:
            checked = ARGUMENTS[name].model_validate(dict(arguments))
        except KeyError:
            return await self.perform(name, arguments, lambda: _unknown_tool(name))
        except ValidationError as error:
            first = error.errors()[0]
            field_name = ".".join(map(str, first["loc"]))
            message = f"bad arguments for {name}: {field_name}: {first['msg']}"
            return await self.perform(name, arguments, lambda: ToolResult(Status.ERROR, message))
        if isinstance(checked, ActOnService):
            return await self._propose_call(name, checked)
        return await self.perform(name, arguments, lambda: dispatch(checked, self))

    async def perform(
        self,
        name: str,
        arguments: Mapping[str, Any],
        work: Callable[[], ToolResult],
        shared_as: Mapping[str, Any] | None = None,
    ) -> ToolReport:
        """Run `work` in a thread as the tool `name`, between its two events.

        With `shared_as`, all that its result depends on besides the scope, another turn's result of
        this moment may be taken instead.
        """
        self._num_started += 1
        number = self._num_started
        self.emit(ToolStarted(number, name, arguments))
        started = time.monotonic()
        result = ToolResult(Status.ERROR, "the call was cancelled")
        try:
            result = await self._result(name, work, shared_as)
        except asyncio.CancelledError:
            self._is_cancelled.set()
            raise
        finally:
            duration_s = time.monotonic() - started
            call = ToolCall(name, arguments, result.status.value, duration_s)
            self.calls.append(call)
            self.emit(ToolFinished(number, name, result.status.value, result.summary, duration_s))
        return ToolReport(call, result, self.enter(result.findings))

    async def _result(
        self, name: str, work: Callable[[], ToolResult], shared_as: Mapping[str, Any] | None
    ) -> ToolResult:
        def run() -> Awaitable[ToolResult]:
            return asyncio.to_thread(lambda: self._redacted(_guarded(work)))

        key = None if shared_as is None else call_key(self.scope_key, name, shared_as)
        if self.results is None or key is None:
            return await run()
        return await self.results.get(key, run)

    async def propose(self, proposal: Proposal) -> ToolReport:
        """Put an action before a person, unless nobody could approve it; the call says which.

        What came of it stands last in `approvals`. Without anything to act on, it is an entry that
        was expired from the beginning.
        """
        action = proposal.action
        kept: list[Approval] = []

        def request() -> ToolResult:
            if self.actions is None:
                kept.append(_expired(proposal))
                return ToolResult(Status.NEEDS_APPROVAL, "Nothing can be done from here.")
            refusal = self.actions.refusal(action)
            if refusal:
                return ToolResult(Status.ERROR, refusal)
            kept.append(self.actions.propose(self.session, self._with_suggesters(proposal)))
            return ToolResult(Status.NEEDS_APPROVAL, _WAITING.format(kept[0].id))

        report = await self.perform(action.name, action.as_arguments(), request)
        for approval in kept:
            self.approvals.append(approval)
            self.emit(ApprovalRequested(approval))
        return report

    async def _propose_call(self, name: str, wanted: ActOnService) -> ToolReport:
        """A model's call of an action: a proposal like any other, on the word of no person."""
        found: list[Proposal] = []

        def read() -> ToolResult:
            found.append(proposal_of(name, wanted, self.actions, self.ledger))
            return ToolResult(Status.OK, f"{found[0].action.service} is known.")

        report = await self.perform("service_state", {"service": wanted.service}, read)
        return await self.propose(found[0]) if found else report

    def _redacted(self, result: ToolResult) -> ToolResult:
        """The result without secrets, in a thread's time: there may be many findings."""
        findings = tuple(map(self._clean, result.findings))
        return replace(result, summary=self.redact(result.summary), findings=findings)

    def _clean(self, finding: Finding) -> Finding:
        text, note = self.redact(finding.text), self.redact(finding.note)
        if (text, note) == (finding.text, finding.note):
            return finding
        return replace(finding, text=text, note=note)

    def _with_suggesters(self, proposal: Proposal) -> Proposal:
        """The proposal, whose evidence shows what suggested it."""
        suggesters = [self.ledger.get(name) for name in proposal.suggested_by]
        shown = distinct((*proposal.evidence, *(item for item in suggesters if item)))
        return replace(proposal, evidence=shown)

    @property
    def is_cancelled(self) -> bool:
        """Whether the turn was cancelled."""
        return self._is_cancelled.is_set()

    def checkpoint(self, *_: object) -> None:
        """Called now and then by long work in its thread; ends it when the turn was cancelled."""
        if self._is_cancelled.is_set():
            raise ToolsError("the question was cancelled")

    def enter(self, findings: tuple[Finding, ...]) -> tuple[Evidence, ...]:
        """Enter findings, which have no secrets any more; what is new there is announced."""
        entered = []
        for finding in findings:
            known = len(self.ledger)
            evidence = self.ledger.add(finding)
            entered.append(evidence)
            if len(self.ledger) > known:
                self.emit(EvidenceAdded(as_citation(evidence), finding.note, finding.suspicion))
        return tuple(entered)

    def search_runbooks(self, *queries: str, k: int = 2) -> ToolResult:
        """The passages of the knowledge base that answer `queries`, best over all of them first."""
        if self.runbooks.is_empty():
            return ToolResult(Status.NO_DATA, "no runbooks were ingested")
        found = [self.runbooks.search(query, k + 1, self.min_score, _RUNBOOKS) for query in queries]
        findings = tuple(self._as_finding(passage) for passage in _fused(found)[:k])
        if not findings:
            return ToolResult(Status.NO_DATA, "no runbook answers this")
        named = ", ".join(f"{finding.source} ({finding.note})" for finding in findings)
        return ToolResult(Status.OK, f"Found {named}.", findings)

    def has_runbook_for(self, query: str) -> bool:
        """Whether any passage of the knowledge base answers `query`."""
        return bool(self.runbooks.search(query, 1, self.min_score, _RUNBOOKS))

    @property
    def has_incidents(self) -> bool:
        """Whether there is any past incident to compare with; cheap.

        None as well when the knowledge base cannot be read, which the search for runbooks says.
        """
        try:
            return self.runbooks.has_incidents
        except KnowledgeError:
            return False

    def recall_incidents(self, signature: Signature) -> ToolResult:
        """The past incident that looked most like `signature`, with what fixed it."""
        matches = IncidentMemory(self.runbooks).similar(signature, k=_MAX_INCIDENTS)
        if not matches:
            return ToolResult(Status.NO_DATA, "no past incident looked like this")
        findings = tuple(_as_memory(match) for match in matches)
        named = ", ".join(match.incident.id for match in matches)
        return ToolResult(Status.OK, f"Seen before: {named}.", findings)

    def _as_finding(self, passage: Passage) -> Finding:
        """The document's steps, where it has a section for them; else the passage and more."""
        text, line = _from_file(passage) or (self._from_passages(passage), passage.line)
        return Finding("runbook", passage.path, text, line, passage.heading, passage.score)

    def _from_passages(self, passage: Passage) -> str:
        """What the knowledge base holds of the document, from the passage on."""
        chunks = self.runbooks.document(passage)
        texts = [chunk.text for chunk in chunks if chunk.line >= passage.line]
        return "\n\n".join(texts or [passage.text])[:_RUNBOOK_CHARS].rstrip()


def _expired(proposal: Proposal) -> Approval:
    action = proposal.action
    return Approval(
        "",
        action.name,
        action.as_arguments(),
        "expired",
        reason=proposal.reason,
        evidence=tuple(item.id for item in proposal.evidence),
        suggested_by=proposal.suggested_by,
    )


def _fused(rankings: Sequence[Sequence[Passage]]) -> list[Passage]:
    """One passage of each document, by reciprocal rank fusion (Cormack et al. 2009, k = 60)."""
    scores: dict[Path, float] = {}
    best: dict[Path, Passage] = {}
    for ranking in rankings:
        for rank, passage in enumerate(ranking):
            path = passage.source_path
            scores[path] = scores.get(path, 0.0) + 1.0 / (60 + rank)
            if path not in best or passage.score > best[path].score:
                best[path] = passage
    return sorted(best.values(), key=lambda p: (-scores[p.source_path], -p.score))


def _as_memory(match: IncidentMatch) -> Finding:
    incident = match.incident
    when = f"{incident.occurred_at_utc:%Y-%m-%d}: " if incident.occurred_at_utc else ""
    told = [("## Cause", incident.cause), ("## Fix", incident.fix)]
    text = "\n\n".join(f"{heading}\n\n{words}" for heading, words in told if words)
    note = f"{when}{incident.title}; {match.why}"
    return Finding("incident", incident.id, text or incident.title, None, note, match.score)


def _from_file(passage: Passage) -> tuple[str, int] | None:
    """The text from the steps, or the passage, on; and its line. None where the file is not it.

    A file that was changed since it was ingested is not what was found, a PDF is no text, and what
    follows one of a file's many documents is another.
    """
    if passage.name:
        return None
    try:
        lines = passage.source_path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    if not "\n".join(lines[passage.line - 1 :]).startswith(passage.text[:_SAME_CHARS]):
        return None
    line = _steps_line(lines) or passage.line
    return "\n".join(lines[line - 1 :])[:_RUNBOOK_CHARS].rstrip(), line


def _steps_line(lines: Sequence[str]) -> int | None:
    """The line (1-based) of the first heading under which a runbook says what to do."""
    return next((n for n, line in enumerate(lines, 1) if _STEPS_HEADING.match(line)), None)


def _guarded(work: Callable[[], ToolResult]) -> ToolResult:
    """The edge where a tool's failure becomes a result that the model and the person can read."""
    try:
        return work()
    except (ToolsError, KnowledgeError, MidwatchError) as error:
        return ToolResult(Status.ERROR, f"{error.message}. {error.hint}".strip())
    except Exception as error:  # noqa: BLE001 - a broken tool must not end the turn
        _log.exception("a tool failed")
        return ToolResult(Status.ERROR, f"the tool failed: {error}")


def _unknown_tool(name: str) -> ToolResult:
    return ToolResult(Status.ERROR, f"there is no tool {name}; there are: {', '.join(ARGUMENTS)}")
