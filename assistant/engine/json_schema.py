"""JSON schemas as GBNF: every text of the grammar fits the schema, or the schema is refused.

What a grammar cannot say is never left out in silence: a keyword that narrows the schema further is
refused by its name and place. Within that promise the grammar may be narrower than the schema: one
spelling of the spaces, properties in their order and none that has no schema, no more than 1,999
characters or items, numbers of fifteen digits.
"""

from __future__ import annotations

import json
import reprlib
import textwrap
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from itertools import combinations, groupby, takewhile
from typing import Any
from urllib.parse import unquote

from assistant.engine.errors import InvalidGrammar
from assistant.engine.gbnf import MAX_REPEATS
from assistant.engine.json_numbers import INTEGER, NUMBER, Bounds, decimals, integers
from assistant.engine.json_patterns import string_of

Schema = Mapping[str, Any]
Path = tuple[str, ...]

_NUMERIC = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})
# What each type understands; keywords of other types say nothing about it.
_KEYWORDS: Mapping[str, frozenset[str]] = {
    "null": frozenset(),
    "boolean": frozenset(),
    "integer": _NUMERIC,
    "number": _NUMERIC,
    "string": frozenset({"minLength", "maxLength", "pattern", "format"}),
    "array": frozenset({"items", "prefixItems", "minItems", "maxItems"}),
    "object": frozenset(
        {"properties", "required", "additionalProperties", "minProperties", "maxProperties"}
    ),
}
_COUNTS = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")
_COMBINING = ("allOf", "anyOf", "oneOf")
_FINITE = frozenset({"const", "enum"})
# Whatever is neither here nor unsupported is a note to readers: title, default, examples, …
KNOWN_KEYWORDS = frozenset({"type", "$ref", *_COMBINING}) | _FINITE.union(*_KEYWORDS.values())
# Keywords that no grammar says, and the values with which they forbid nothing that is generated.
_UNSUPPORTED: Mapping[str, tuple[Any, ...]] = {
    "additionalItems": (True, {}),
    "contains": (),
    "dependencies": ({},),
    "dependentRequired": ({},),
    "dependentSchemas": ({},),
    "$dynamicRef": (),
    "else": (),
    "if": (),
    "multipleOf": (),
    "not": (),
    "patternProperties": ({},),
    "propertyNames": (True, {}),
    "$recursiveRef": (),
    "then": (),
    "unevaluatedItems": (True, {}),
    "unevaluatedProperties": (True, False, {}),
    "uniqueItems": (False,),
}

_CHAR = (
    r"[ !#-\[\]-~\x80-\uD7FF\uE000-\U0010FFFF]"
    r' | "\\" (["\\/bfnrt] | "u" ([0-9a-cefA-CEF] [0-9a-fA-F] | [dD] [0-7]) [0-9a-fA-F]{2})'
)
_DATE = '[0-9]{4} "-" ("0" [1-9] | "1" [0-2]) "-" ("0" [1-9] | [12] [0-9] | "3" [01])'
_TIME = '([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9] ":" [0-5] [0-9] ("Z" | [-+] "0" [0-9] ":00")'
_UUID = '[0-9a-f]{8} ("-" [0-9a-f]{4}){3} "-" [0-9a-f]{12}'
_FORMATS = {
    "date": _DATE,
    "time": _TIME,
    "date-time": f'{_DATE} "T" {_TIME}',
    "uuid": _UUID,
}
_MAX_NESTING = 64
_MAX_VALUES = 50_000
_MAX_SHARED_STARTS = 8


def grammar_of(schema: Mapping[str, Any]) -> str:
    """GBNF for JSON texts that fit `schema`, spelled like `{"a": [1, 2]}`.

    Its rules, other than `root`, are named `json-1` and so on. Raises InvalidGrammar, which names
    the keyword and its place.
    """
    try:
        return _Converter(schema).convert()
    except RecursionError as error:
        raise _refused("it is nested too deeply", ()) from error


def _is_list(value: object) -> bool:
    return isinstance(value, list | tuple)


def _is_full_list(value: Any) -> bool:
    return _is_list(value) and len(value) > 0


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    # Infinity and what is no number at all leave something.
    return is_number and value - value == 0


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_type(value: Any) -> bool:
    types = value if _is_full_list(value) else [value]
    return all(isinstance(type_, str) and type_ in _KEYWORDS for type_ in types)


def _has_texts(value: Any) -> bool:
    return all(isinstance(item, str) for item in value)


_FORMS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "$ref": (lambda value: isinstance(value, str), "a text"),
    "type": (_is_type, "a type or a list of types"),
    "enum": (_is_list, "a list"),
    "pattern": (lambda value: isinstance(value, str), "a text"),
    "prefixItems": (_is_list, "a list"),
    "properties": (lambda v: isinstance(v, Mapping) and _has_texts(v), "schemas by their names"),
    "required": (lambda value: _is_list(value) and _has_texts(value), "a list of names"),
    **dict.fromkeys(_COMBINING, (_is_full_list, "a list with something in it")),
    **dict.fromkeys(_NUMERIC, (_is_number, "a number")),
    **dict.fromkeys(_COUNTS, (_is_count, "a count")),
}


class _Converter:
    """Collects the rules of one schema's grammar.

    Its methods return GBNF expressions that may stand in a sequence.
    """

    def __init__(self, root: Schema) -> None:
        self._root = root
        self._rules: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._references: dict[str, str] = {}
        self._num_values = 0

    def convert(self) -> str:
        """The whole grammar."""
        self._rules["root"] = self._value(self._root, ())
        text = "".join(f"{name} ::= {body}\n" for name, body in self._rules.items())
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise InvalidGrammar("the schema has half a surrogate pair in a text") from error
        return text

    def _rule(self, body: str) -> str:
        """The name of the rule for `body`; equal ones are one."""
        if body not in self._names:
            self._names[body] = self._new_name()
            self._rules[self._names[body]] = body
        return self._names[body]

    def _new_name(self) -> str:
        name = f"json-{len(self._rules) + 1}"
        self._rules[name] = ""
        return name

    def _value(self, schema: Any, path: Path) -> str:
        self._count(path)
        if schema is True:
            return self._anything()
        keywords = _keywords(schema, path)
        if "$ref" in keywords:
            return self._referred(keywords, path)
        for combining in _COMBINING:
            if combining in keywords:
                return self._combined(combining, keywords, path)
        if not _FINITE.isdisjoint(keywords):
            return _one_of_texts(sorted(_finite_texts(keywords, path)))
        types = _types(keywords, path)
        if not types:
            return self._anything()
        return _one_of([self._typed(type_, keywords, path) for type_ in types])

    def _count(self, path: Path) -> None:
        """Refuse a schema that takes too long: one that is small may expand without end."""
        self._num_values += 1
        if len(path) > _MAX_NESTING or self._num_values > _MAX_VALUES:
            raise _refused("it is nested too deeply, or too large", path)

    def _anything(self) -> str:
        """Any JSON value, as one rule that refers to itself."""
        if "" not in self._references:
            self._references[""] = name = self._new_name()
            types = [type_ for type_ in _KEYWORDS if type_ != "integer"]
            self._rules[name] = " | ".join(self._typed(type_, {}, ()) for type_ in types)
        return self._references[""]

    def _referred(self, keywords: Schema, path: Path) -> str:
        reference = keywords["$ref"]
        beside = {key: value for key, value in keywords.items() if key != "$ref"}
        target = self._target(reference, path)
        if beside:
            merged = _merged(beside, self._resolved(target, path), path)
            return self._value(merged, (*path, "$ref"))
        if reference not in self._references:
            self._references[reference] = name = self._new_name()
            self._rules[name] = self._value(target, (*path, "$ref"))
        return self._references[reference]

    def _target(self, reference: str, path: Path) -> Any:
        if not reference.startswith("#"):
            # What it names would have to be fetched.
            raise _refused(f"$ref {reference!r} refers to another document", path)
        target: Any = self._root
        for step in unquote(reference[1:]).split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            if isinstance(target, list) and key in map(str, range(len(target))):
                target = target[int(key)]
            elif isinstance(target, Mapping) and key in target:
                target = target[key]
            else:
                raise _refused(f"$ref {reference!r} refers to nothing", path)
        if reference != "#" and not reference.startswith("#/"):
            raise _refused(f"$ref {reference!r} is no path from the root", path)
        return target

    def _resolved(self, schema: Any, path: Path) -> Schema:
        """The keywords of `schema`, or of what it refers to."""
        keywords: Schema = {} if schema is True else _keywords(schema, path)
        for _ in range(_MAX_NESTING):
            if set(keywords) != {"$ref"}:
                return keywords
            keywords = _keywords(self._target(keywords["$ref"], path), path)
        raise _refused("$ref goes round in a circle", path)

    def _combined(self, combining: str, keywords: Schema, path: Path) -> str:
        path = (*path, combining)
        beside = {key: value for key, value in keywords.items() if key != combining}
        parts = keywords[combining]
        if combining == "allOf":
            for part in parts:
                beside = _merged(beside, self._resolved(part, path), path)
            return self._value(beside, path)
        if combining == "oneOf":
            self._check_disjoint(parts, path)
        if beside:
            parts = [_merged(beside, self._resolved(part, path), path) for part in parts]
        places = [(*path, str(index)) for index in range(len(parts))]
        return _one_of([self._value(part, at) for part, at in zip(parts, places, strict=True)])

    def _check_disjoint(self, parts: Iterable[Any], path: Path) -> None:
        """Refuse alternatives of which two may fit at once: then `oneOf` does not."""
        resolved = [self._resolved(part, path) for part in parts]
        if not all(self._are_disjoint(*pair, path) for pair in combinations(resolved, 2)):
            hint = "use anyOf, or a required property that is another constant in each of them"
            raise _refused("one value may fit several of them", path, hint)

    def _are_disjoint(self, first: Schema, second: Schema, path: Path) -> bool:
        """Whether certainly nothing fits both; False also when that is hard to tell."""
        self._count(path)
        if not any(_COMBINING_OR_REF & set(schema) for schema in (first, second)):
            if not (_possible_types(first, path) & _possible_types(second, path)):
                return True
            if not (_FINITE.isdisjoint(first) or _FINITE.isdisjoint(second)):
                values = [json.loads(text) for text in _finite_texts(second, path)]
                return not any(json.loads(t) in values for t in _finite_texts(first, path))
        return any(
            self._are_disjoint(
                self._resolved(first["properties"][name], path),
                self._resolved(second["properties"][name], path),
                (*path, name),
            )
            for name in _telling_properties(first, second)
        )

    def _typed(self, type_: str, keywords: Schema, path: Path) -> str:
        """A value of `type_`, within what `keywords` say about that type."""
        match type_:
            case "null":
                return '"null"'
            case "boolean":
                return '("true" | "false")'
            case "integer" | "number":
                return self._number(type_, keywords, path)
            case "string":
                return self._string(keywords, path)
            case "array":
                return self._array(keywords, path)
            case _:
                return self._object(keywords, path)

    def _number(self, type_: str, keywords: Schema, path: Path) -> str:
        bounds = _bounds(keywords)
        is_integer = type_ == "integer"
        if bounds == Bounds():
            return self._rule(INTEGER if is_integer else NUMBER)
        text = integers(bounds) if is_integer else decimals(bounds)
        if text is None:
            kind = "integer" if is_integer else "number of up to four decimals"
            raise _refused(f"there is no {kind} within its bounds", path)
        return self._rule(text)

    def _string(self, keywords: Schema, path: Path) -> str:
        low, high = _counts(keywords, "minLength", "maxLength", path)
        if "pattern" in keywords:
            return self._matching(keywords["pattern"], low, high, path)
        format_ = keywords.get("format")
        if isinstance(format_, str) and format_ in _FORMATS and (low, high) == (0, None):
            return self._rule(rf'"\"" {_FORMATS[format_]} "\""')
        return self._rule(rf'"\"" {_repeated(self._rule(_CHAR), low, high)} "\""')

    def _matching(self, pattern: str, low: int, high: int | None, path: Path) -> str:
        try:
            return self._rule(string_of(pattern, self._rule, low, high))
        except InvalidGrammar as error:
            raise _refused(error.message, path, error.hint) from error

    def _array(self, keywords: Schema, path: Path) -> str:
        low, high = _counts(keywords, "minItems", "maxItems", path)
        items = keywords.get("items", True)
        first = keywords.get("prefixItems", [])
        if isinstance(items, list | tuple):
            # As the older drafts spell it.
            first, items = items, True
        if first and items is True:
            # Nothing is said about more items: only as many as there must be.
            high = max(low, len(first)) if high is None else min(high, max(low, len(first)))
        first = first[:high]
        fixed = [
            self._value(item, (*path, "prefixItems", str(index)))
            for index, item in enumerate(first)
        ]
        if items is False:
            high = len(first) if high is None else min(high, len(first))
            if low > high:
                raise _refused("minItems is more than there can be", path)
        if high == len(first):
            return f'"[" {_joined(fixed)} "]"'
        item = self._rule(self._value(items, (*path, "items")))
        return f'"[" {_list(item, fixed, low, high)} "]"'

    def _object(self, keywords: Schema, path: Path) -> str:
        low, high = _counts(keywords, "minProperties", "maxProperties", path)
        properties = self._properties(keywords, path)
        required = set(keywords.get("required", ()))
        if not properties:
            return self._map(keywords, low, high, path)
        if low > len(required) or (high is not None and high < len(properties)):
            raise _refused("minProperties or maxProperties beside optional properties", path)
        pairs = []
        for name, schema in properties.items():
            value = self._value(schema, (*path, "properties", name))
            pairs.append((f"{_literal(_text(name, path) + ': ')} {value}", name in required))
        return f'"{{" {self._pairs(pairs)} "}}"'

    def _properties(self, keywords: Schema, path: Path) -> dict[str, Any]:
        """The schemas of the properties that may be generated, in their order."""
        properties, required = keywords.get("properties", {}), keywords.get("required", [])
        additional = keywords.get("additionalProperties", True)
        found = dict(properties) | {n: additional for n in required if n not in properties}
        impossible = {name for name, schema in found.items() if schema is False}
        if wrong := impossible.intersection(required):
            raise _refused(f"{min(wrong)!r} is required and can be nothing", path)
        return {name: schema for name, schema in found.items() if name not in impossible}

    def _map(self, keywords: Schema, low: int, high: int | None, path: Path) -> str:
        """An object with properties of any name."""
        additional = keywords.get("additionalProperties", not keywords.get("properties"))
        if additional is False:
            high = 0
        if low > (1 if high is None else min(high, 1)):
            # Nothing keeps the model from writing one name twice.
            raise _refused("minProperties is more than a grammar can make sure of", path)
        if high == 0:
            return '"{}"'
        name = self._string({}, path)
        value = self._value(additional, (*path, "additionalProperties"))
        pair = self._rule(f'{name} ": " {value}')
        return f'"{{" {_list(pair, [], low, high)} "}}"'

    def _pairs(self, pairs: list[tuple[str, bool]]) -> str:
        """Properties (text, whether required) with commas between those that are there."""
        rest = ""
        beginnings: list[str] = []
        for pair, is_required in reversed(pairs):
            named = self._rule(pair)
            following = self._rule(rest) if rest else '""'
            beginnings = [] if is_required else beginnings
            beginnings.append(f"{named} {following}")
            rest = f'", " {named} {following}' if is_required else f'(", " {named})? {following}'
        has_any = any(is_required for _, is_required in pairs)
        return f"({' | '.join(beginnings[::-1])}){'' if has_any else '?'}"


_COMBINING_OR_REF = frozenset({*_COMBINING, "$ref"})


def _keywords(schema: Any, path: Path) -> dict[str, Any]:
    """What `schema` demands; refuses what a grammar cannot promise."""
    if schema is False:
        raise _refused("nothing fits it", path)
    if schema is True:
        return {}
    if not isinstance(schema, Mapping):
        raise _refused(f"{reprlib.repr(schema)} is no schema", path)
    for keyword, harmless in _UNSUPPORTED.items():
        if keyword in schema and schema[keyword] not in harmless:
            raise _refused(f"no grammar can make sure of {keyword}", path, "leave it out")
    keywords = {key: value for key, value in schema.items() if key in KNOWN_KEYWORDS}
    if schema.get("unevaluatedProperties") is False:
        keywords.setdefault("additionalProperties", False)
    for key, value in keywords.items():
        if key in _FORMS and not _FORMS[key][0](value):
            raise _refused(f"{key} must be {_FORMS[key][1]}, not {reprlib.repr(value)}", path)
    return keywords


def _merged(first: Schema, second: Schema, path: Path) -> dict[str, Any]:
    """The keywords of a value that has to fit both."""
    for one, other in ((first, second), (second, first)):
        others = set(other.get("properties", {})) - set(one.get("properties", {}))
        if one.get("additionalProperties", True) is not True and others:
            raise _refused("additionalProperties beside other properties", path)
        if "prefixItems" in one and "items" in other and "items" not in one:
            raise _refused("items beside prefixItems of another schema", path)
    merged = dict(first)
    for key, value in second.items():
        merged[key] = _both(key, merged[key], value, path) if key in merged else value
    return merged


def _both(key: str, first: Any, second: Any, path: Path) -> Any:
    """The value of keyword `key` that demands what both do."""
    if first == second:
        return first
    if key == "required":
        return [*first, *(name for name in second if name not in first)]
    if key == "properties" and all(first[n] == second[n] for n in set(first) & set(second)):
        return {**first, **second}
    if key == "type" and (types := _named_types(first) & _named_types(second)):
        return sorted(types)
    if key == "allOf":
        return [*first, *second]
    raise _refused(f"{key} is demanded twice, differently", path)


def _named_types(type_: Any) -> set[str]:
    types = {type_} if isinstance(type_, str) else set(type_)
    return types | {"integer"} if "number" in types else types


def _types(keywords: Schema, path: Path) -> list[str]:
    """The types that `keywords` name or are about; none when it may be any."""
    type_ = keywords.get("type")
    if type_ is None:
        return [t for t in _KEYWORDS if t != "integer" and _KEYWORDS[t] & keywords.keys()]
    types = [type_] if isinstance(type_, str) else type_
    return [t for t in types if t != "integer" or "number" not in types]


def _possible_types(keywords: Schema, path: Path) -> set[str]:
    """Every type that something that fits may have."""
    if not _FINITE.isdisjoint(keywords):
        return {_type_of(json.loads(text)) for text in _finite_texts(keywords, path)}
    return _named_types(keywords["type"]) if "type" in keywords else set(_KEYWORDS)


def _type_of(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "integer" if value == int(value) else "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def _finite_texts(keywords: Schema, path: Path) -> set[str]:
    """The texts of the values of `const` or `enum`."""
    values = keywords.get("enum", [keywords.get("const")])
    texts = {_text(value, path) for value in values}
    if "const" in keywords:
        texts &= {_text(keywords["const"], path)}
    allowed = _named_types(keywords.get("type", list(_KEYWORDS)))
    types = {text: _type_of(json.loads(text)) for text in texts}
    texts = {text for text in texts if types[text] in allowed}
    if not texts:
        raise _refused("it has no value that fits", path)
    understood = frozenset[str]().union(*(_KEYWORDS[types[text]] for text in texts))
    if beside := (understood - {"format"}) & keywords.keys():
        raise _refused(f"{min(beside)} beside const or enum", path)
    return texts


def _telling_properties(first: Schema, second: Schema) -> set[str]:
    """The properties that keep an object from fitting both when their schemas are disjoint.

    It is enough that one side requires them: an object without them does not fit that side.
    """
    if any(schema.get("type", "object") != "object" for schema in (first, second)):
        return set()
    shared = set(first.get("properties", {})) & set(second.get("properties", {}))
    return shared & {*first.get("required", ()), *second.get("required", ())}


def _bounds(keywords: Schema) -> Bounds:
    lows = [
        (_fraction(keywords[name]), name.startswith("excl"))
        for name in ("minimum", "exclusiveMinimum")
        if name in keywords
    ]
    highs = [
        (_fraction(keywords[name]), not name.startswith("excl"))
        for name in ("maximum", "exclusiveMaximum")
        if name in keywords
    ]
    low, is_low_open = max(lows, default=(None, False))
    high, is_high_closed = min(highs, default=(None, True))
    return Bounds(low, high, is_low_open, not is_high_closed)


def _fraction(value: float) -> Fraction:
    # What is written, not the nearest binary number to it.
    return Fraction(value) if isinstance(value, int) else Fraction(repr(value))


def _counts(keywords: Schema, low_name: str, high_name: str, path: Path) -> tuple[int, int | None]:
    """The least and the greatest count, the latter no more than a grammar may have."""
    low, high = keywords.get(low_name, 0), keywords.get(high_name)
    high = None if high is None else min(high, MAX_REPEATS)
    if low > (MAX_REPEATS if high is None else high):
        raise _refused(f"{low_name} {low} is more than there can be", path)
    return low, high


def _list(item: str, fixed: list[str], low: int, high: int | None) -> str:
    """`fixed` and then rules named `item`, with commas: from `low` to `high` in all."""
    low = max(0, low - len(fixed))
    high = None if high is None else high - len(fixed)
    another = f'(", " {item})'
    if fixed:
        return f"{_joined(fixed)} {_repeated(another, low, high)}"
    more = _repeated(another, max(0, low - 1), None if high is None else high - 1)
    return f"{item} {more}" if low else f"({item} {more})?"


def _joined(items: list[str]) -> str:
    return ' ", " '.join(items) or '""'


def _repeated(item: str, low: int, high: int | None) -> str:
    return '""' if high == 0 else f"{item}{{{low},{'' if high is None else high}}}"


def _one_of(options: list[str]) -> str:
    return options[0] if len(options) == 1 else f"({' | '.join(options)})"


def _one_of_texts(texts: list[str], num_shared: int = 0) -> str:
    """One of `texts`, sorted; what several begin with stands once, so that few stay possible."""
    if num_shared == _MAX_SHARED_STARTS:
        return _one_of([_literal(text) for text in texts])
    options = []
    for _, group in groupby(texts, key=lambda text: text[:1]):
        same = list(group)
        start = _common_start(same[0], same[-1])
        rests = [text[len(start) :] for text in same]
        rest = f" {_one_of_texts(rests, num_shared + 1)}" if len(same) > 1 else ""
        options.append(_literal(start) + rest)
    return _one_of(options)


def _common_start(first: str, second: str) -> str:
    pairs = zip(first, second, strict=False)
    return "".join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _text(value: Any, path: Path) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (ValueError, TypeError) as error:
        raise _refused(f"it has a value that is no JSON: {error}", path) from error


def _refused(problem: str, path: Path, hint: str = "") -> InvalidGrammar:
    place = "#/" + textwrap.shorten("/".join(path), 80, placeholder=" …")
    return InvalidGrammar(f"the schema cannot be made a grammar: {problem} (at {place})", hint)
