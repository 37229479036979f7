"""The check of PromQL: a query, or one a line; parsed, judged, its metrics named."""

from __future__ import annotations

from collections.abc import Iterator

from tools.code.linting import version_of
from tools.code.promql.expressions import Part, PromqlUnreadable, read_query
from tools.code.promql.mistakes import mistakes
from tools.code.report import CodeReport, Problem, own_problem

TOOL = "promql-parser"


def check_promql(code: str) -> CodeReport:
    """The report of a query over any number of lines, or of queries that take a line each."""
    queries = _queries(code)
    problems: list[Problem] = []
    touches: list[str] = []
    for line, query in queries:
        try:
            root = read_query(query)
        except PromqlUnreadable as error:
            problems.append(Problem(line, None, "error", "syntax", error.message, TOOL, error.fix))
            continue
        problems.extend(_mistakes(root, query, line))
        touches.extend(_metrics(root))
    return CodeReport(
        "promql",
        tuple(problems),
        (),
        tuple(touches),
        "",
        (f"{TOOL} {version_of('promql-parser')}",),
    )


def _queries(code: str) -> list[tuple[int, str]]:
    """(first line, query) of each; the whole is one where it parses, or where any line does not."""
    lines = [
        (number, line)
        for number, line in enumerate(code.splitlines(), 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    first = lines[0][0] if lines else 1
    whole = [(first, "\n".join(code.splitlines()[first - 1 :]))]
    if len(lines) > 1 and not _parses(whole[0][1]) and all(_parses(line) for _, line in lines):
        return lines
    return whole


def _parses(query: str) -> bool:
    try:
        read_query(query)
    except PromqlUnreadable:
        return False
    return True


def _mistakes(root: Part, query: str, line: int) -> Iterator[Problem]:
    for severity, rule, message, fix, word in mistakes(root):
        # The parser keeps no places: the line of the word that the rule is about.
        at = max(query.find(word), 0) if word else 0
        yield own_problem(line + query.count("\n", 0, at), severity, rule, message, fix)


def _metrics(root: Part) -> Iterator[str]:
    for part in root.below():
        if part.kind == "VectorSelector":
            name = part.metric or f"every metric with {part.node.matchers}"
            yield f"reads {name}"
