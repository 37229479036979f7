from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from assistant.chat.tool_calls import forced_call_grammar, optional_call_grammar
from assistant.engine.backend import Backend
from assistant.engine.forcing import Forced, Forcing
from assistant.engine.interface import Engine, ModelInfo, Segment
from assistant.engine.llama import LlamaModel
from assistant.engine.load import LoadOptions

from .random_schemas import random_case


class OneOf:
    """A grammar of a few texts, or of `free` and any letters after it.

    `num_probes` counts the questions to all of them.
    """

    num_probes = 0

    def __init__(self, *texts: str, free: str | None = None, written: bytes = b"") -> None:
        self.texts = [text.encode() for text in texts]
        self.free = None if free is None else free.encode()
        self.written = written

    @property
    def point(self) -> tuple[object, ...]:
        return *self.texts, self.free, self.written

    def next_bytes(self) -> bytes:
        OneOf.num_probes += 1
        size = len(self.written)
        fitting = [text for text in self.texts if text.startswith(self.written)]
        following = {text[size] for text in fitting if len(text) > size}
        if self.free is not None:
            following |= set(self.free[size : size + 1] or range(97, 123))
        return bytes(sorted(following))

    def may_end(self) -> bool:
        return self.written in self.texts

    def accept_byte(self, byte: int) -> None:
        assert byte in self.next_bytes()
        self.written += bytes([byte])

    def allows(self, token: int) -> bool:
        raise NotImplementedError

    mask = accept = allows

    def clone(self) -> OneOf:
        return copy.copy(self)

    def close(self) -> None:
        pass


class Words:
    """Tokens are the longest of `pieces`, or else single bytes."""

    def __init__(self, *pieces: str, specials: Sequence[str] = ()) -> None:
        self.pieces = [bytes([byte]) for byte in range(256)] + [p.encode() for p in pieces]
        self.info = ModelInfo("", "", 64, "", "", "", frozenset(specials))
        self.prefix = b""

    def tokenize(self, prompt: Sequence[Segment]) -> list[int]:
        assert not any(segment.is_template for segment in prompt)
        left = self.prefix + "".join(segment.text for segment in prompt).encode()
        tokens = []
        while left:
            piece = max((p for p in self.pieces if left.startswith(p)), key=len)
            tokens.append(self.pieces.index(piece))
            left = left[len(piece) :]
        return tokens

    def piece(self, token: int) -> bytes:
        return self.pieces[token]


def forced(words: Words, grammar: OneOf) -> tuple[str, bool]:
    """The forced tokens, with bars between them, and whether the text is complete."""
    found = Forcing(cast(Backend, words)).after(cast(Any, grammar))
    return "|".join(words.piece(t).decode() for t in found.tokens), found.is_complete


@pytest.mark.parametrize(
    ("pieces", "grammar", "expected"),
    [
        # All of it, and then the end.
        (["ab"], OneOf("abc"), ("ab|c", True)),
        # Nothing is left but the end.
        ([], OneOf("abc", written=b"abc"), ("", True)),
        # Up to a choice; what follows changes no token.
        ([], OneOf("abx", "aby"), ("a|b", False)),
        # "b" and what follows would be one token.
        (["bx"], OneOf("aabx", "aaby"), ("a|a", False)),
        (["bcd"], OneOf("aabcd", "aabx"), ("a|a", False)),
        # What follows may be anything: the last token is held back.
        ([], OneOf(free="abc"), ("a|b", False)),
        # The text may end, or go on.
        ([], OneOf("abc", "abcd"), ("a|b|c", False)),
        # A choice at once.
        ([], OneOf("abc", "xbc"), ("", False)),
        ([], OneOf("abc", "abcd", written=b"abc"), ("", False)),
        # A single token is not worth it, unless it is the last.
        (["ab"], OneOf("abx", "aby"), ("", False)),
        (["ab"], OneOf("ab"), ("ab", True)),
        # Characters of several bytes, whole ones only.
        (["é", "日"], OneOf("né日x"), ("n|é|日|x", True)),
        (["é", "è"], OneOf("aané", "aanè"), ("a|a|n", False)),
        # In the middle of a character only the model can go on.
        (["é"], OneOf("ééé", written="é".encode()[:1]), ("", False)),
    ],
)
def test_what_is_forced(pieces: list[str], grammar: OneOf, expected: tuple[str, bool]) -> None:
    point = grammar.point
    assert forced(Words(*pieces), grammar) == expected
    assert grammar.point == point


def test_special_tokens_are_left_to_the_model() -> None:
    words = Words(specials=["<end>", "<x>"])
    assert forced(words, OneOf("ab<end>cd")) == ("a|b", False)
    assert forced(words, OneOf("<end>cd")) == ("", False)
    assert forced(words, OneOf("ab<end")) == ("a|b|<|e|n|d", True)


def test_tokenizer_that_adds_something_forces_nothing() -> None:
    words = Words()
    words.prefix = b" "
    assert forced(words, OneOf("abc")) == ("", False)
    assert forced(words, OneOf("abcd", "abce")) == ("", False)


def test_long_text_is_forced_in_pieces() -> None:
    words, text = Words(), "abcdefgh" * 50
    written = ""
    for _ in range(5):
        tokens, is_complete = forced(words, OneOf(text, written=written.encode()))
        written += tokens.replace("|", "")
        if is_complete:
            break
        assert len(tokens) > 100
    assert written == text


def test_what_was_found_is_remembered() -> None:
    forcing = Forcing(cast(Backend, Words()))
    first = forcing.after(cast(Any, OneOf("abc")))
    num_probes = OneOf.num_probes
    assert forcing.after(cast(Any, OneOf("abc"))) == first
    assert OneOf.num_probes == num_probes
    assert forcing.after(cast(Any, OneOf("abd"))) != first


def test_memory_is_bounded() -> None:
    forcing = Forcing(cast(Backend, Words()))
    texts = [f"text {number}" for number in range(2000)]
    for text in texts:
        forcing.after(cast(Any, OneOf(text)))
    num_probes = OneOf.num_probes
    forcing.after(cast(Any, OneOf(texts[-1])))
    assert OneOf.num_probes == num_probes
    forcing.after(cast(Any, OneOf(texts[0])))
    assert OneOf.num_probes > num_probes


TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "parameters": {
                "type": "object",
                "properties": {"größe": {"enum": ["klein", "groß"]}, "path": {"type": "string"}},
                "required": ["größe", "path"],
            },
        },
    }
    for name in ("search_logs", "search_runbooks")
]


@pytest.fixture(scope="module")
def model(model_file: Callable[[str], Path]) -> Iterator[LlamaModel]:
    loaded = LlamaModel(model_file("qwen2.5-coder-0.5b"), LoadOptions(1024, 2))
    yield loaded
    loaded.close()


def write(model: LlamaModel, gbnf: str, text: str) -> list[str]:
    """How `text` comes about: pieces as the model would draw them, forced ones after a `+`."""
    forcing, grammar = Forcing(model), model.compile_grammar(gbnf)
    pieces: list[str] = []
    left = text
    while True:
        found = forcing.after(grammar)
        for token in found.tokens:
            assert not model.is_special(token)
            grammar.accept(token)
            piece = model.piece(token)
            assert left.encode().startswith(piece)
            left = left.encode()[len(piece) :].decode()
            pieces.append("+" + piece.decode())
        if found.is_complete:
            assert not left
            grammar.close()
            return pieces
        token = model.tokenize([Segment(left, is_template=True)])[0]
        assert grammar.allows(token)
        grammar.accept(token)
        pieces.append(model.piece(token).decode())
        left = left.removeprefix(pieces[-1])


@pytest.mark.model
def test_most_of_a_tool_call_is_forced(model: LlamaModel) -> None:
    gbnf = forced_call_grammar(cast(Engine, model), TOOLS)
    arguments = {"größe": "groß", "path": "/var/log"}
    call = {"name": "search_logs", "arguments": arguments}
    pieces = write(model, gbnf, json.dumps(call, ensure_ascii=False))
    assert "".join(piece.removeprefix("+") for piece in pieces) == json.dumps(
        call, ensure_ascii=False
    )
    # The beginning, up to where the names differ, and the keys are given.
    assert pieces[:5] == ['+{"', "+name", '+":', '+ "', "+search"]
    drawn = [piece for piece in pieces if not piece.startswith("+")]
    assert len(drawn) < len(pieces) / 2
    # A path is ` "/` and not ` "` and `/`: the opening quote is left to the model.
    assert ' "/' in drawn


@pytest.mark.model
def test_tags_of_an_optional_call_stay_special(model: LlamaModel) -> None:
    gbnf = optional_call_grammar(cast(Engine, model), TOOLS, has_tags=True)
    call = {"name": "search_logs", "arguments": {"größe": "klein", "path": "x"}}
    text = f"<tool_call>\n{json.dumps(call, ensure_ascii=False)}\n</tool_call>"
    pieces = write(model, gbnf, text)
    assert pieces[0] == "<tool_call>"
    assert pieces[-1] == "</tool_call>"
    assert pieces[1].startswith("+\n")


@pytest.mark.model
def test_free_text_forces_nothing(model: LlamaModel) -> None:
    grammar = model.compile_grammar('root ::= "\\"" [^"]* "\\""')
    grammar.accept_byte(ord('"'))
    assert Forcing(model).after(grammar) == Forced()
    grammar.close()


@pytest.mark.model
@pytest.mark.parametrize("seed", range(12))
def test_forced_tokens_are_allowed_ones(model: LlamaModel, seed: int) -> None:
    """Random texts of random grammars: the grammar takes each forced token as it takes bytes."""
    gbnf = model.grammar_of(random_case(seed).schema)
    forcing, grammar = Forcing(model), model.compile_grammar(gbnf)
    for number in range(60):
        found = forcing.after(grammar)
        for token in found.tokens:
            assert grammar.allows(token)
            grammar.accept(token)
        if found.is_complete:
            break
        following = grammar.next_bytes()
        grammar.accept_byte(following[(seed * 7 + number * 13) % len(following)])
    grammar.close()
