"""The answer as a person reads it: the model's checked sentences, then the evidence word for word.

Everything below the first paragraph is written by code from the ledger, so a quotation cannot be
wrong and a runbook's command cannot be invented.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePath

from assistant.agent.checking import cited_ids
from assistant.agent.inert import inert, inert_line
from assistant.events import Approval, Citation
from tools.evidence import Evidence
from tools.plain import fenced, one_line

_MAX_QUOTE_CHARS = 400
_MAX_RUNBOOK_LINES = 14
# A cause has its traces: so many findings are quoted although the answer cites fewer.
_MIN_QUOTED = 5
_MAX_FULL_OVERVIEW = 2


def as_citation(evidence: Evidence) -> Citation:
    """The ledger's entry as events and JSON show it."""
    finding = evidence.finding
    return Citation(evidence.id, finding.kind, finding.source, finding.line, finding.text)


def closing_sections(
    written: str,
    evidence: Sequence[Evidence],
    overview: Sequence[str],
    *,
    num_facts: int = _MIN_QUOTED,
) -> str:
    """All that code adds below the model's words: quotations, a runbook, what was examined.

    The facts are those that `written` cites, filled up to `num_facts` with the strongest others.
    """
    runbooks = [item for item in evidence if item.finding.kind == "runbook"]
    sections = [
        evidence_section(_to_quote(written, evidence, num_facts)),
        runbook_section(runbooks[:1]),
        examined_line(overview),
    ]
    return "\n\n".join(section for section in sections if section)


def strongest_lead(evidence: Sequence[Evidence]) -> str:
    """The first fact in code's own words, for when the model has none that stand up."""
    facts = [item for item in evidence if item.is_fact]
    if not facts:
        return ""
    note = f": {inert_line(facts[0].finding.note)}" if facts[0].finding.note else ""
    return f"**Strongest lead** [{facts[0].id}] `{inline(facts[0].finding.source)}`{note}."


def _to_quote(written: str, evidence: Sequence[Evidence], num_facts: int) -> list[Evidence]:
    ids = cited_ids(written)
    facts = [item for item in evidence if item.is_fact]
    cited = [item for item in facts if item.id in ids]
    others = [item for item in facts if item.id not in ids]
    return [*cited, *others[: max(0, num_facts - len(cited))]]


def examined_line(overview: Sequence[str]) -> str:
    """What was looked at, in one line; empty when nothing was. Of many logs, only the sum."""
    looked: list[str] = []
    for text in overview:
        head, *details = [line.strip().rstrip(".") for line in text.splitlines()]
        looked += [head, *details] if len(details) <= _MAX_FULL_OVERVIEW else [head]
    return f"*Examined:* {'; '.join(filter(None, looked))}." if looked else ""


def evidence_section(evidence: Sequence[Evidence]) -> str:
    """The cited findings with their sources and verbatim text; empty when there are none."""
    facts = [item for item in evidence if item.is_fact]
    if not facts:
        return ""
    return "\n\n".join(["**Evidence**", *map(_fact, facts)])


def runbook_section(evidence: Sequence[Evidence]) -> str:
    """The runbook passages, quoted line by line; empty when there are none."""
    runbooks = [item for item in evidence if item.finding.kind == "runbook"]
    return "\n\n".join(_passage("Runbook", item) for item in runbooks)


def seen_before_section(evidence: Sequence[Evidence]) -> str:
    """Past incidents like this one, with what caused and fixed them; empty when there are none."""
    incidents = [item for item in evidence if item.finding.kind == "incident"]
    told = "\n\n".join(_passage("Seen before", item) for item in incidents)
    # Headings would outshout the answer.
    return re.sub(r"^> ## (.+)$", r"> **\1**", told, flags=re.MULTILINE)


def instructions_section(instructions: Sequence[str]) -> str:
    """The team's rules that the answer falls under; empty when there are none."""
    if not instructions:
        return ""
    return "\n".join(["**Your team's instructions**", "", *(f"- {inert(i)}" for i in instructions)])


def approval_section(approval: Approval) -> str:
    """What would be done, what it does, what undoes it, on whose word, and how to decide."""
    what = what_of(approval.action, approval.arguments)
    if not approval.id:
        return f"**Not done**: {what}. Nothing can be changed from here; this is advice only."
    lines = [f"**Waiting for approval** `{approval.id}`: {what}", ""]
    told = {"Effect": approval.effect, "Undo": approval.undo, "Expires": approval.expires_at}
    lines += [f"- {name}: {inert(text)}" for name, text in told.items() if text]
    if approval.suggested_by:
        by = ", ".join(approval.suggested_by)
        lines.append(f"- **Not what a person said**: its target or reason comes from {by}")
    decide = f"`midwatch approvals approve {approval.id}` or `… reject {approval.id}`"
    return "\n".join([*lines, f"- Decide: {decide}"])


def what_of(action: str, arguments: Mapping[str, object]) -> str:
    """The action in words: `scale `shop/web` (kubernetes) to 4 replicas`."""
    if "code" in arguments:
        num_lines = len(str(arguments["code"]).splitlines())
        where = f" in `{inline(str(arguments['folder']))}`" if arguments.get("folder") else ""
        return f"run {num_lines} lines of {arguments.get('language')}{where}"
    if "service" not in arguments:
        return action.replace("_", " ")
    service, backend = (inline(str(arguments.get(key, ""))) for key in ("service", "backend"))
    to = f" to {arguments['replicas']} replicas" if "replicas" in arguments else ""
    return f"{action.removesuffix('_service')} `{service}` ({backend}){to}"


def lines_section(heading: str, evidence: Sequence[Evidence]) -> str:
    """Log lines as a block, for a person who asked to see them."""
    lines = [item.finding.text for item in evidence]
    return f"{heading}\n\n{fenced(chr(10).join(lines), 'text')}"


def _fact(evidence: Evidence) -> str:
    finding = evidence.finding
    place = finding.source if finding.line is None else f"{finding.source}:{finding.line}"
    note = f" ({inert_line(finding.note)})" if finding.note else ""
    quote = _quoted(finding.text)
    return f"- [{evidence.id}] `{inline(place)}`{note}\n\n{quote}"


def _passage(what: str, evidence: Evidence) -> str:
    finding = evidence.finding
    lines = finding.text.strip().splitlines()
    shown = lines[:_MAX_RUNBOOK_LINES]
    name = PurePath(finding.source).name
    more = [f"… {len(lines) - len(shown)} more lines in {name}"] if len(lines) > len(shown) else []
    body = "\n".join(
        f"> {line}".rstrip() for line in inert("\n".join([*shown, *more])).splitlines()
    )
    heading = f", {inert_line(finding.note)}" if finding.note else ""
    return f"**{what}** [{evidence.id}] `{inline(finding.source)}`{heading}\n\n{body}"


def _quoted(text: str) -> str:
    cut = text if len(text) <= _MAX_QUOTE_CHARS else text[:_MAX_QUOTE_CHARS] + " …"
    return "\n".join(f"  {line}" for line in fenced(cut, "text").splitlines())


def inline(text: str) -> str:
    """`text` on one line, so that it stays within backticks."""
    return one_line(text).replace("`", "'")
