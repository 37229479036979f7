"""`Grammars`: each grammar is compiled once, however many requests it binds.

A tool set has the same grammar in every turn of every conversation; a copy of a compiled one costs
a twentieth of compiling it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from assistant.engine.backend import Grammar

_MAX_COMPILED = 32


class Grammars:
    """Compiled grammars, of which the least recently used ones are freed.

    Belongs to the engine's owner thread.
    """

    def __init__(
        self, compile_grammar: Callable[[str], Grammar], max_compiled: int = _MAX_COMPILED
    ) -> None:
        self._compile = compile_grammar
        self._max_compiled = max_compiled
        self._compiled: OrderedDict[str, Grammar] = OrderedDict()

    def get(self, gbnf: str) -> Grammar:
        """A matcher for `gbnf` at its beginning, for the caller to close. Raises InvalidGrammar."""
        if gbnf not in self._compiled:
            self._compiled[gbnf] = self._compile(gbnf)
        self._compiled.move_to_end(gbnf)
        while len(self._compiled) > self._max_compiled:
            self._compiled.popitem(last=False)[1].close()
        return self._compiled[gbnf].clone()

    def close(self) -> None:
        """Free them all; those that `get` gave out are not among them."""
        while self._compiled:
            self._compiled.popitem()[1].close()
