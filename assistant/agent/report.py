"""The answer as a person reads it: the model's checked sentences, then the evidence word for word.

Everything below the first paragraph is written by code from the ledger, so a quotation cannot be
wrong and a runbook's command cannot be invented.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath

from assistant.agent.checking import cited_ids
from assistant.events import Citation
from tools.evidence import Evidence

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
    note = f": {_inline(facts[0].finding.note)}" if facts[0].finding.note else ""
    return f"**Strongest lead** [{facts[0].id}] `{_inline(facts[0].finding.source)}`{note}."


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
    return "\n".join(
        ["**Your team's instructions**", "", *(f"- {_visible(i)}" for i in instructions)]
    )


def lines_section(heading: str, evidence: Sequence[Evidence]) -> str:
    """Log lines as a block, for a person who asked to see them."""
    lines = [item.finding.text for item in evidence]
    return "\n".join([f"{heading}", "", "```text", *map(_harmless, lines), "```"])


def _fact(evidence: Evidence) -> str:
    finding = evidence.finding
    place = finding.source if finding.line is None else f"{finding.source}:{finding.line}"
    note = f" ({_inline(finding.note)})" if finding.note else ""
    quote = _quoted(finding.text)
    return f"- [{evidence.id}] `{_inline(place)}`{note}\n\n{quote}"


def _passage(what: str, evidence: Evidence) -> str:
    finding = evidence.finding
    lines = finding.text.strip().splitlines()
    shown = lines[:_MAX_RUNBOOK_LINES]
    name = PurePath(finding.source).name
    more = [f"… {len(lines) - len(shown)} more lines in {name}"] if len(lines) > len(shown) else []
    body = "\n".join(f"> {_visible(line)}".rstrip() for line in [*shown, *more])
    heading = f", {finding.note}" if finding.note else ""
    return f"**{what}** [{evidence.id}] `{_inline(finding.source)}`{heading}\n\n{body}"


def _quoted(text: str) -> str:
    cut = text if len(text) <= _MAX_QUOTE_CHARS else text[:_MAX_QUOTE_CHARS] + " …"
    return "\n".join(["  ```text", *(f"  {_harmless(line)}" for line in cut.splitlines()), "  ```"])


def _inline(text: str) -> str:
    return _visible(" ".join(text.splitlines())).replace("`", "'")


def _harmless(line: str) -> str:
    """`line` so that it cannot end the code block that it stands in, nor steer a terminal."""
    return _visible(line).replace("```", "``\u200b`")


def _visible(line: str) -> str:
    """`line` with control characters replaced."""
    return "".join(c if c.isprintable() or c == "\t" else "\ufffd" for c in line)
