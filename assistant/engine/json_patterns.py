"""Regular expressions of JSON schemas (`pattern`) as GBNF for the JSON strings that they admit.

Understood is what ECMAScript and Python agree on and a grammar can say: characters, classes,
groups, alternatives, repetitions, and anchors at the ends. Where they differ, the grammar admits
what both do. Quoting is part of it: a `"` that the pattern admits stands as `\\"` in the text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from assistant.engine.errors import InvalidGrammar
from assistant.engine.gbnf import MAX_REPEATS

Range = tuple[int, int]
AddRule = Callable[[str], str]

_LAST_CODE_POINT = 0x10FFFF
_DIGITS: tuple[Range, ...] = ((0x30, 0x39),)
_WORD: tuple[Range, ...] = (*_DIGITS, (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
_SPACE: tuple[Range, ...] = ((0x09, 0x0D), (0x20, 0x20))
_ASCII: tuple[Range, ...] = ((0x00, 0x7F),)
_LINE_ENDS: tuple[Range, ...] = ((0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029))
_SHORTHANDS = {"d": _DIGITS, "w": _WORD, "s": _SPACE}
_CONTROLS = {"t": 0x09, "n": 0x0A, "v": 0x0B, "f": 0x0C, "r": 0x0D}
# What a JSON string cannot hold as it is, and the short escapes for some of that.
_UNSAFE: tuple[Range, ...] = ((0x00, 0x1F), (0x22, 0x22), (0x5C, 0x5C), (0xD800, 0xDFFF))
_ESCAPES = {0x22: '"', 0x5C: "\\", 0x08: "b", 0x09: "t", 0x0A: "n", 0x0C: "f", 0x0D: "r"}
_BOUNDS = re.compile(r"\{(\d{1,6})(?:(,)(\d{1,6})?)?\}")
_HEX_DIGITS = {"x": 2, "u": 4}
_MAX_NESTING = 32


@dataclass(frozen=True, slots=True)
class Chars:
    """One character of `ranges`."""

    ranges: tuple[Range, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """`item` at least `low` and at most `high` times; without end when that is None."""

    item: Node
    low: int
    high: int | None


@dataclass(frozen=True, slots=True)
class Row:
    """`items` one after the other."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of `options`."""

    options: tuple[Node, ...]


Node = Chars | Repeat | Row | Choice
_ANYTHING = Repeat(Chars(((0, _LAST_CODE_POINT),)), 0, None)


def string_of(
    pattern: str, add_rule: AddRule, min_length: int = 0, max_length: int | None = None
) -> str:
    """A GBNF expression for the JSON strings that `pattern` and the lengths admit.

    `add_rule` names an expression that is used more than once. Raises InvalidGrammar.
    """
    node = _Parser(pattern).parse()
    node = _limited(pattern, node, min_length, max_length)
    _check_repeats(pattern, node)
    return rf'"\"" {_Writer(pattern, add_rule).write(node)} "\""'


class _Parser:
    """Reads one regular expression."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._nesting = 0

    def parse(self) -> Node:
        """The whole pattern, with what may stand before and after it where it has no anchors."""
        options = [self._anchored()]
        while self._take("|"):
            options.append(self._anchored())
        if self._at < len(self._pattern):
            raise self._refused("something after its end")
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def _anchored(self) -> Node:
        start = () if self._take("^") else (_ANYTHING,)
        row = self._row()
        end = () if self._take("$") else (_ANYTHING,)
        return Row((*start, *row.items, *end))

    def _row(self) -> Row:
        items: list[Node] = []
        while self._at < len(self._pattern) and self._next not in "|)$":
            items.append(self._repeated(self._atom()))
        return Row(tuple(items))

    def _atom(self) -> Node:
        if self._take("("):
            return self._group()
        if self._take("["):
            return Chars(self._class())
        if self._take("."):
            return Chars(_without(((0, _LAST_CODE_POINT),), _LINE_ENDS))
        if self._take("\\"):
            return Chars(self._escaped())
        if self._next in "^*+?{":
            raise self._refused(f"{self._next!r} at this place")
        return Chars((self._code_point(),))

    def _group(self) -> Node:
        if self._take("?") and not self._take(":"):
            raise self._refused("a group of a special kind")
        self._nesting += 1
        if self._nesting > _MAX_NESTING:
            raise self._refused("groups nested so deeply")
        options: list[Node] = [self._row()]
        while self._take("|"):
            options.append(self._row())
        if not self._take(")"):
            raise self._refused("a group without its end, or an anchor in it")
        self._nesting -= 1
        return Choice(tuple(options))

    def _repeated(self, item: Node) -> Node:
        bounds = self._bounds()
        if bounds is None:
            return item
        # Whether it takes as much or as little as it can makes no difference to what fits.
        self._take("?")
        if self._bounds() is not None:
            raise self._refused("two repetitions in a row")
        return Repeat(item, *bounds)

    def _bounds(self) -> tuple[int, int | None] | None:
        for sign, bounds in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self._take(sign):
                return bounds
        match = _BOUNDS.match(self._pattern, self._at)
        if match is None:
            return None
        self._at = match.end()
        low = int(match[1])
        if match[2] is None:
            return low, low
        return low, int(match[3]) if match[3] else None

    def _class(self) -> tuple[Range, ...]:
        is_negated = self._take("^")
        ranges: list[Range] = []
        has_shorthand = False
        while not self._take("]"):
            members = self._member()
            has_shorthand = has_shorthand or not _is_point(members)
            if len(members) == 1 and self._begins_range():
                self._at += 1
                last = self._member()
                if not _is_point(members) or not _is_point(last) or last < members:
                    raise self._refused("a class with such a range")
                members = ((members[0][0], last[0][1]),)
            ranges += members
        if not ranges:
            raise self._refused("an empty class")
        if not is_negated:
            return tuple(ranges)
        # Python's \d and \w know more characters than ECMAScript's: stay where they agree.
        everything = _ASCII if has_shorthand else ((0, _LAST_CODE_POINT),)
        return _without(everything, ranges)

    def _begins_range(self) -> bool:
        ahead = self._pattern[self._at : self._at + 2]
        return len(ahead) == 2 and ahead[0] == "-" and ahead[1] != "]"

    def _member(self) -> tuple[Range, ...]:
        if self._at >= len(self._pattern):
            raise self._refused("a class without its end")
        if self._take("\\"):
            return self._escaped()
        return (self._code_point(),)

    def _escaped(self) -> tuple[Range, ...]:
        if self._at >= len(self._pattern):
            raise self._refused("a lone backslash")
        letter = self._next
        self._at += 1
        if letter in _SHORTHANDS:
            return _SHORTHANDS[letter]
        if letter.lower() in _SHORTHANDS:
            return _without(_ASCII, _SHORTHANDS[letter.lower()])
        if letter in _CONTROLS:
            return ((_CONTROLS[letter], _CONTROLS[letter]),)
        if letter in _HEX_DIGITS:
            return (self._hex(_HEX_DIGITS[letter]),)
        if letter.isalnum():
            raise self._refused(f"\\{letter}")
        return ((ord(letter), ord(letter)),)

    def _hex(self, num_digits: int) -> Range:
        digits = self._pattern[self._at : self._at + num_digits]
        if not re.fullmatch(f"[0-9a-fA-F]{{{num_digits}}}", digits):
            raise self._refused("an incomplete hexadecimal escape")
        self._at += num_digits
        return int(digits, 16), int(digits, 16)

    def _code_point(self) -> Range:
        code_point = ord(self._next)
        self._at += 1
        return code_point, code_point

    @property
    def _next(self) -> str:
        return self._pattern[self._at]

    def _take(self, sign: str) -> bool:
        if not self._pattern.startswith(sign, self._at):
            return False
        self._at += len(sign)
        return True

    def _refused(self, what: str) -> InvalidGrammar:
        return _refused(self._pattern, f"{what} (character {self._at + 1})")


class _Writer:
    """Writes a parsed pattern as GBNF."""

    def __init__(self, pattern: str, add_rule: AddRule) -> None:
        self._pattern = pattern
        self._add_rule = add_rule

    def write(self, node: Node) -> str:
        """An expression that may stand in a sequence."""
        match node:
            case Chars(ranges):
                return self._chars(ranges)
            case Row(items):
                return " ".join(map(self.write, items)) or '""'
            case Choice(options):
                return f"({' | '.join(map(self.write, options))})"
            case Repeat(item, low, high):
                return self._repeat(item, low, high)

    def _repeat(self, item: Node, low: int, high: int | None) -> str:
        if high == 0:
            return '""'
        # By its name it counts as one of llama.cpp's limited number of repeated elements.
        name = self._add_rule(self.write(item))
        return f"{name}{{{low},{'' if high is None else high}}}"

    def _chars(self, ranges: Sequence[Range]) -> str:
        options = [_escape(short) for code, short in _ESCAPES.items() if _has(ranges, code)]
        if safe := _without(ranges, _UNSAFE):
            options.insert(0, f"[{''.join(map(_range, safe))}]")
        if not options:
            raise _refused(self._pattern, "a class of characters that JSON cannot hold")
        return options[0] if len(options) == 1 else f"({' | '.join(options)})"


def _check_repeats(pattern: str, node: Node, outer: int = 1) -> None:
    """Refuse what llama.cpp would need thousands of states at once for."""
    match node:
        case Row(items) | Choice(items):
            for item in items:
                _check_repeats(pattern, item, outer)
        case Repeat(item, low, high):
            if high is not None and high < low:
                raise _refused(pattern, f"a repetition of {low} to {high} times")
            times = outer * max(low, high or 1)
            if times > MAX_REPEATS:
                raise _refused(pattern, f"more than {MAX_REPEATS:,} repetitions")
            _check_repeats(pattern, item, times)


def _limited(pattern: str, node: Node, min_length: int, max_length: int | None) -> Node:
    """`node` for texts of `min_length` to `max_length` characters; perhaps for fewer of them."""
    if isinstance(node, Choice):
        options = [_limited(pattern, option, min_length, max_length) for option in node.options]
        return Choice(tuple(options))
    items = _lengthened(node.items if isinstance(node, Row) else (node,), min_length)
    if max_length is not None:
        items = _shortened(items, max_length)
    low, high = _lengths(Row(items))
    is_short = max_length is None or (high is not None and high <= max_length)
    if low < min_length or not is_short:
        raise _refused(pattern, "a minLength or maxLength beside it")
    return Row(items)


def _lengthened(items: tuple[Node, ...], min_length: int) -> tuple[Node, ...]:
    """`items` with more repetitions, the first ones first, up to `min_length` characters."""
    missing = min_length - _lengths(Row(items))[0]
    longer: list[Node] = []
    for item in items:
        if isinstance(item, Repeat) and missing > 0 and (size := _fixed_size(item.item)):
            low = item.low + math.ceil(missing / size)
            low = low if item.high is None else min(low, item.high)
            missing -= (low - item.low) * size
            item = replace(item, low=low)
        longer.append(item)
    return tuple(longer)


def _shortened(items: tuple[Node, ...], max_length: int) -> tuple[Node, ...]:
    """`items` with fewer repetitions: what `max_length` leaves is shared among them."""
    spare = max(0, max_length - _lengths(Row(items))[0])
    num_left = sum(_fixed_size(item) is None for item in items)
    shorter: list[Node] = []
    for item in items:
        if _fixed_size(item) is None:
            if isinstance(item, Repeat) and (size := _fixed_size(item.item)):
                high = item.low + spare // num_left // size
                high = high if item.high is None else min(high, item.high)
                item = replace(item, high=min(high, max(item.low, MAX_REPEATS)))
            low_length, high_length = _lengths(item)
            spare = max(0, spare - (high_length or 0) + low_length)
            num_left -= 1
        shorter.append(item)
    return tuple(shorter)


def _fixed_size(node: Node) -> int | None:
    """The number of characters that fit `node`, if it is always the same."""
    low, high = _lengths(node)
    return low if low == high else None


def _lengths(node: Node) -> tuple[int, int | None]:
    """The least and the greatest number of characters that fit `node`."""
    match node:
        case Chars():
            return 1, 1
        case Row(items):
            lows, highs = zip(*map(_lengths, items), strict=True) if items else ((), ())
            return sum(lows), None if None in highs else sum(highs)
        case Choice(options):
            lows, highs = zip(*map(_lengths, options), strict=True)
            return min(lows), None if None in highs else max(highs)
        case Repeat(item, low, high):
            item_low, item_high = _lengths(item)
            if high is None or item_high is None:
                return low * item_low, None
            return low * item_low, high * item_high


def _without(ranges: Iterable[Range], removed: Iterable[Range]) -> tuple[Range, ...]:
    """`ranges`, less every code point of `removed`."""
    left = list(ranges)
    for low, high in removed:
        left = [
            part
            for start, end in left
            for part in ((start, min(end, low - 1)), (max(start, high + 1), end))
            if part[0] <= part[1]
        ]
    return tuple(left)


def _is_point(ranges: Sequence[Range]) -> bool:
    return len(ranges) == 1 and ranges[0][0] == ranges[0][1]


def _has(ranges: Iterable[Range], code_point: int) -> bool:
    return any(low <= code_point <= high for low, high in ranges)


def _range(ends: Range) -> str:
    low, high = ends
    return _point(low) if low == high else f"{_point(low)}-{_point(high)}"


def _point(code_point: int) -> str:
    character = chr(code_point)
    is_plain = character.isascii() and character.isalnum()
    return character if is_plain else f"\\U{code_point:08X}"


def _escape(short: str) -> str:
    """The literal of a backslash and `short`, which are themselves escaped in it."""
    return rf'"\\\{short}"' if short in '"\\' else rf'"\\{short}"'


def _refused(pattern: str, what: str) -> InvalidGrammar:
    return InvalidGrammar(
        f"the pattern {pattern!r} has {what}, which no grammar is made of here",
        "write it with characters, classes, groups, alternatives and small repetitions",
    )
