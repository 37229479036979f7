"""Rules for statements that destroy data, open it to others, or run programs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from sqlglot import exp

from tools.code.report import Danger, excerpt
from tools.code.sql.statements import SqlUnreadable, Statement, read_statements

_COUNT_FIRST = "count first what it would change, with SELECT count(*) and the same WHERE"
_BACKUP = "take a dump first, and make sure nothing uses it"
_LEAST = "grant the rights that are needed, on the tables that are needed, to one role"

# The beginning of a statement's words -> what it does, what to do instead.
_BY_WORDS: tuple[tuple[str, str, str], ...] = (
    (r"DROP (DATABASE|SCHEMA)\b", "drops all that is in it", _BACKUP),
    (
        r"DROP (TABLE|MATERIALIZED VIEW|TABLESPACE|"
        r"COLLECTION)\b",
        "drops a table with its data",
        _BACKUP,
    ),
    (
        r"DROP (VIEW|FUNCTION|PROCEDURE|TRIGGER|SEQUENCE|TYPE|"
        r"EXTENSION)\b",
        "drops what others may use",
        _BACKUP,
    ),
    (r"DROP (USER|ROLE|OWNED)\b", "removes a role", "lock it instead: ALTER ROLE … NOLOGIN"),
    (
        r"DROP INDEX (?!CONCURRENTLY)",
        "drops an index: queries may become slow",
        "DROP INDEX CONCURRENTLY, after a look at its use",
    ),
    (r"TRUNCATE\b", "empties a table", _BACKUP),
    (
        r"ALTER TABLE\b.* DROP (?!CONSTRAINT|DEFAULT|NOT|INDEX|EXPRESSION|IDENTITY|KEY|"
        r"FOREIGN)",
        "drops a column with its data",
        _BACKUP,
    ),
    (
        r"ALTER SYSTEM\b|SET GLOBAL\b|"
        r"SET PERSIST\b",
        "changes the whole server",
        "note the old value; SHOW it first",
    ),
    (
        r"(ALTER|CREATE) (ROLE|USER)\b.* (SUPERUSER|BYPASSRLS|"
        r"REPLICATION)\b",
        "makes a role almighty",
        _LEAST,
    ),
    (r"GRANT ALL\b", "grants every right", _LEAST),
    (r"GRANT .* TO PUBLIC\b", "grants rights to everyone", _LEAST),
    (r"GRANT .* WITH GRANT OPTION\b", "lets a role hand its rights on", _LEAST),
    (
        r"COPY .* (FROM|TO) PROGRAM\b",
        "runs a program on the database's machine",
        "use \\copy from the client",
    ),
    (
        r".*\bINTO (OUTFILE|DUMPFILE)\b|"
        r".*\bLOAD_FILE \(",
        "reads or writes files on the database's machine",
        "use the client",
    ),
    (
        r".*\b(XP_CMDSHELL|PG_READ_FILE|PG_READ_BINARY_FILE|LO_EXPORT|"
        r"LO_IMPORT)\b",
        "reaches the database's machine",
        "use the client",
    ),
    (
        r"ALTER TABLE .* DISABLE TRIGGER\b|"
        r"SET .*SESSION_REPLICATION_ROLE\b",
        "turns triggers and foreign keys off",
        "turn them on in the same transaction",
    ),
    (
        r"SET (GLOBAL |"
        r"SESSION )?(@@)?FOREIGN_KEY_CHECKS = 0",
        "turns foreign keys off",
        "turn them on at the end; check for orphans",
    ),
    (
        r"(RESET|PURGE) (MASTER|BINARY LOGS)\b|"
        r"PURGE MASTER LOGS",
        "deletes what replicas and restores need",
        "make sure that every replica has it",
    ),
    (r"(STOP|RESET) (SLAVE|REPLICA)\b", "stops or forgets replication", "note its position first"),
    (r"REASSIGN OWNED\b", "gives all that a role owns to another", "look at what it owns first"),
)

Rule = Callable[[Statement], Iterator[Danger]]


def statement_dangers(statement: Statement) -> Iterator[Danger]:
    """All that the rules say of one statement."""
    for rule in (_by_words, _unbounded, _ends_sessions, _inside):
        yield from rule(statement)


def sql_dangers(code: str, dialect: str) -> list[Danger]:
    """The dangers of a piece of SQL; none when it cannot be read."""
    try:
        return [one for part in read_statements(code, dialect) for one in statement_dangers(part)]
    except SqlUnreadable:
        return []


def _danger(statement: Statement, what: str, advice: str) -> Danger:
    return Danger(statement.line, excerpt(statement.text), what, advice)


def _by_words(statement: Statement) -> Iterator[Danger]:
    if statement.begins("CREATE FUNCTION", "CREATE PROCEDURE", "CREATE TRIGGER"):
        return
    if re.match(r"DROP TEMPORARY\b|EXPLAIN (?!ANALYZE)", statement.words):
        return
    words = re.sub(r"^EXPLAIN ANALYZE (VERBOSE )?", "", statement.words)
    for pattern, what, advice in _BY_WORDS:
        if re.match(pattern, words):
            yield _danger(statement, what, advice)


def _unbounded(statement: Statement) -> Iterator[Danger]:
    """DELETE and UPDATE of every row: no WHERE, or one that is true of all."""
    tree = _without_explain(statement)
    if tree is None:
        return
    for change in tree.find_all(exp.Delete, exp.Update):
        if change.find_ancestor(exp.Merge):
            continue
        verb = "deletes" if isinstance(change, exp.Delete) else "changes"
        where = change.args.get("where")
        if where is None:
            if not change.args.get("limit"):
                yield _danger(statement, f"{verb} every row of {_name(change)}", _COUNT_FIRST)
        elif _is_always_true(where.this):
            what = f"{verb} every row of {_name(change)}: its WHERE is true of all"
            yield _danger(statement, what, _COUNT_FIRST)


def _without_explain(statement: Statement) -> exp.Expression | None:
    """The tree; of what EXPLAIN ANALYZE runs, too."""
    found = re.match(
        r"\s*EXPLAIN\s+(\(.*?ANALYZE.*?\)|ANALYZE(\s+VERBOSE)?)\s", statement.text, re.I | re.S
    )
    if not found:
        return statement.tree
    rest = read_statements(statement.text[found.end() :], statement.dialect)
    return rest[0].tree if rest else None


def _name(change: exp.Expression) -> str:
    table = change.find(exp.Table)
    return table.sql() if table is not None else "a table"


def _is_always_true(condition: object) -> bool:
    """`TRUE`, `1`, `1 = 1`, `id = id`, `id IS NOT NULL OR TRUE`, `NOT FALSE`."""
    if isinstance(condition, exp.Paren):
        return _is_always_true(condition.this)
    if isinstance(condition, exp.Or):
        return _is_always_true(condition.left) or _is_always_true(condition.right)
    if isinstance(condition, exp.And):
        return _is_always_true(condition.left) and _is_always_true(condition.right)
    if isinstance(condition, exp.Not):
        return isinstance(condition.this, exp.Boolean) and not condition.this.this
    if isinstance(condition, exp.Boolean):
        return bool(condition.this)
    if isinstance(condition, exp.Literal):
        return str(condition.this) not in ("0", "")
    if isinstance(condition, exp.EQ | exp.GTE | exp.LTE):
        return bool(condition.left == condition.right)
    if isinstance(condition, exp.Like):
        return isinstance(condition.expression, exp.Literal) and condition.expression.this == "%"
    return False


def _ends_sessions(statement: Statement) -> Iterator[Danger]:
    """Backends that are ended, all of them when nothing tells which."""
    if not re.search(r"\bPG_(TERMINATE|CANCEL)_BACKEND\b", statement.words):
        return
    if " FROM " not in statement.words:
        return
    words = re.sub(r"PID (<>|!=) PG_BACKEND_PID \( \)", "", statement.words)
    _, _, condition = words.partition(" WHERE ")
    if not condition.strip(" ;)"):
        yield _danger(
            statement, "ends every session of the server", "add WHERE on state, age or user"
        )


def _inside(statement: Statement) -> Iterator[Danger]:
    """What a DO block runs; the body of a function that is only defined does not run."""
    if not statement.begins("DO"):
        return
    for body in statement.bodies:
        plain = re.sub(r"(?i)\b(BEGIN|DECLARE|THEN|ELSE|LOOP)\b", ";", body)
        for danger in sql_dangers(plain, statement.dialect):
            yield _danger(statement, danger.what, danger.advice)
