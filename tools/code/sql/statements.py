"""SQL text as statements: where each begins, its words, and its tree when it parses."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

# It says there what it reads as an opaque command, which is told by the tree as well.
logging.getLogger("sqlglot").setLevel(logging.CRITICAL)

DIALECTS = ("postgres", "mysql", "sqlite", "tsql", "oracle", "bigquery", "snowflake", "clickhouse")
# A line to the database's own client (`\c app`, `\timing`), which no database reads.
_CLIENT_LINE = re.compile(r"^[ \t]*\\.*$", re.MULTILINE)
_BODY = re.compile(r"(\$\w*\$)(.*?)\1", re.DOTALL)
_TEXTS = (TokenType.STRING, TokenType.HEREDOC_STRING, TokenType.NATIONAL_STRING)


class SqlUnreadable(Exception):
    """SQL that cannot even be cut into words; `line` counts from 1."""

    def __init__(self, message: str, line: int | None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


@dataclass(frozen=True)
class Statement:
    """`text` stands verbatim in the code, from `line` on; `tokens` are its words and marks."""

    text: str
    line: int
    tokens: tuple[Token, ...]
    dialect: str

    @cached_property
    def words(self) -> str:
        """The statement in capitals with one blank between words; each string a mere `''`."""
        return " ".join(
            "''" if one.token_type in _TEXTS else one.text.upper() for one in self.tokens
        )

    @cached_property
    def bodies(self) -> tuple[str, ...]:
        """The texts between `$$` or `$name$`."""
        return tuple(found[1] for found in _BODY.findall(self.text))

    @cached_property
    def tree(self) -> exp.Expression | None:
        """The parsed statement; None when it does not parse."""
        try:
            return self.parsed()
        except SqlglotError:
            return None

    def parsed(self) -> exp.Expression | None:
        """The parsed statement; raises ParseError, whose lines count from the statement's first."""
        try:
            found = sqlglot.parse(self.text, dialect=self.dialect)
        except RecursionError as error:
            raise ParseError("it is nested too deeply") from error
        tree = found[0] if found else None
        return tree if isinstance(tree, exp.Expression) else None

    def begins(self, *starts: str) -> bool:
        """Whether its first words are one of these (`DROP TABLE`)."""
        return any(f"{self.words} ".startswith(f"{start} ") for start in starts)


def read_statements(code: str, dialect: str) -> list[Statement]:
    """The statements of `code`, empty ones left out; raises SqlUnreadable."""
    plain = _CLIENT_LINE.sub(lambda found: " " * len(found.group()), code)
    try:
        tokens = sqlglot.tokenize(plain, dialect=dialect)
    except (SqlglotError, RecursionError) as error:
        raise SqlUnreadable("a quote or comment is not closed", _open_line(plain)) from error
    return [_statement(plain, part, dialect) for part in _parts(tokens)]


def _parts(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """The tokens between semicolons; those between BEGIN and END of a routine stay together."""
    part: list[Token] = []
    depth = 0
    for token in tokens:
        if token.token_type == TokenType.SEMICOLON and depth == 0:
            if part:
                yield part
            part = []
            continue
        part.append(token)
        if _is_routine(part):
            depth = max(0, depth + _nesting(token, part))
    if part:
        yield part


def _is_routine(part: Sequence[Token]) -> bool:
    words = [token.text.upper() for token in part[:8]]
    return words[:1] in (["CREATE"], ["ALTER"]) and bool(
        {"FUNCTION", "PROCEDURE", "TRIGGER", "EVENT", "PACKAGE"} & set(words)
    )


def _nesting(token: Token, part: Sequence[Token]) -> int:
    word = token.text.upper() if token.token_type not in _TEXTS else ""
    if word in ("BEGIN", "CASE"):
        return 1
    return -1 if word == "END" else 0


def _statement(code: str, tokens: Sequence[Token], dialect: str) -> Statement:
    start, end = tokens[0].start, tokens[-1].end + 1
    return Statement(code[start:end], code.count("\n", 0, start) + 1, tuple(tokens), dialect)


def _open_line(code: str) -> int | None:
    """The line of the last quote that has no other, as far as counting quotes tells."""
    for number, line in enumerate(code.splitlines(), 1):
        if line.count("'") % 2:
            return number
    return None
