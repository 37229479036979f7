"""What is refused, and how; test_llama_grammar tries what is accepted."""

from __future__ import annotations

import re
import reprlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.chat.tool_calls import forced_call_grammar, optional_call_grammar
from assistant.engine import gbnf
from assistant.engine.errors import InvalidGrammar
from assistant.engine.json_schema import KNOWN_KEYWORDS, grammar_of

from .random_schemas import odd_schema, random_case


def deep(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "integer"}
    for _ in range(levels):
        schema = {"properties": {"a": schema}}
    return schema


def doubling(levels: int) -> dict[str, Any]:
    """Each level names the next one twice, and is expanded anew each time."""
    levels_by_name: dict[str, Any] = {
        f"l{n}": {
            "prefixItems": [
                {"$ref": f"#/$defs/l{n + 1}", "minItems": n},
                {"$ref": f"#/$defs/l{n + 1}", "minItems": n},
            ]
        }
        for n in range(levels)
    }
    return {"$ref": "#/$defs/l0", "$defs": {**levels_by_name, f"l{levels}": {}}}


def nested_list(levels: int) -> list[Any]:
    nested: list[Any] = []
    for _ in range(levels):
        nested = [nested]
    return nested


BRANCHING = {
    "type": "object",
    "properties": {name: {"$ref": "#/t"} for name in "abc"},
    "required": ["a", "b", "c"],
}

REFUSED: list[tuple[Any, str]] = [
    (False, "nothing fits it (at #/)"),
    (7, "7 is no schema"),
    ({"properties": {"a": {"not": {}}}}, "make sure of not (at #/properties/a)"),
    ({"items": {"multipleOf": 3}}, "make sure of multipleOf (at #/items)"),
    ({"uniqueItems": True, "type": "array"}, "make sure of uniqueItems"),
    ({"patternProperties": {"a": {}}}, "make sure of patternProperties"),
    ({"if": {}, "then": {}}, "make sure of if"),
    ({"type": "thing"}, "type must be a type or a list of types, not 'thing'"),
    ({"type": []}, "a list of types, not []"),
    ({"type": [["string"]]}, "a list of types, not [['string']]"),
    ({"type": 3}, "a list of types, not 3"),
    ({"enum": []}, "no value that fits"),
    ({"enum": "abc"}, "enum must be a list, not 'abc'"),
    ({"enum": [1, "a"], "type": "boolean"}, "no value that fits"),
    ({"enum": [1], "const": 2}, "no value that fits"),
    ({"enum": [1, 2], "minimum": 2}, "minimum beside const or enum"),
    ({"const": float("nan")}, "a value that is no JSON"),
    ({"const": {1, 2}}, "a value that is no JSON"),
    ({"const": "\ud800"}, "half a surrogate pair"),
    ({"properties": {"\udfff": {}}, "required": ["\udfff"]}, "half a surrogate pair"),
    ({"type": "integer", "minimum": 2, "maximum": 1}, "no integer within its bounds"),
    ({"type": "integer", "minimum": 1.1, "maximum": 1.9}, "no integer within its bounds"),
    ({"type": "integer", "exclusiveMinimum": 1, "maximum": 1}, "no integer within its bounds"),
    ({"type": "number", "minimum": 1e-9, "maximum": 2e-9}, "no number of up to four decimals"),
    ({"type": "integer", "minimum": 10**400}, "no integer within its bounds"),
    ({"minimum": "1"}, "minimum must be a number, not '1'"),
    ({"minimum": float("inf")}, "minimum must be a number, not inf"),
    ({"maximum": True}, "maximum must be a number, not True"),
    ({"minLength": -1}, "minLength must be a count, not -1"),
    ({"maxLength": 2.5}, "maxLength must be a count, not 2.5"),
    ({"maxLength": None}, "maxLength must be a count, not None"),
    ({"minLength": 3, "maxLength": 2}, "minLength 3 is more than there can be"),
    ({"minLength": 10**9}, "minLength 1000000000 is more than there can be"),
    ({"minItems": 2, "items": {}, "maxItems": 1}, "minItems 2 is more than there can be"),
    ({"minItems": 2, "prefixItems": [{}], "items": False}, "minItems is more than there can be"),
    ({"prefixItems": {}}, "prefixItems must be a list"),
    ({"pattern": 3}, "pattern must be a text, not 3"),
    ({"pattern": "("}, "at #/"),
    ({"properties": []}, "schemas by their names, not []"),
    ({"required": "abc", "type": "object"}, "a list of names, not 'abc'"),
    ({"required": [1], "type": "object"}, "a list of names, not [1]"),
    ({"properties": {1: {}}}, "schemas by their names"),
    ({"properties": {"a": False}, "required": ["a"]}, "'a' is required and can be nothing"),
    ({"required": ["a"], "additionalProperties": False}, "'a' is required and can be nothing"),
    ({"properties": {"a": {}, "b": {}}, "minProperties": 1}, "minProperties or maxProperties"),
    ({"type": "object", "minProperties": 2}, "minProperties is more than"),
    ({"anyOf": []}, "anyOf must be a list with something in it, not [] (at #/)"),
    ({"anyOf": "x"}, "a list with something in it"),
    ({"anyOf": [{"const": 1}, {"type": "x"}]}, "(at #/anyOf/1)"),
    ({"oneOf": [{}, {"const": 1}]}, "several of them (at #/oneOf)"),
    ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, "several of them"),
    ({"oneOf": [{"const": 1}, {"const": 1.0}]}, "several of them"),
    ({"oneOf": [{"properties": {"k": {"const": n}}} for n in (1, 2)]}, "several of them"),
    ({"oneOf": [{"type": "string", "maxLength": 3}, {"const": "abc"}]}, "several of them"),
    ({"allOf": [{"minimum": 1}, {"minimum": 2}]}, "minimum is demanded twice"),
    ({"allOf": [{"type": "string"}, {"type": "array"}]}, "type is demanded twice"),
    ({"allOf": [{"$ref": "#"}]}, "nested too deeply"),
    ({"additionalProperties": False, "allOf": [{"properties": {"a": {}}}]}, "beside other"),
    ({"$ref": "#/nowhere"}, "'#/nowhere' refers to nothing"),
    ({"$ref": "#/$defs/a/0", "$defs": {"a": []}}, "refers to nothing"),
    ({"$ref": "#name"}, "no path from the root"),
    ({"$ref": "https://127.0.0.1:9/schema.json"}, "refers to another document"),
    ({"$ref": "file:///etc/passwd"}, "refers to another document"),
    ({"$ref": 1}, "$ref must be a text"),
    ({"items": [{"$ref": "#/items/0", "minimum": 1}]}, "nested too deeply"),
    ({"allOf": [{"$ref": "#/a"}], "a": {"$ref": "#/a"}}, "goes round in a circle"),
    (deep(100), "nested too deeply"),
    (deep(2000), "nested too deeply"),
    ({"const": nested_list(100_000)}, "nested too deeply"),
    ({"type": nested_list(100_000)}, "a list of types, not [[["),
    ({"oneOf": [{"$ref": "#/t"}, {"$ref": "#/t"}], "t": BRANCHING}, "too large"),
    ({"$ref": "#/items/" + "9" * 5000, "items": [1]}, "refers to nothing"),
    ({"items": [{}], "additionalItems": False}, "make sure of additionalItems"),
    ({"unevaluatedProperties": False, "allOf": [{"properties": {"a": {}}}]}, "beside other"),
    (doubling(40), "too large"),
]


@pytest.mark.parametrize(("schema", "problem"), REFUSED, ids=reprlib.repr)
def test_what_no_grammar_can_promise_is_refused_with_its_place(schema: Any, problem: str) -> None:
    with pytest.raises(InvalidGrammar) as refused:
        grammar_of(schema)
    assert problem in refused.value.message
    assert "(at #/" in refused.value.message or "surrogate" in refused.value.message


def test_recursion_without_an_end_is_refused_when_it_is_compiled() -> None:
    for schema in ({"$ref": "#"}, {"anyOf": [{"$ref": "#"}, {"type": "null"}]}):
        with pytest.raises(InvalidGrammar, match="may begin with itself"):
            gbnf.check(grammar_of(schema))


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer", "title": "T", "description": "D", "default": 3, "examples": [1]},
        {"type": "string", "format": "unheard-of", "x-note": {"not": "a keyword"}},
        {"uniqueItems": False, "type": "array", "items": {"type": "integer"}},
    ],
)
def test_notes_to_readers_change_nothing(schema: dict[str, Any]) -> None:
    gbnf.check(grammar_of(schema))


def test_counts_beyond_what_a_grammar_may_have_are_lowered() -> None:
    assert "{0,1999}" in grammar_of({"type": "string", "maxLength": 10**9})
    assert "{0,1998}" in grammar_of({"items": {"type": "null"}, "maxItems": 10**9})


def test_what_is_alike_is_one_rule() -> None:
    text = {"type": "string", "maxLength": 160}
    many = {f"p{n}": text for n in range(50)}
    assert grammar_of({"properties": many}).count("{0,160}") == 1


def test_rules_of_a_call_may_stand_beside_others() -> None:
    names = re.findall(r"^(\S+) ::=", grammar_of(random_case(1).schema), re.MULTILINE)
    assert len(names) == len(set(names))
    assert all(name == "root" or re.fullmatch(r"json-\d+", name) for name in names)


class Grammarian:
    """As much of an engine as makes grammars."""

    grammar_of = staticmethod(grammar_of)


def test_tools_of_one_name_are_refused() -> None:
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    other = {"type": "function", "function": {"name": "see", "parameters": {"type": "object"}}}
    engine: Any = Grammarian()
    for grammar in (
        forced_call_grammar(engine, [tool, other]),
        optional_call_grammar(engine, [tool, other], has_tags=True),
    ):
        gbnf.check(grammar)
    with pytest.raises(InvalidGrammar, match="several of them"):
        forced_call_grammar(engine, [tool, tool])


@settings(deadline=None)
@given(st.integers(0, 10**9))
def test_odd_schemas_become_sound_grammars_or_are_refused(seed: int) -> None:
    try:
        text = grammar_of(odd_schema(seed))
    except InvalidGrammar:
        return
    try:
        gbnf.check(text)
    except InvalidGrammar as error:
        assert "may begin with itself" in error.message  # noqa: PT017


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
keywords = st.sampled_from([*sorted(KNOWN_KEYWORDS), "not", "uniqueItems", "$defs"])
schemas = st.recursive(
    st.dictionaries(keywords, json_values | st.sampled_from(["string", "object", "#", "array"])),
    lambda inner: st.dictionaries(
        keywords, inner | st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner)
    ),
    max_leaves=6,
)


@settings(deadline=None)
@given(schemas)
def test_nothing_but_its_own_error_comes_out(schema: dict[str, Any]) -> None:
    try:
        grammar_of(schema)
    except InvalidGrammar as error:
        assert error.message  # noqa: PT017
