"""Random tool schemas and prompts, the same for the same seed.

`random_case` makes schemas that can be generated within a few hundred tokens; `odd_schema` makes
ones that nobody should write, many of them wrong.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from assistant.engine.interface import Segment

Schema = dict[str, Any]

NAMES = (
    "source",
    "minutes",
    "query",
    "a",
    "größe",
    "путь",
    "名前",
    'quo"ted',
    "back\\slash",
    "x y",
)
WORDS = ("payments", "disk full", "naïve", "größer", "日本", "🙂", 'a "b"', "tab\t", "back\\slash")
PATTERNS = (
    r"^[a-z]{1,8}$",
    r"^\d{4}-\d{2}$",
    r"^[a-z][a-z0-9-]*$",
    r"^(GET|POST) /[a-z]{1,6}$",
    r"^[^\"]{0,6}$",
    r"^\w+@\w{1,5}\.(org|net)$",
    r"^é{1,3}$",
)
TASKS = (
    "Find out why payments are slow.",
    "Call the tool with anything you like.",
    "Was läuft auf dem Rechner schief?",
    "{}}}]]\n\n\n",
    "ディスクがいっぱいです。",
    "Answer in plain words, not in JSON!",
)


@dataclass(frozen=True, slots=True)
class Case:
    """A schema, and a prompt whose answer has to fit it."""

    seed: int
    schema: Schema
    prompt: list[Segment]


def random_case(seed: int) -> Case:
    """The case of number `seed`."""
    rng = random.Random(seed)
    schema = _object(rng, depth=2)
    prompt = [
        Segment("<|im_start|>user\n", is_template=True),
        Segment(rng.choice(TASKS)),
        Segment("<|im_end|>\n<|im_start|>assistant\n", is_template=True),
    ]
    return Case(seed, schema, prompt)


def odd_schema(seed: int) -> Schema:
    """A random schema with some of its parts replaced by something odd."""
    rng = random.Random(seed)
    schema = _object(rng, depth=3)
    for _ in range(rng.randint(1, 4)):
        _spoil(rng, schema)
    return schema


def _object(rng: random.Random, depth: int) -> Schema:
    names = rng.sample(NAMES, rng.randint(1, 3))
    properties = {name: _value(rng, depth - 1) for name in names}
    required = [name for name in names if rng.random() < 0.6]
    schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return schema | {"required": required} if required else schema


def _array(rng: random.Random, depth: int) -> Schema:
    low = rng.randint(0, 2)
    items = _value(rng, depth - 1)
    return {"type": "array", "items": items, "minItems": low, "maxItems": low + rng.randint(0, 2)}


def _integer(rng: random.Random, _: int) -> Schema:
    low = rng.randint(-200, 300)
    return rng.choice(
        [
            {"type": "integer", "minimum": low, "maximum": low + rng.randint(0, 500)},
            {"type": "integer", "exclusiveMinimum": low},
            {"type": "integer", "maximum": low},
            {"type": "integer"},
        ]
    )


def _number(rng: random.Random, _: int) -> Schema:
    low = round(rng.uniform(-5, 5), 2)
    return rng.choice(
        [
            {"type": "number", "minimum": low, "maximum": low + 0.5},
            {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
            {"type": "number"},
        ]
    )


def _string(rng: random.Random, _: int) -> Schema:
    low = rng.randint(0, 4)
    return rng.choice(
        [
            {"type": "string", "minLength": low, "maxLength": low + rng.randint(0, 16)},
            {"type": "string", "pattern": rng.choice(PATTERNS), "maxLength": 24},
            {"type": "string", "format": rng.choice(["date", "date-time", "uuid", "time"])},
        ]
    )


def _finite(rng: random.Random, _: int) -> Schema:
    some = [*rng.sample(WORDS, rng.randint(1, 4)), *rng.sample([1, -2.5, True, None, [1, "ü"]], 1)]
    return rng.choice([{"enum": some}, {"const": rng.choice(some)}])


def _either(rng: random.Random, depth: int) -> Schema:
    return rng.choice(
        [
            {"type": ["string", "null"], "maxLength": 6},
            {"anyOf": [_integer(rng, depth), _finite(rng, depth)]},
            {"oneOf": [{"type": "boolean"}, _string(rng, depth)]},
            {"type": "boolean"},
        ]
    )


def _value(rng: random.Random, depth: int) -> Schema:
    simple: list[Callable[[random.Random, int], Schema]]
    simple = [_integer, _number, _string, _string, _finite, _finite, _either]
    return rng.choice([*simple, _object, _array] if depth > 0 else simple)(rng, depth)


def _spoil(rng: random.Random, schema: Schema) -> None:
    """Put something odd somewhere into `schema`."""
    place = rng.choice(list(_places(schema)))
    keyword, value = rng.choice(
        [
            ("minLength", rng.choice([-1, 10**9, "3", 2.5, None])),
            ("maxLength", rng.choice([0, 10**9, -5, True])),
            ("maxItems", rng.choice([0, 10**7, [], -1])),
            ("minItems", 10**7),
            (
                "pattern",
                rng.choice(["^(a*)*$", "(", "^[z-a]$", "(?=x)", "^((a{0,60}){0,60}){0,60}$"]),
            ),
            ("pattern", rng.choice(["", "^$", "\\", "^a{3,2}$", "^[^\\x00-\\uffff]$", "x" * 3000])),
            ("enum", rng.choice([[], "x", [[]], ["\ud800"], [float("nan")], list(range(3000))])),
            ("const", rng.choice([None, {}, {"deep": [[[]]]}, "\x00\x1f\x7f", "x" * 5000])),
            ("type", rng.choice(["any", [], 3, ["string", "number"], None, {}])),
            ("minimum", rng.choice([10**400, float("inf"), "1", 1e308, 5])),
            ("maximum", rng.choice([-(10**400), float("nan"), -1, True])),
            ("properties", rng.choice([[], {"": {}}, {"x": False}, {"n": {"$ref": "#"}}])),
            ("required", rng.choice(["x", ["nowhere"], [1], [[]]])),
            ("items", rng.choice([False, [], [{}], {"$ref": "#"}, 7])),
            ("prefixItems", rng.choice([[], [{}, {}], 7])),
            ("anyOf", rng.choice([[], [{}], [False], [{"$ref": "#"}], "x"])),
            ("oneOf", rng.choice([[{}, {}], [{"type": "integer"}, {"type": "number"}]])),
            ("allOf", rng.choice([[{"$ref": "#"}], [{"type": "string"}, {"type": "array"}]])),
            ("$ref", rng.choice(["#", "#/nowhere", "#/properties", "https://127.0.0.1:9/x", 1])),
            ("additionalProperties", rng.choice([{}, True, {"$ref": "#"}, "x"])),
            ("not", {}),
            ("multipleOf", 3),
            ("uniqueItems", True),
            ("minProperties", 5),
        ]
    )
    place[keyword] = value


def _places(schema: Any) -> Any:
    """Every schema within `schema`, itself too."""
    if isinstance(schema, dict):
        yield schema
        for key in ("properties", "items", "anyOf", "oneOf"):
            inner = schema.get(key)
            parts = inner.values() if key == "properties" and isinstance(inner, dict) else inner
            for part in parts if isinstance(parts, list | type({}.values())) else [parts]:
                yield from _places(part)
