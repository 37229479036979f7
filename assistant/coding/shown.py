"""Generated code as an answer in Markdown: the code, what is to be feared, what was checked."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assistant.coding.generated import Generated, plan_line
from assistant.coding.request import errors_of
from assistant.coding.styles import STYLES
from tools.code.report import Danger

_RUNS = re.compile(r"`+")


def markdown_of(generated: Generated) -> str:
    """The answer: one fence that nothing in the code ends, and short lines behind it."""
    longest = max((len(run) for run in _RUNS.findall(generated.code)), default=0)
    fence = "`" * max(3, longest + 1)
    word = STYLES[generated.language].beginning.partition("\n")[0].lstrip("`")
    return "\n".join([f"{fence}{word}", generated.code.rstrip("\n"), fence, "", *_lines(generated)])


def _lines(generated: Generated) -> Iterator[str]:
    report = generated.report
    yield from (_danger(danger) for danger in report.dangers)
    for problem in errors_of(report):
        place = f"line {problem.line}: " if problem.line is not None else ""
        yield f"- **Error**, {place}{problem.message} ({problem.tool} {problem.code})"
    if not generated.is_whole:
        yield "- **Error**: the code breaks off"
    yield f"- This {plan_line(report)}. It was not run."
    if report.checked_by:
        yield f"- Checked by {', '.join(report.checked_by)}."
    yield from (f"- Not checked: {reason}." for reason in report.not_checked)


def _danger(danger: Danger) -> str:
    place = f" in line {danger.line}" if danger.line is not None else ""
    return f"- **Danger**{place}: {_inline(danger.text)} {danger.what}. {danger.advice}".rstrip()


def _inline(text: str) -> str:
    """`text` as inline code on one line, backticks in it or not."""
    text = " ".join(text.split())
    mark = "`" * (max((len(run) for run in _RUNS.findall(text)), default=0) + 1)
    return f"{mark} {text} {mark}" if mark != "`" else f"`{text}`"
