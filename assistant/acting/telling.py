"""What became of an approval, in words: for the person, and for the model to go on from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from assistant.agent.report import inline, what_of
from assistant.agent.turn import Resumption
from assistant.approvals.approval import Approval, clock
from assistant.approvals.request import ActionRequest
from assistant.events import Citation
from tools.plain import fenced

if TYPE_CHECKING:
    from pydantic import JsonValue

_MAX_EVIDENCE_CHARS = 160
_VERDICTS = {
    "worked": "**It worked**",
    "did_not_help": "**It did not help**",
    "failed": "**It failed**",
    "unknown": "**Nobody knows whether it worked**",
}


def heading(approval: Approval) -> str:
    """`**Approved** `a-7k3m9q` by anna (cli): restart `checkout``."""
    by = ", ".join(inline(str(one.person)) for one in approval.decisions)
    word = approval.status.capitalize()
    return f"**{word}** `{approval.id}` by {by}: {_what(approval)}"


def waiting(approval: Approval, num_missing: int) -> str:
    """That others have to agree as well."""
    more = "one more person has" if num_missing == 1 else f"{num_missing} more people have"
    return f"**Still waiting** `{approval.id}`: {more} to agree to {_what(approval)}"


def verdict(approval: Approval) -> str:
    """What came of the act, in a sentence, with where the saved log lines are and the undo."""
    result = _result(approval)
    if approval.outcome != "done":
        word = "**Not done**" if approval.outcome == "refused" else "**It failed**"
        return f"{word}: {inline(approval.message)}."
    word = _VERDICTS.get(str(result.get("verdict", "")), "**Done**")
    lines = [f"{word}: {inline(str(result.get('summary', ''))).rstrip('.')}."]
    if result.get("saved_log"):
        lines.append(f"Its last log lines before are in `{inline(str(result['saved_log']))}`.")
    return "\n\n".join([" ".join(lines), *_written(result), *_changed(result)])


def _written(result: Mapping[str, JsonValue]) -> list[str]:
    """What a program wrote, in fences that it cannot close."""
    streams = {"Output": result.get("stdout"), "Errors": result.get("stderr")}
    return [
        f"**{name}**\n\n{fenced(str(text).rstrip(), 'text')}"
        for name, text in streams.items()
        if text
    ]


def _changed(result: Mapping[str, JsonValue]) -> list[str]:
    changes = result.get("changes")
    if not isinstance(changes, list) or not changes:
        return []
    return ["\n".join(["**Changed**", "", *(f"- {inline(str(one))}" for one in changes)])]


def resumption(approval: Approval, report: str, *, goes_on: bool) -> Resumption:
    """How the session goes on: asked what else to do where the act was rejected or of no help."""
    what = _what(approval)
    if approval.status == "rejected":
        reason = approval.decisions[-1].note or "none was given"
        told = f"The person decided against this action: {what}. Their reason: {reason}. "
        return Resumption(f"{told}Nothing was done.", report, goes_on)
    result = _result(approval)
    if approval.outcome == "done" and result.get("verdict") in ("worked", None):
        return Resumption(f"A person approved this action: {what}. It worked.", report, False)
    listed = result.get("facts")
    facts = " ".join(map(str, listed)) if isinstance(listed, list) else approval.message
    told = f"A person approved this action: {what}. It did not help. {facts}"
    return Resumption(told, report, goes_on and approval.outcome == "done")


def in_words(request: ActionRequest) -> str:
    """The act on one line, as a terminal shows it."""
    return what_of(request.action, request.arguments).replace("`", "")


def card(approval: Approval) -> str:
    """All that a person needs to decide it, and what has become of it, line by line."""
    request = approval.request
    told = {
        "what": in_words(request),
        "why": request.reason,
        "asked by": str(request.asked_by),
        "suggested by": ", ".join(request.suggested_by),
        "effect": request.effect,
        "undo": request.undo,
        "state then": request.expected_state,
        "expires": clock(approval.expires_at_utc),
        "so far": approval.history(),
        "message": approval.message,
    }
    lines = [approval.id, *(f"  {name:13}{text}" for name, text in told.items() if text)]
    code = request.arguments.get("code")
    if isinstance(code, str):
        lines += ["", *(f"    {line}" for line in code.splitlines()), ""]
    if request.suggested_by:
        lines.append("  Its target or reason is not a person's: read what suggested it first.")
    return "\n".join([*lines, *map(_evidence_line, request.evidence)])


def _evidence_line(one: Citation) -> str:
    place = one.source if one.line is None else f"{one.source}:{one.line}"
    return f"  [{one.id}] {place}: {' '.join(one.text.split())[:_MAX_EVIDENCE_CHARS]}"


def _what(approval: Approval) -> str:
    return what_of(approval.request.action, approval.request.arguments)


def _result(approval: Approval) -> Mapping[str, JsonValue]:
    return approval.result if isinstance(approval.result, dict) else {}
