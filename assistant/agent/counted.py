"""The answer to a look-up in words: the figure, what exactly was counted, and its parts.

Code writes all of it, so that the figure is exact and a person can see which lines it is about.
Figures have no thousands separators: people copy them into scripts and compare them with others.
"""

from __future__ import annotations

from collections.abc import Sequence

from tools.evidence import Evidence
from tools.logs.lookup.query import Counted, LookupAnswer
from tools.logs.lookup.tool import condition
from tools.logs.report import format_span, format_time

_MAX_LISTED = 8
_MAX_VALUES = 30
_MAX_CHARS = 120


def is_answered(answer: LookupAnswer) -> bool:
    """Whether the look-up came to an answer: what is asked about was found, or there is none."""
    if not answer.total:
        return answer.query.operation in ("count", "distinct")
    return not answer.query.field or bool(answer.values)


def answer_text(
    answer: LookupAnswer, samples: Sequence[Counted], evidence: Sequence[Evidence]
) -> str:
    """The answer as Markdown. `evidence` has the entry of each of `samples`, in their order."""
    ids = {id(sample): item.id for sample, item in zip(samples, evidence, strict=False)}
    parts = [_headline(answer, [f"[{item.id}]" for item in evidence]), _list(answer, ids)]
    return "\n\n".join(part for part in parts if part)


def _headline(answer: LookupAnswer, ids: Sequence[str]) -> str:
    cited = ids[0] if ids else ""
    what = _meant(answer)
    match answer.query.operation:
        case "exists":
            # By other words than the question's: a person should look.
            text = f"**{'probably' if answer.tier == 'alike' else 'yes'}**, {what}"
        case "distinct":
            text = f"**{answer.num_values}** different values of {answer.field} in {what}"
        case "top":
            text = f"{_leaders(answer)}, the most frequent {answer.field} in {what}"
            cited = "".join(ids[: len(answer.values[: answer.query.limit])])
        case "values":
            text = f"**{_enumerated(answer.values)}** ({answer.field}) in {what}"
        case "max" | "min":
            word = "highest" if answer.query.operation == "max" else "lowest"
            name, value = answer.field, answer.values[0].value
            text = f"**{value}** is the {word} {name} of {answer.num_values} in {what}"
        case "first" | "last":
            text = _moment(answer, what)
        case _:
            text = _counted(answer, what)
    return f"**Answer** {cited}: {text}." if cited else f"**Answer**: {text}."


def _counted(answer: LookupAnswer, what: str) -> str:
    if answer.total:
        return f"**{answer.total}**{what.removeprefix(f'{answer.total}')}"
    missing = ", ".join(f'"{word}"' for word in answer.missing)
    reason = f"; no line has {missing}" if missing else ""
    return f"**0**: no line{condition(answer)} in {_where(answer)}{reason}"


def _meant(answer: LookupAnswer) -> str:
    """`520 of 2,000 lines with "failed" in sshd.log, 06:55 to 11:04`."""
    first, last = answer.first, answer.last
    span = format_span(first.time if first else None, last.time if last else None)
    return (
        f"{answer.total} of {answer.searched} lines{condition(answer)} in {_where(answer)}"
        f"{span and f', {span}'}"
    )


def _where(answer: LookupAnswer) -> str:
    named = ", ".join(f"`{name}`" for name in answer.sources[:3])
    more = len(answer.sources) - 3
    return f"{named} and {more} more logs" if more > 0 else named


def _leaders(answer: LookupAnswer) -> str:
    """The most frequent values; those that tie with the last of them, too."""
    limit = answer.query.limit
    least = answer.values[min(limit, len(answer.values)) - 1].count
    leading = [value for value in answer.values if value.count >= least][:_MAX_LISTED]
    return ", ".join(f"**{_short(value.value)}** ({value.count})" for value in leading)


def _enumerated(values: Sequence[Counted]) -> str:
    shown = sorted((value.value for value in values[:_MAX_VALUES]), key=_natural)
    more = f" and {len(values) - _MAX_VALUES} more" if len(values) > _MAX_VALUES else ""
    return ", ".join(map(_short, shown)) + more


def _natural(text: str) -> tuple[float, str]:
    try:
        return (float(text), text)
    except ValueError:
        return (float("inf"), text)


def _moment(answer: LookupAnswer, what: str) -> str:
    moment = answer.first if answer.query.operation == "first" else answer.last
    word = "first" if answer.query.operation == "first" else "last"
    when = (
        format_time(moment.time) if moment else "at no known time (the lines have no time stamps)"
    )
    return f"{word} **{when}**, of {what}"


def _list(answer: LookupAnswer, ids: dict[int, str]) -> str:
    """The values in their order, or the kinds of lines where there are several."""
    is_ranking = answer.query.operation in ("top", "distinct") and answer.values
    listed = answer.values if is_ranking else answer.kinds
    if len(listed) < 2 and answer.query.operation != "kinds":
        return ""
    lines = [
        f"- {item.count} x `{_short(item.value)}`{_cited(ids.get(id(item)))}"
        for item in listed[:_MAX_LISTED]
    ]
    total = len(answer.values) if is_ranking else answer.num_kinds
    if total > _MAX_LISTED:
        lines.append(f"- … and {total - _MAX_LISTED} more")
    return "\n".join(lines)


def _cited(evidence_id: str | None) -> str:
    return f" [{evidence_id}]" if evidence_id else ""


def _short(text: str) -> str:
    """`text` on one line, without what would end its code span."""
    plain = "".join(c if c.isprintable() else " " for c in text).replace("`", "'")
    return plain if len(plain) <= _MAX_CHARS else f"{plain[:_MAX_CHARS]}…"
