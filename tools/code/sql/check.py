"""The check of a piece of SQL: parsed, judged, its tables named, its dry form written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlglot import exp

from tools.code.linting import version_of
from tools.code.report import CodeReport, Problem
from tools.code.sql.dangers import statement_dangers
from tools.code.sql.dry_run import dry_run_of
from tools.code.sql.mistakes import script_problems, statement_problems
from tools.code.sql.parsing import TOOL, is_known_well, parse_problems
from tools.code.sql.statements import DIALECTS, SqlUnreadable, Statement, read_statements

_VERBS = {
    exp.Insert: "inserts into",
    exp.Update: "updates",
    exp.Delete: "deletes from",
    exp.Merge: "merges into",
    exp.Drop: "drops",
    exp.TruncateTable: "empties",
    exp.Alter: "alters",
    exp.Create: "creates",
    exp.Copy: "copies",
    exp.Grant: "grants rights on",
}


def check_sql(code: str, dialect: str = "postgres") -> CodeReport:
    """The report of SQL in `dialect`, one of `DIALECTS`; another is checked as postgres."""
    known = dialect if dialect in DIALECTS else "postgres"
    not_checked = () if known == dialect else (f"dialect {dialect}: unknown, read as postgres",)
    checked_by = (f"{TOOL} {version_of('sqlglot')} ({known})",)
    try:
        statements = read_statements(code, known)
    except SqlUnreadable as error:
        problem = Problem(error.line, None, "error", "syntax", error.message, TOOL)
        return CodeReport("sql", (problem,), checked_by=checked_by, not_checked=not_checked)
    return CodeReport(
        "sql",
        tuple(_problems(statements)),
        tuple(danger for one in statements for danger in statement_dangers(one)),
        tuple(touched_tables(statements)),
        dry_run_of(statements),
        checked_by,
        (*not_checked, *_unread(statements)),
    )


def _problems(statements: Sequence[Statement]) -> Iterator[Problem]:
    for statement in statements:
        yield from parse_problems(statement)
        yield from statement_problems(statement)
    yield from script_problems(statements)


def _unread(statements: Sequence[Statement]) -> Iterator[str]:
    for one in statements:
        if isinstance(one.tree, exp.Command) or (one.tree is None and not is_known_well(one)):
            first = " ".join(one.words.split()[:2])
            yield f"line {one.line}: the grammar of {first} is not known here"


def touched_tables(statements: Sequence[Statement]) -> Iterator[str]:
    """A line for each table and what happens to it: what changes first, then what is read."""
    reads: dict[str, None] = {}
    for statement in statements:
        tree = statement.tree
        if tree is None:
            continue
        names = _local_names(tree)
        changed = _changed(tree)
        for verb, table in changed:
            yield f"{verb} {table}"
        for table in _tables(tree) if not isinstance(tree, exp.Alter) else ():
            if table not in names and table not in [name for _, name in changed]:
                reads[f"reads {table}"] = None
    yield from reads


def _changed(tree: exp.Expression) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for node in tree.find_all(*_VERBS):
        verb = next(verb for kind, verb in _VERBS.items() if isinstance(node, kind))
        if isinstance(node, exp.Drop) and node.parent is not None:
            continue
        own = _tables(node)
        targets = own if isinstance(node, exp.TruncateTable | exp.Drop) else own[:1]
        found.extend((verb, table) for table in targets)
    return found


def _tables(tree: exp.Expression) -> list[str]:
    names = []
    # Breadth first, so that a statement's own table stands before those of its subqueries.
    for table in tree.find_all(exp.Table):
        name = ".".join(part.name for part in table.parts if part.name)
        if name:
            names.append(name)
    return list(dict.fromkeys(names))


def _local_names(tree: exp.Expression) -> set[str]:
    return {cte.alias for cte in tree.find_all(exp.CTE)}
