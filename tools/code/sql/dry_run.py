"""The form of SQL that changes nothing: a transaction that is rolled back, or a mere plan."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlglot import exp

from tools.code.sql.statements import Statement

_OWN_TRANSACTION = ("BEGIN", "START TRANSACTION", "COMMIT", "ROLLBACK", "END", "ABORT")
# What cannot be taken back by ROLLBACK, or does not run in a transaction at all.
_NO_WAY_BACK = (
    r"(CREATE|DROP) (DATABASE|TABLESPACE)\b|VACUUM\b|ALTER SYSTEM\b|.*\bCONCURRENTLY\b|"
    r"COPY .* PROGRAM\b|.*\b(INTO OUTFILE|PG_TERMINATE_BACKEND|PG_CANCEL_BACKEND|DBLINK|"
    r"LO_EXPORT)\b|"
    r"CALL\b|KILL\b|NOTIFY\b|.*\bNEXTVAL\b"
)
_DEFINES = r"(CREATE|ALTER|DROP|TRUNCATE|GRANT|REVOKE|RENAME|LOCK|FLUSH|SET GLOBAL|OPTIMIZE)\b"
_ROLLS_BACK_DEFINITIONS = ("postgres", "sqlite", "tsql")
_HAS_TRANSACTIONS = ("postgres", "mysql", "sqlite", "tsql", "oracle", "snowflake")


def dry_run_of(statements: Sequence[Statement]) -> str:
    """The SQL to show as a dry run; empty where there is no such form."""
    own = [one for one in statements if not one.begins(*_OWN_TRANSACTION)]
    if not own or any(one.tree is None or re.match(_NO_WAY_BACK, one.words) for one in own):
        return ""
    if all(isinstance(one.tree, exp.Query) and not _changes(one) for one in own):
        return "\n".join(f"EXPLAIN {one.text};" for one in own)
    dialect = own[0].dialect
    if dialect not in _HAS_TRANSACTIONS:
        return ""
    defines = any(re.match(_DEFINES, one.words) for one in own)
    if defines and dialect not in _ROLLS_BACK_DEFINITIONS:
        return ""
    begin = "BEGIN TRANSACTION" if dialect == "tsql" else "BEGIN"
    return "\n".join([f"{begin};", *(f"{one.text};" for one in own), "ROLLBACK;"])


def _changes(statement: Statement) -> bool:
    """Whether a WITH holds a statement that changes data."""
    tree = statement.tree
    return tree is not None and tree.find(exp.Insert, exp.Update, exp.Delete, exp.Merge) is not None
