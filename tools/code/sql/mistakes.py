"""Rules for SQL that runs and does something else than meant, or holds everybody up."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sqlglot import exp

from tools.code.report import Problem, Severity, own_problem
from tools.code.sql.statements import Statement

_BEGINS = ("BEGIN", "START TRANSACTION", "SET AUTOCOMMIT = 0", "BEGIN TRANSACTION", "BEGIN TRAN")
_CHANGES = (exp.Insert, exp.Update, exp.Delete, exp.Merge)


def script_problems(statements: Sequence[Statement]) -> Iterator[Problem]:
    """What the statements together show: transactions that are missing or not ended."""
    has_begun = any(one.begins(*_BEGINS) for one in statements)
    changes = [one for one in statements if isinstance(one.tree, _CHANGES)]
    if changes and not has_begun:
        severity: Severity = "warning" if len(changes) > 1 else "info"
        message = "changes data outside a transaction: it cannot be taken back"
        yield own_problem(
            changes[0].line,
            severity,
            "no-transaction",
            message,
            "BEGIN; … look, then COMMIT or ROLLBACK;",
        )
    ends = [one for one in statements if one.begins("COMMIT", "ROLLBACK", "END", "ABORT")]
    if has_begun and not ends:
        begin = next(one for one in statements if one.begins(*_BEGINS))
        yield own_problem(
            begin.line, "warning", "open-transaction", "the transaction is never ended", "COMMIT;"
        )
    yield from _concurrent_inside(statements)


def _concurrent_inside(statements: Sequence[Statement]) -> Iterator[Problem]:
    is_open = False
    for one in statements:
        if one.begins(*_BEGINS):
            is_open = True
        elif one.begins("COMMIT", "ROLLBACK", "END"):
            is_open = False
        elif is_open and re.match(
            r"(CREATE (UNIQUE )?|DROP |RE)INDEX CONCURRENTLY|VACUUM\b|CREATE DATABASE", one.words
        ):
            message = "does not work inside a transaction"
            yield own_problem(one.line, "error", "not-in-transaction", message, "run it on its own")


def statement_problems(statement: Statement) -> Iterator[Problem]:
    """What the rules find in one statement."""
    yield from _locks(statement)
    tree = statement.tree
    if tree is None:
        return
    yield from _null_comparisons(statement, tree)
    yield from _null_lists(statement, tree)
    yield from _cartesian(statement, tree)
    yield from _mixed_conditions(statement, tree)


_LOCKS: tuple[tuple[str, str, str], ...] = (
    (
        r"CREATE (UNIQUE )?INDEX (?!CONCURRENTLY)",
        "blocks every write while the index is built",
        "CREATE INDEX CONCURRENTLY",
    ),
    (
        r"ALTER TABLE .*ALTER (COLUMN )?\S+ (SET DATA )?TYPE\b",
        "may rewrite the table, and blocks everything meanwhile",
        "add a column, fill it in batches, then swap",
    ),
    (
        r"ALTER TABLE .*ADD (COLUMN )?(IF NOT EXISTS )?(?!CONSTRAINT)"
        r"\S+ .*\bNOT NULL(?!.*\bDEFAULT\b)",
        "fails when the table has rows: they would be NULL",
        "add it with a DEFAULT, or nullable first",
    ),
    (
        r"ALTER TABLE .*SET NOT NULL",
        "reads the whole table under a lock",
        "add a CHECK … NOT VALID, VALIDATE it, then set it",
    ),
    (
        r"ALTER TABLE .*ADD (CONSTRAINT \S+ )?(FOREIGN KEY|"
        r"CHECK)(?!.*NOT VALID)",
        "checks every row under a lock",
        "add it NOT VALID, then VALIDATE CONSTRAINT",
    ),
    (
        r"ALTER TABLE .*ADD (CONSTRAINT \S+ )?(PRIMARY KEY|"
        r"UNIQUE) \(",
        "builds an index under a lock",
        "build it CONCURRENTLY, then ADD … USING INDEX",
    ),
    (
        r"VACUUM (\( )?FULL|VACUUM \( FULL|CLUSTER\b",
        "rewrites the table and blocks everything meanwhile",
        "plain VACUUM, or pg_repack",
    ),
    (
        r"REINDEX (?!.*CONCURRENTLY)",
        "blocks writes while the index is built",
        "REINDEX … CONCURRENTLY",
    ),
    (r"LOCK TABLES?\b", "blocks others until the transaction ends", "set lock_timeout first"),
    (r"ALTER TABLE .*RENAME\b", "breaks what still uses the old name", "change the readers first"),
    (
        r"REFRESH MATERIALIZED VIEW (?!CONCURRENTLY)",
        "blocks readers meanwhile",
        "REFRESH MATERIALIZED VIEW CONCURRENTLY",
    ),
)


def _locks(statement: Statement) -> Iterator[Problem]:
    if statement.dialect != "postgres" or re.match(r"CREATE TEMP", statement.words):
        return
    for pattern, message, fix in _LOCKS:
        if re.match(pattern, statement.words):
            yield own_problem(statement.line, "warning", "lock", message, fix)


def _null_comparisons(statement: Statement, tree: exp.Expression) -> Iterator[Problem]:
    for comparison in tree.find_all(exp.EQ, exp.NEQ):
        is_assignment = isinstance(comparison.parent, exp.Update | exp.SetItem)
        if (
            isinstance(comparison.right, exp.Null)
            and not is_assignment
            and not _assigns(comparison)
        ):
            message = "a comparison with NULL is never true"
            yield own_problem(
                statement.line, "warning", "null-comparison", message, "IS NULL, IS NOT NULL"
            )


def _assigns(comparison: exp.Binary) -> bool:
    """`SET a = NULL` of an UPDATE, also in ON CONFLICT or MERGE."""
    return not comparison.find_ancestor(exp.Where, exp.Join, exp.Having, exp.Case)


def _null_lists(statement: Statement, tree: exp.Expression) -> Iterator[Problem]:
    for negation in tree.find_all(exp.Not):
        if isinstance(negation.this, exp.In) and negation.this.args.get("query"):
            message = "NOT IN finds nothing once the subquery gives a NULL"
            yield own_problem(statement.line, "warning", "not-in-null", message, "NOT EXISTS (…)")


def _cartesian(statement: Statement, tree: exp.Expression) -> Iterator[Problem]:
    for select in tree.find_all(exp.Select):
        joins = select.args.get("joins") or []
        plain = [one for one in joins if isinstance(one.this, exp.Table) and not _is_bound(one)]
        if plain and not select.args.get("where"):
            message = f"joins {plain[0].this.sql()} with no condition: every row with every other"
            yield own_problem(statement.line, "warning", "cartesian", message, "JOIN … ON …")


def _is_bound(join: exp.Join) -> bool:
    return bool(
        join.args.get("on")
        or join.args.get("using")
        or join.kind == "CROSS"
        or join.method == "NATURAL"
    )


def _mixed_conditions(statement: Statement, tree: exp.Expression) -> Iterator[Problem]:
    """`a AND b OR c` in what changes data: the OR takes in more than it looks."""
    where = tree.args.get("where") if isinstance(tree, exp.Delete | exp.Update) else None
    condition = where.this if where is not None else None
    if isinstance(condition, exp.Or) and any(
        isinstance(side, exp.And) for side in (condition.left, condition.right)
    ):
        message = "AND binds before OR: the OR part applies to every row"
        yield own_problem(
            statement.line, "warning", "and-or", message, "put brackets around the OR"
        )
