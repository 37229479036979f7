"""How sure an answer may be, in words, from what it rests on.

Code says it, by what can be counted: how strong the cited signs are, how many sources agree, and
whether it was seen before. A model's own confidence is no measure of anything.
"""

from __future__ import annotations

from collections.abc import Sequence

from tools.evidence import Evidence

_STRONG = 0.8
_CLEAR = 0.5
_AGREES = 0.6
_MAX_NAMES = 4


LOW = "*Confidence:* low"
"""What the line begins with when the answer is not sure."""


def confidence_line(
    cited: Sequence[Evidence], facts: Sequence[Evidence], seen_before: Sequence[Evidence]
) -> str:
    """`*Confidence:* high: 3 sources agree (orders-api, postgresql, df.txt).`; empty without facts.

    `cited` is what the cause rests on, `facts` all that was found.
    """
    strongest = max((item.finding.suspicion for item in cited if item.is_fact), default=0.0)
    if not facts or not strongest:
        return ""
    agreeing = [item for item in facts if item.finding.suspicion >= max(_AGREES, 0.6 * strongest)]
    sources = list(dict.fromkeys(item.finding.source for item in agreeing))
    if strongest >= _STRONG and (len(sources) > 1 or seen_before):
        return f"*Confidence:* high: {_reasons(sources, seen_before)}."
    if strongest >= _CLEAR:
        return f"*Confidence:* medium: {_reasons(sources, seen_before)}."
    return f"{LOW}: nothing that was found is a clear sign of trouble."


def _reasons(sources: Sequence[str], seen_before: Sequence[Evidence]) -> str:
    shown = ", ".join(f"`{name}`" for name in sources[:_MAX_NAMES])
    more = " …" if len(sources) > _MAX_NAMES else ""
    agree = (
        f"{len(sources)} sources agree ({shown}{more})"
        if len(sources) > 1
        else f"one source shows it ({shown})"
        if sources
        else "no source shows it clearly"
    )
    return f"{agree}, and it was seen before" if seen_before else agree
