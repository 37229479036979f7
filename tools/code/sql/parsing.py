"""What of SQL does not parse, or parses to what nobody means."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlglot import exp
from sqlglot.errors import ParseError

from tools.code.report import Problem
from tools.code.sql.statements import Statement
from tools.code.wordlist import words

TOOL = "sqlglot"
# What a statement may begin with; sqlglot takes any other word for an expression.
_BEGINNINGS = frozenset(
    words(
        """
    SELECT WITH INSERT UPDATE DELETE MERGE CREATE ALTER DROP TRUNCATE GRANT REVOKE BEGIN
    START COMMIT ROLLBACK SAVEPOINT RELEASE SET RESET SHOW EXPLAIN ANALYZE VACUUM REINDEX
    CLUSTER COPY LOCK COMMENT DO CALL EXECUTE EXEC PREPARE DEALLOCATE DECLARE FETCH CLOSE
    MOVE LISTEN NOTIFY UNLISTEN REFRESH REASSIGN DISCARD CHECKPOINT END ABORT TABLE VALUES
    LOAD SECURITY IMPORT USE DESCRIBE DESC KILL REPLACE FLUSH OPTIMIZE REPAIR CHECK PURGE
    RENAME HANDLER STOP CHANGE PRAGMA ATTACH DETACH GO IF PRINT DBCC BACKUP RESTORE SYSTEM
    UNDROP DELIMITER ( FROM BINLOG UNLOCK RESIGNAL SIGNAL INSTALL
    """
    )
)
_KNOWN_WELL = re.compile(
    r"SELECT\b|WITH\b|INSERT\b|UPDATE\b|DELETE\b|MERGE\b|VALUES\b|TRUNCATE\b|\(|ALTER TABLE\b|"
    r"CREATE (OR REPLACE )?((GLOBAL |LOCAL )?TEMP(ORARY)? )?(TABLE|(MATERIALIZED )?VIEW|"
    r"(UNIQUE )?INDEX)\b|"
    r"DROP (TABLE|VIEW|INDEX|SCHEMA|DATABASE)\b"
)
_ROUTINES = ("FUNCTION", "PROCEDURE", "TRIGGER", "EVENT", "PACKAGE", "DELIMITER")


def parse_problems(statement: Statement) -> Iterator[Problem]:
    """Why the statement does not parse."""
    first = statement.words.partition(" ")[0]
    if first not in _BEGINNINGS:
        message = f"{statement.tokens[0].text!r} begins no statement"
        yield _error(statement, 0, statement.tokens[0].col, message)
        return
    if any(word in statement.words for word in _ROUTINES) or statement.begins("START", "GO", "IF"):
        return
    try:
        tree = statement.parsed()
    except ParseError as error:
        if is_known_well(statement):
            yield from _problems_of(error, statement)
        return
    if _has_trailing_comma(statement):
        yield _error(statement, 0, None, "a comma stands before a closing bracket")
    if isinstance(tree, exp.Delete) and not tree.this:
        yield _error(statement, 0, None, "DELETE needs FROM before the table")


def is_known_well(statement: Statement) -> bool:
    """Whether sqlglot knows the statement's whole grammar, so that a failure is the code's."""
    return bool(_KNOWN_WELL.match(statement.words))


def _problems_of(error: ParseError, statement: Statement) -> Iterator[Problem]:
    if not error.errors:
        yield _error(statement, 0, None, str(error).partition("\n")[0])
    for one in error.errors[:3]:
        # Words instead of the classes of its parser, which say nothing to a reader.
        description = str(one.get("description", "")).partition("<")[0].strip().rstrip(".")
        near = str(one.get("highlight", ""))
        message = f"{description} (near {near!r})" if near else description
        yield _error(statement, int(one.get("line") or 1) - 1, one.get("col"), message)


def _has_trailing_comma(statement: Statement) -> bool:
    return ", )" in statement.words and statement.dialect in ("postgres", "mysql", "sqlite")


def _error(statement: Statement, offset: int, column: int | None, message: str) -> Problem:
    line = statement.line + offset
    return Problem(line, column, "error", "syntax", message, TOOL)
