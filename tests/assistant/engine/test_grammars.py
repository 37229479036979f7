from __future__ import annotations

import pytest

from assistant.engine.errors import InvalidGrammar
from assistant.engine.grammars import Grammars

from .fake_backend import FakeGrammar


class Compiler:
    """Compiles fake grammars and keeps them all."""

    def __init__(self) -> None:
        self.made: list[FakeGrammar] = []

    def __call__(self, gbnf: str) -> FakeGrammar:
        if not gbnf:
            raise InvalidGrammar("an empty grammar")
        self.made.append(FakeGrammar(gbnf))
        return self.made[-1]


def test_grammar_is_compiled_once() -> None:
    compiler = Compiler()
    grammars = Grammars(compiler)
    first, second = grammars.get("ab"), grammars.get("ab")
    grammars.get("cd")
    assert [made.pattern for made in compiler.made] == ["ab", "cd"]
    assert first is not second


def test_what_is_given_out_begins_at_the_beginning() -> None:
    grammars = Grammars(Compiler())
    first = grammars.get("ab")
    first.accept_byte(ord("a"))
    assert grammars.get("ab").next_bytes() == b"a"
    assert first.next_bytes() == b"b"


def test_least_recently_used_is_freed() -> None:
    compiler = Compiler()
    grammars = Grammars(compiler, max_compiled=2)
    for gbnf in ("a", "b", "a", "c", "a", "b"):
        grammars.get(gbnf)
    assert [made.pattern for made in compiler.made] == ["a", "b", "c", "b"]
    assert [made.is_closed for made in compiler.made] == [False, True, True, False]


def test_grammar_given_out_outlives_the_compiled_one() -> None:
    grammars = Grammars(Compiler(), max_compiled=1)
    mine = grammars.get("a")
    grammars.get("b")
    grammars.close()
    assert isinstance(mine, FakeGrammar)
    assert not mine.is_closed


def test_closing_frees_all() -> None:
    compiler = Compiler()
    grammars = Grammars(compiler)
    grammars.get("a")
    grammars.get("b")
    grammars.close()
    assert all(made.is_closed for made in compiler.made)


def test_grammar_that_does_not_compile_leaves_nothing_behind() -> None:
    compiler = Compiler()
    grammars = Grammars(compiler)
    for _ in range(2):
        with pytest.raises(InvalidGrammar):
            grammars.get("")
    assert grammars.get("a").next_bytes() == b"a"
