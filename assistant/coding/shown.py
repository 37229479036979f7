"""Generated code as an answer in Markdown: the code, what is to be feared, what was checked."""

from __future__ import annotations

from collections.abc import Iterator

from assistant.coding.generated import Generated, plan_line
from assistant.coding.request import errors_of
from assistant.coding.styles import STYLES
from tools.code.report import Danger
from tools.plain import fenced, inactive, inline_code


def markdown_of(generated: Generated) -> str:
    """The answer: one fence that nothing in the code ends, short lines, the form to try it dry."""
    word = STYLES[generated.language].beginning.partition("\n")[0].lstrip("`")
    parts = [fenced(generated.code.rstrip("\n"), word), "\n".join(_lines(generated))]
    if generated.report.dry_run:
        parts.append(f"To try it without effect:\n\n{fenced(generated.report.dry_run.rstrip())}")
    return "\n\n".join(parts)


def _lines(generated: Generated) -> Iterator[str]:
    report = generated.report
    yield from (_danger(danger) for danger in report.dangers)
    for problem in errors_of(report):
        place = f"line {problem.line}: " if problem.line is not None else ""
        message = inactive(problem.message)
        yield f"- **Error**, {place}{message} ({problem.tool} {problem.code})"
    if not generated.is_whole:
        yield "- **Error**: the code breaks off"
    yield f"- This {inactive(plan_line(report))}. It was not run."
    if report.checked_by:
        yield f"- Checked by {inactive(', '.join(report.checked_by))}."
    yield from (f"- Not checked: {inactive(reason)}." for reason in report.not_checked)
    for text in generated.house:
        yield f"- After the house's {text.kind} in {inline_code(text.source)}."


def _danger(danger: Danger) -> str:
    place = f" in line {danger.line}" if danger.line is not None else ""
    told = inactive(f"{danger.what}. {danger.advice}".rstrip())
    return f"- **Danger**{place}: {inline_code(danger.text)} {told}"
