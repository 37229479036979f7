"""The queries of a grammar that has finitely many, to say what a question allows."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

_LEXEME = re.compile(r'\s*(?:"((?:\\.|[^"\\])*)"|([()|])|([a-z]+))')


def queries_of(grammar: str) -> set[str]:
    """Every text of the rule `root`, without the closing fence; it may use no other rule."""
    rule = grammar.splitlines()[0].removeprefix("root ::= ")
    texts = _Reader(rule).alternatives()
    assert all(text.endswith("\n```") for text in texts)
    return {text.removesuffix("\n```") for text in texts}


class _Reader:
    def __init__(self, rule: str) -> None:
        self._lexemes: Iterator[re.Match[str]] = _LEXEME.finditer(rule.rstrip())
        self._next = next(self._lexemes, None)

    def alternatives(self) -> list[str]:
        found = self._row()
        while self._is("|"):
            self._advance()
            found += self._row()
        return found

    def _row(self) -> list[str]:
        parts: list[list[str]] = []
        while self._next is not None and not self._is("|") and not self._is(")"):
            parts.append(self._part())
        return ["".join(texts) for texts in itertools.product(*parts)]

    def _part(self) -> list[str]:
        if self._is("("):
            self._advance()
            inner = self.alternatives()
            assert self._is(")")
            self._advance()
            return inner
        assert self._next is not None
        assert self._next[3] is None, f"the grammar uses the rule {self._next[3]}"
        text = self._next[1]
        self._advance()
        return [text.replace("\\n", "\n").replace('\\"', '"').replace("\\\\", "\\")]

    def _is(self, sign: str) -> bool:
        return self._next is not None and self._next[2] == sign

    def _advance(self) -> None:
        self._next = next(self._lexemes, None)
