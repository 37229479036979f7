"""What may reach llama.cpp's grammar parser.

It ends the process on groups nested a hundred thousand deep, never returns from a rule that begins
with itself behind something empty, and prints whatever it refuses to the terminal. `check` is there
first, with a message.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from assistant.engine.errors import InvalidGrammar

MAX_REPEATS = 1999
"""The most repetitions that are counted: llama.cpp takes more than these as any number."""

_MAX_CHARACTERS = 500_000
_MAX_RULES = 10_000
_MAX_ALTERNATIVES = 5_000
_MAX_NESTING = 100
_LEXEMES = re.compile(
    r"""
      (?P<space> (?: [\ \t\r\n] | \#[^\r\n]* )+ )
    | (?P<start> [A-Za-z0-9-]+ [\ \t]* ::= )
    | (?P<name> [A-Za-z0-9-]+ )
    | (?P<literal> "(?: \\. | [^"\\] )*" )
    | (?P<chars> \[ (?: \\. | [^\]\\] )* \] | \. | !?<[^<>]*> )
    | (?P<repeat> [*+?] | \{ [\ ]* \d+ [\ ]* (?: , [\ ]* \d* [\ ]* )? \} )
    | (?P<sign> [()|] )
    """,
    re.VERBOSE | re.DOTALL,
)
_EMPTY = ('""', "[]", "[^]")
_COUNT = re.compile(r"\d+")


@dataclass(slots=True)
class _Symbol:
    """A rule or group by its name, or characters when that is empty."""

    name: str
    is_empty: bool = False


@dataclass(slots=True)
class _Rules:
    """The alternatives of each rule; groups are rules named by a number in parentheses."""

    alternatives: dict[str, list[list[_Symbol]]] = field(default_factory=dict)

    def may_be_empty(self) -> set[str]:
        """The rules that nothing at all fits."""
        users: dict[str, set[str]] = {}
        for name, alternatives in self.alternatives.items():
            for symbol in itertools.chain.from_iterable(alternatives):
                users.setdefault(symbol.name, set()).add(name)
        empty: set[str] = set()
        pending = list(self.alternatives)
        while pending:
            name = pending.pop()
            rows = self.alternatives[name]
            if name not in empty and any(_is_empty(row, empty) for row in rows):
                empty.add(name)
                pending += users.get(name, ())
        return empty

    def beginnings(self, name: str, empty: set[str]) -> Iterator[str]:
        """The rules with which a text of rule `name` may begin."""
        for row in self.alternatives[name]:
            for symbol in row:
                if symbol.name:
                    yield symbol.name
                if not symbol.is_empty and symbol.name not in empty:
                    break


def _is_empty(row: list[_Symbol], empty: set[str]) -> bool:
    return all(symbol.is_empty or symbol.name in empty for symbol in row)


def check(gbnf: str) -> None:
    """Raise InvalidGrammar, naming the place, unless llama.cpp can safely be given `gbnf`."""
    if len(gbnf) > _MAX_CHARACTERS:
        raise _refused(f"it has {len(gbnf):,} characters; {_MAX_CHARACTERS:,} may be")
    rules = _read(gbnf)
    if "root" not in rules.alternatives:
        raise _refused("it has no rule `root`")
    for row in itertools.chain.from_iterable(rules.alternatives.values()):
        for symbol in row:
            if symbol.name and symbol.name not in rules.alternatives:
                raise _refused(f"there is no rule `{symbol.name}`")
    if len(rules.alternatives) > _MAX_RULES:
        raise _refused(f"it has {len(rules.alternatives):,} rules; {_MAX_RULES:,} may be")
    _check_recursion(rules)


def _read(gbnf: str) -> _Rules:
    """The rules of `gbnf`."""
    rules = _Rules()
    # The rule and the groups around the present place.
    open_names: list[str] = []
    for kind, text in _lexemes(gbnf):
        if kind == "start":
            _check_closed(open_names)
            open_names = [text[:-3].strip()]
            rules.alternatives[open_names[0]] = [[]]
        elif not open_names:
            raise _refused(f"{text!r:.20} stands before the first rule")
        elif text == "(":
            name = f"({len(rules.alternatives)})"
            rules.alternatives[open_names[-1]][-1].append(_Symbol(name))
            rules.alternatives[name] = [[]]
            open_names.append(name)
        elif text == ")":
            if len(open_names) == 1:
                raise _refused("a `)` has no `(`")
            open_names.pop()
        else:
            _read_in_rule(kind, text, rules.alternatives[open_names[-1]])
        if len(open_names) > _MAX_NESTING:
            raise _refused(f"it has groups nested more than {_MAX_NESTING} deep")
    _check_closed(open_names)
    return rules


def _check_closed(open_names: list[str]) -> None:
    if len(open_names) > 1:
        raise _refused(f"a `(` of the rule `{open_names[0]}` has no `)`")


def _read_in_rule(kind: str, text: str, alternatives: list[list[_Symbol]]) -> None:
    row = alternatives[-1]
    if text == "|":
        alternatives.append([])
        if len(alternatives) > _MAX_ALTERNATIVES:
            raise _refused(f"a rule has more than {_MAX_ALTERNATIVES:,} alternatives")
    elif kind == "repeat":
        if not row:
            raise _refused(f"{text!r} has nothing before it to repeat")
        row[-1].is_empty = row[-1].is_empty or _least(text) == 0
    else:
        row.append(_Symbol(text if kind == "name" else "", is_empty=text in _EMPTY))


def _least(repeat: str) -> int:
    """The least number of times that `repeat` allows."""
    counts = [int(count) for count in _COUNT.findall(repeat[:40])]
    if max(counts, default=0) > MAX_REPEATS or len(repeat) > 40:
        raise _refused(f"{repeat:.40} is more than {MAX_REPEATS:,} repetitions")
    if counts != sorted(counts):
        raise _refused(f"{repeat} ends before it begins")
    return counts[0] if counts else int(repeat == "+")


def _lexemes(gbnf: str) -> Iterator[tuple[str, str]]:
    position = 0
    while position < len(gbnf):
        match = _LEXEMES.match(gbnf, position)
        if match is None or "\0" in match[0]:
            raise _refused(f"{gbnf[position : position + 20]!r} cannot be read")
        position = match.end()
        assert match.lastgroup is not None
        if match.lastgroup != "space":
            yield match.lastgroup, match[0]


def _check_recursion(rules: _Rules) -> None:
    """Refuse a rule that may begin with itself: whoever follows it never arrives."""
    empty = rules.may_be_empty()
    done: set[str] = set()
    for first in rules.alternatives:
        path = dict.fromkeys([first])
        pending = [rules.beginnings(first, empty)] if first not in done else []
        while pending:
            name = next(pending[-1], None)
            if name is None:
                done.add(path.popitem()[0])
                pending.pop()
            elif name in path:
                rule = next((n for n in reversed(path) if not n.startswith("(")), name)
                raise _refused(f"the rule `{rule}` may begin with itself")
            elif name not in done:
                path[name] = None
                pending.append(rules.beginnings(name, empty))


def _refused(problem: str) -> InvalidGrammar:
    return InvalidGrammar(f"the grammar cannot be used: {problem}", "correct its rules")
