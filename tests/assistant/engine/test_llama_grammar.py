"""The grammars of schemas, patterns and GBNF on the real vocabulary of the 0.5B model."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from assistant.engine.backend import Slice
from assistant.engine.errors import GrammarDeadEnd, InvalidGrammar
from assistant.engine.forcing import Forcing
from assistant.engine.interface import Sampling, Segment
from assistant.engine.json_schema import grammar_of
from assistant.engine.llama import LlamaModel
from assistant.engine.load import LoadOptions
from assistant.engine.sampling import Logits, Sampler

from .random_schemas import Case, random_case

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def model(model_file: Callable[[str], Path]) -> Iterator[LlamaModel]:
    loaded = LlamaModel(model_file("qwen2.5-coder-0.5b"), LoadOptions(4096, 2))
    yield loaded
    loaded.close()


def some_logits(model: LlamaModel) -> Logits:
    model.release(0, 0)
    return model.decode([Slice(0, 0, [0])])[0].copy()


def fits(model: LlamaModel, gbnf: str, text: str) -> bool:
    """Whether the whole of `text` is one of the grammar's texts."""
    grammar = model.compile_grammar(gbnf)
    try:
        for byte in text.encode():
            if byte not in grammar.next_bytes():
                return False
            grammar.accept_byte(byte)
        return grammar.may_end()
    finally:
        grammar.close()


CLOSED = {"type": "object", "additionalProperties": False}
TEXTS: list[tuple[dict[str, Any], list[str], list[str]]] = [
    ({"type": "string"}, ['""', '"é🙂 \\n\\"\\u00e9"'], ["x", '"\n"', '"a', '"\\ud800"', '"\\x"']),
    ({"type": "string", "maxLength": 2}, ['"é🙂"', '"\\n\\n"'], ['"abc"']),
    ({"type": "string", "minLength": 2, "maxLength": 2}, ['"ab"'], ['"a"', '"abc"']),
    ({"const": 'a "b"\\\n\u007f🙂'}, ['"a \\"b\\"\\\\\\n\u007f🙂"'], ['"a"']),
    ({"const": {"a": [1, 2.5, None]}}, ['{"a": [1, 2.5, null]}'], ['{"a":[1,2.5,null]}']),
    ({"enum": ["ab", "abc", "b", 1, 12, None]}, ['"ab"', '"abc"', "12", "null"], ['"a"', "2"]),
    ({"type": "string", "enum": ["a", 1]}, ['"a"'], ["1"]),
    ({"type": "integer"}, ["0", "-7", "123456789012345"], ["01", "1.0", "1e3", "1234567890123456"]),
    ({"type": "integer", "minimum": -3, "maximum": 12}, ["-3", "0", "12"], ["-4", "13", "007"]),
    ({"type": "integer", "exclusiveMinimum": 0}, ["1", "99"], ["0", "-1"]),
    ({"type": "number"}, ["0.5", "-1.25e-7", "3"], [".5", "1.", "1e999", "+1"]),
    ({"type": "number", "minimum": 0.1, "maximum": 0.5}, ["0.1", "0.25", "0.5"], ["0.6", "0", "1"]),
    ({"type": "number", "exclusiveMaximum": 1, "minimum": 0}, ["0", "0.9999"], ["1", "-0.1"]),
    ({"type": "boolean"}, ["true", "false"], ["True", "null"]),
    ({"type": ["integer", "null"], "minimum": 5}, ["5", "null"], ["4", '""']),
    ({"type": "array", "items": {"type": "integer"}}, ["[]", "[1, 2]"], ["[1,2]", '["a"]']),
    ({"type": "array", "items": {"const": 1}, "minItems": 1, "maxItems": 2},
     ["[1]", "[1, 1]"], ["[]", "[1, 1, 1]"]),
    ({"type": "array", "maxItems": 0}, ["[]"], ["[1]"]),
    ({"prefixItems": [{"const": 1}, {"const": 2}]}, ["[1, 2]"], ["[1]", "[1, 2, 3]"]),
    ({"prefixItems": [{"const": 1}], "items": {"const": 2}}, ["[1]", "[1, 2, 2]"], ["[1, 1]"]),
    ({"prefixItems": [{"const": 1}], "items": False}, ["[1]"], ["[1, 1]"]),
    ({"items": [{"const": 1}], "minItems": 2}, ["[1, null]"], ["[1]", "[1, 1, 1]"]),
    (CLOSED, ["{}"], ['{"a": 1}']),
    ({"type": "object"}, ["{}", '{"a": [{"b": null}], "c": 1}'], ["[]", '{"a":1}']),
    ({"type": "object", "unevaluatedProperties": False}, ["{}"], ['{"a": 1}']),
    ({"additionalProperties": {"const": 1}}, ["{}", '{"é": 1, "b": 1}'], ['{"a": 2}', "1"]),
    ({"additionalProperties": {"const": 1}, "minProperties": 1, "maxProperties": 2},
     ['{"a": 1}'], ["{}", '{"a": 1, "b": 1, "c": 1}']),
    ({"properties": {"a": {"const": 1}, "b": {"const": 2}, "c": {"const": 3}}, "required": ["b"]},
     ['{"b": 2}', '{"a": 1, "b": 2}', '{"b": 2, "c": 3}', '{"a": 1, "b": 2, "c": 3}'],
     ["{}", '{"a": 1}', '{"b": 2, "a": 1}', '{"a": 1, "c": 3}']),
    ({"properties": {"a": {"const": 1}, "b": {"const": 2}}},
     ["{}", '{"a": 1}', '{"b": 2}', '{"a": 1, "b": 2}'], ['{"a": 1, }', '{, "b": 2}']),
    ({"properties": {'q"\\é': {"const": 1}, "no": False}, "required": ['q"\\é']},
     ['{"q\\"\\\\é": 1}'], ["{}"]),
    ({"properties": {"a": {"const": 1}}}, ["{}", '{"a": 1}'], ['{"a": }', '{1}']),
    ({"required": ["a"], "type": "object"}, ['{"a": [1]}'], ["{}", '{"b": 1}']),
    ({"anyOf": [{"const": 1}, {"type": "string", "maxLength": 1}]}, ["1", '"x"'], ["2", '"xy"']),
    ({"oneOf": [{"type": "integer"}, {"type": "string"}]}, ["1", '""'], ["null"]),
    ({"oneOf": [{"properties": {"k": {"const": 1}, "a": {"const": 1}}, "required": ["k"]},
                {"properties": {"k": {"const": 2}, "b": {"const": 1}}}]},
     ['{"k": 1, "a": 1}', '{"k": 2, "b": 1}', '{"b": 1}', "{}"], ['{"k": 1, "b": 1}']),
    ({"type": "object", "properties": {"k": {"const": 1}}, "required": ["k"],
      "anyOf": [{"required": ["a"], "properties": {"a": {"const": 2}}},
                {"required": ["b"], "properties": {"b": {"const": 3}}}]},
     ['{"k": 1, "a": 2}', '{"k": 1, "b": 3}'], ['{"k": 1}', '{"k": 1, "a": 3}']),
    ({"allOf": [{"$ref": "#/$defs/a"}], "title": "A", "$defs": {"a": {"const": 1}}}, ["1"], ["2"]),
    ({"allOf": [{"minimum": 3}, {"type": "integer", "maximum": 4}]}, ["3", "4"], ["2", "5"]),
    ({"$ref": "#/$defs/list", "$defs": {"list": {
        "properties": {"next": {"anyOf": [{"$ref": "#/$defs/list"}, {"type": "null"}]}},
        "required": ["next"]}}},
     ['{"next": null}', '{"next": {"next": null}}'], ["{}", '{"next": 1}']),
    ({"$ref": "#/$defs/a~1b%20c", "$defs": {"a/b c": {"const": 1}}}, ["1"], ["2"]),
    ({"type": "string", "format": "date-time"},
     ['"2026-01-31T23:59:59Z"'], ['"2026-13-01T00:00:00Z"']),
    ({"type": "string", "format": "email", "maxLength": 3}, ['"abc"'], ['"abcd"']),
    ({}, ["null", '[{"a": [true, -1.5e3, "x"]}]'], ["[1,2]", "nul"]),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "fitting", "others"), TEXTS, ids=lambda value: repr(value)[:60])
def test_grammar_of_a_schema(
    model: LlamaModel, schema: dict[str, Any], fitting: list[str], others: list[str]
) -> None:
    gbnf = grammar_of(schema)
    validator = Draft202012Validator(schema)
    for text in fitting:
        assert fits(model, gbnf, text), text
        if not isinstance(schema.get("items"), list):
            assert validator.is_valid(json.loads(text)), text
    for text in others:
        assert not fits(model, gbnf, text), text


PATTERN_TEXTS = [
    (r"^[a-z]+$", ["abc"], ["", "aB", "abc "]),
    (r"^a|b$", ["ax", "xb", "a"], ["xa", "bx"]),
    (r"b", ["b", "abc", 'quo"te b\\'], ["a"]),
    (r"^(ab|c)*\.(org|net)$", ["abcab.org", ".net"], ["ab,org", "ba.net"]),
    (r"^(?:x{2}|y{1,3}?)z?$", ["xx", "yyz", "xxz"], ["x", "yyyy"]),
    (r"^\d{4}-\d{2}$", ["2026-11"], ["2026-1", "abcd-ef"]),
    (r"^[^,]+$", ['a"b', "back\\slash", "é🙂"], ["a,b", ""]),
    (r"^[\w.-]+@[\da-f]{2}$", ["a_b.c-d@0f"], ["a b@0f", "a@0g"]),
    (r"^\S+ \D\W$", ["ab c!"], ["ab 1!", " c!"]),
    (r'^["\\]\t\n$', ['"\t\n', "\\\t\n"], ["x\t\n"]),
    (r"^.\x41\u00e9\/\-$", ["xAé/-", '"Aé/-'], ["\nAé/-", "Aé/-"]),
    (r"^[^\x00-\x7f]$", ["é", "🙂"], ["a"]),
    (r"", ["", "anything"], []),
]


@pytest.mark.parametrize(("pattern", "fitting", "others"), PATTERN_TEXTS)
def test_grammar_of_a_pattern(
    model: LlamaModel, pattern: str, fitting: list[str], others: list[str]
) -> None:
    gbnf = grammar_of({"type": "string", "pattern": pattern})
    for text in fitting:
        assert re.search(pattern, text)
        assert fits(model, gbnf, json.dumps(text, ensure_ascii=False)), text
    for text in others:
        assert not re.search(pattern, text)
        assert not fits(model, gbnf, json.dumps(text, ensure_ascii=False)), text


@pytest.mark.parametrize(
    ("pattern", "low", "high", "fitting", "others"),
    [
        ("^[a-z][a-z0-9-]*$", 2, 4, ["ab", "abcd"], ["a", "abcde"]),
        ("^(ab)*$", 3, 5, ["abab"], ["ab", "ababab", ""]),
        ("^a+@b+$", 0, 5, ["a@b", "aa@bb"], ["aaa@bbb", "@b"]),
        ("^a+@b+$", 4, None, ["aa@b", "aaaa@bbbb"], ["a@b"]),
        ("^a$|^b*$", 0, 1, ["a", "b"], ["bb"]),
        ("x", 0, 3, ["x", "axb"], ["axbc", "ab"]),
    ],
)
def test_pattern_with_lengths(
    model: LlamaModel,
    pattern: str,
    low: int,
    high: int | None,
    fitting: list[str],
    others: list[str],
) -> None:
    lengths = {"minLength": low} | ({} if high is None else {"maxLength": high})
    gbnf = grammar_of({"pattern": pattern, **lengths})
    assert [text for text in (*fitting, *others) if fits(model, gbnf, f'"{text}"')] == fitting


# Each ends the process or never returns when llama.cpp gets it.
DEADLY = {
    "deep groups": "root ::= " + "(" * 100_000 + '"a"' + ")" * 100_000,
    "long chain": "root ::= r0\n"
    + "".join(f"r{i} ::= r{i + 1}\n" for i in range(20_000))
    + 'r20000 ::= "a"',
    "hidden left recursion": 'root ::= b root "z" | "y"\nb ::= c\nc ::= "" | "x"',
    "left recursion": 'root ::= root "z" | "y"',
}


@pytest.mark.parametrize("gbnf", DEADLY.values(), ids=DEADLY)
def test_deadly_grammars_do_not_reach_llama_cpp(model: LlamaModel, gbnf: str) -> None:
    with pytest.raises(InvalidGrammar):
        model.compile_grammar(gbnf)


# Converts and compiles odd schemas, and walks some way into what compiled.
_ODD = """
import itertools, random, sys
sys.path.insert(0, sys.argv[2])
from pathlib import Path
import llama_cpp.llama_cpp as api
from random_schemas import odd_schema
from assistant.engine.errors import InvalidGrammar
from assistant.engine.json_schema import grammar_of
from assistant.engine.llama.grammar import LlamaGrammar
from assistant.engine.llama.library import initialise
from assistant.engine.llama.vocabulary import Vocabulary

initialise()
parameters = api.llama_model_default_params()
parameters.vocab_only = True
vocabulary = Vocabulary(api.llama_model_load_from_file(sys.argv[1].encode(), parameters))
num_compiled = num_refused = 0
for seed in range(int(sys.argv[3]), int(sys.argv[4])):
    rng = random.Random(seed)
    try:
        gbnf = grammar_of(odd_schema(seed))
    except InvalidGrammar:
        num_refused += 1
        continue
    try:
        grammar = LlamaGrammar(vocabulary, gbnf)
    except InvalidGrammar as error:
        assert "may begin with itself" in error.message, (seed, gbnf)
        num_refused += 1
        continue
    num_compiled += 1
    for _ in range(60):
        following = grammar.next_bytes()
        if not following:
            assert grammar.may_end(), (seed, "a dead end")
            break
        grammar.accept_byte(rng.choice(following))
    grammar.close()
print(num_compiled, num_refused)
"""


def test_odd_schemas_compile_or_are_refused(model_file: Callable[[str], Path]) -> None:
    arguments = [str(model_file("qwen2.5-coder-0.5b")), str(Path(__file__).parent), "0", "300"]
    child = subprocess.run(
        [sys.executable, "-c", _ODD, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert child.returncode == 0, child.stderr[-2000:]
    num_compiled, num_refused = map(int, child.stdout.split())
    assert num_compiled > 30
    assert num_refused > 30


def random_text(model: LlamaModel, gbnf: str, seed: int) -> str | None:
    """A text that goes on at random, in a hurry to close what is open; None for a long one."""
    rng = random.Random(seed)
    grammar = model.compile_grammar(gbnf)
    written = b""
    while len(written) < 300:
        following = grammar.next_bytes()
        if not following:
            break
        closing = bytes(set(following) & set(b'"]}'))
        byte = rng.choice(closing if closing and rng.random() < 0.4 else following)
        grammar.accept_byte(byte)
        written += bytes([byte])
    is_complete = grammar.may_end()
    grammar.close()
    return written.decode() if is_complete else None


def test_any_text_of_a_random_schemas_grammar_fits_the_schema(model: LlamaModel) -> None:
    texts = 0
    for seed in range(150):
        schema = random_case(seed).schema
        text = random_text(model, grammar_of(schema), seed)
        if text is not None:
            Draft202012Validator(schema).validate(json.loads(text))
            texts += 1
    assert texts > 100


def test_clone_goes_its_own_way(model: LlamaModel) -> None:
    grammar = model.compile_grammar('root ::= "ab" | "ac"')
    grammar.accept_byte(ord("a"))
    twin = grammar.clone()
    assert twin.point == grammar.point
    twin.accept_byte(ord("b"))
    assert twin.may_end()
    assert grammar.next_bytes() == b"bc"
    assert twin.point != grammar.point
    twin.close()
    grammar.accept_byte(ord("c"))
    assert grammar.may_end()
    grammar.close()
    grammar.close()


def test_complete_text_allows_nothing_but_the_end(model: LlamaModel) -> None:
    grammar = model.compile_grammar('root ::= "ok"')
    logits = some_logits(model)
    for byte in b"ok":
        grammar.accept_byte(byte)
    allowed = np.flatnonzero(np.isfinite(grammar.mask(logits)))
    assert len(allowed) > 0
    assert all(model.ends_generation(int(token)) for token in allowed)
    # They may be as unlikely as can be.
    logits[allowed] = -100.0
    assert model.ends_generation(Sampler(Sampling(), grammar).draw(logits))
    grammar.close()


def test_mask_agrees_with_asking_for_each_token(model: LlamaModel) -> None:
    grammar = model.compile_grammar(r'root ::= "é" [0-9é]+ "x"?')
    logits = some_logits(model)
    for text in ("", "é", "é7"):
        twin = grammar.clone()
        for byte in text.encode():
            twin.accept_byte(byte)
        allowed = np.isfinite(twin.mask(logits))
        for token in [*range(0, 400), *np.flatnonzero(allowed), *range(151_600, 151_700)]:
            assert allowed[token] == twin.allows(int(token)), (text, model.piece(int(token)))
        twin.close()
    grammar.close()


def test_bytes_that_no_encoder_writes_are_refused(model: LlamaModel) -> None:
    """llama.cpp alone takes a character in more bytes than it needs, and half a surrogate pair."""
    grammar = model.compile_grammar('root ::= "日" | "🙂" | [^a]')
    for first, second in ((0xF0, 0x86), (0xE0, 0x9F), (0xED, 0xA0), (0xF4, 0x90)):
        twin = grammar.clone()
        twin.accept_byte(first)
        following = twin.next_bytes()
        assert second not in following
        assert following
        assert all(bytes([first, byte]).decode(errors="ignore") == "" for byte in following)
        byte_token = next(t for t in range(300) if model.piece(t) == bytes([second]))
        assert not twin.allows(byte_token)
        twin.close()
    grammar.close()


def test_grammar_at_a_dead_end_is_a_named_error(model: LlamaModel) -> None:
    grammar = model.compile_grammar(r'root ::= "a" [^\x00-\U0010FFFF]')
    sampler = Sampler(Sampling(), grammar)
    sampler.take(model.tokenize([Segment("a")])[0])
    with pytest.raises(GrammarDeadEnd):
        sampler.draw(some_logits(model))
    grammar.close()


def generate(model: LlamaModel, cases: list[Case], max_tokens: int) -> list[str | None]:
    """What each case generates, all at once at temperature 1; None for one that did not end."""
    forcing = Forcing(model)
    writers = [_Writer(model, forcing, seq, case) for seq, case in enumerate(cases)]
    for _ in range(max_tokens):
        running = [writer for writer in writers if not writer.is_done]
        if not running:
            break
        rows = model.decode([writer.slice() for writer in running])
        for writer, row in zip(running, rows, strict=True):
            writer.draw(row)
    for writer in writers:
        writer.close()
    return [writer.text if writer.is_done else None for writer in writers]


class _Writer:
    """One sequence of `generate`."""

    def __init__(self, model: LlamaModel, forcing: Forcing, seq: int, case: Case) -> None:
        self._model, self._forcing, self._seq = model, forcing, seq
        self._grammar = model.compile_grammar(grammar_of(case.schema))
        self._sampler = Sampler(Sampling(temperature=1.0, seed=case.seed), self._grammar)
        self._pending = model.tokenize(case.prompt)
        self._position = 0
        self._written = b""
        self.is_done = False
        model.release(seq, 0)
        self._force()

    @property
    def text(self) -> str:
        return self._written.decode()

    def slice(self) -> Slice:
        part = Slice(self._seq, self._position, self._pending)
        self._position += len(self._pending)
        self._pending = []
        return part

    def draw(self, row: np.ndarray) -> None:
        token = self._sampler.draw(row)
        if self._model.ends_generation(token):
            self.is_done = True
            return
        self._append(token)
        self._force()

    def close(self) -> None:
        self._grammar.close()
        self._model.release(self._seq, 0)

    def _force(self) -> None:
        forced = self._forcing.after(self._grammar)
        for token in forced.tokens:
            self._sampler.take(token)
            assert not self._model.is_special(token)
            self._append(token)
        self.is_done = forced.is_complete

    def _append(self, token: int) -> None:
        self._pending.append(token)
        self._written += self._model.piece(token)


@pytest.mark.parametrize("first_seed", range(0, 24, 8))
def test_what_is_generated_for_random_schemas_fits_them(model: LlamaModel, first_seed: int) -> None:
    cases = [random_case(seed) for seed in range(first_seed, first_seed + 8)]
    texts = generate(model, cases, max_tokens=150)
    for case, text in zip(cases, texts, strict=True):
        if text is not None:
            Draft202012Validator(case.schema).validate(json.loads(text))
    assert sum(text is not None for text in texts) >= 6
