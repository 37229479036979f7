"""A backend without a model: its next token is a function of the tokens so far.

Tokens are the code points of characters. The text that follows a prompt is scripted, or counts up
from its last character. It checks what every engine must keep: positions without gaps, nothing
decoded beyond the context, one thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from assistant.engine.errors import DecodeFailed, InvalidGrammar
from assistant.engine.interface import ModelInfo, Segment
from assistant.engine.sampling import Logits

END = 0
NUM_VOCAB = 256


class FakeGrammar:
    """Allows only the characters that it was made of, then the end."""

    def __init__(self, allowed: str) -> None:
        self.allowed = {ord(c) for c in allowed} | {END}
        self.is_closed = False

    def allows(self, token: int) -> bool:
        return token in self.allowed

    def mask(self, logits: Logits) -> Logits:
        masked = np.full_like(logits, -np.inf)
        for token in self.allowed:
            masked[token] = logits[token]
        return masked

    def accept(self, token: int) -> None:
        assert token in self.allowed

    def close(self) -> None:
        self.is_closed = True


class FakeBackend:
    prefill_chunk = 4

    def __init__(self, answers: Mapping[str, str] | None = None, context_tokens: int = 64) -> None:
        self.info = ModelInfo("fake", "/fake.gguf", context_tokens, "", "", "", frozenset())
        self.answers = dict(answers or {})
        self.cells: list[int] = []
        self.decoded: list[tuple[int, ...]] = []
        self.grammars: list[FakeGrammar] = []
        self.before_decode: Callable[[], None] = lambda: None
        self.fails_at: int | None = None
        self.is_closed = False
        self._thread: int | None = None

    def tokenize(self, prompt: Sequence[Segment]) -> list[int]:
        return [ord(c) for segment in prompt for c in segment.text]

    def piece(self, token: int) -> bytes:
        return chr(token).encode()

    def ends_generation(self, token: int) -> bool:
        return token == END

    def decode(self, tokens: Sequence[int], position: int) -> Logits:
        self._thread = self._thread or threading.get_ident()
        assert threading.get_ident() == self._thread, "decode belongs to one thread"
        assert 0 < len(tokens) <= self.prefill_chunk
        assert position == len(self.cells), "positions must follow one another"
        self.before_decode()
        if self.fails_at is not None and position >= self.fails_at:
            raise DecodeFailed("llama_decode returned 1")
        self.cells += tokens
        assert len(self.cells) <= self.info.context_tokens
        self.decoded.append(tuple(tokens))
        logits = np.zeros(NUM_VOCAB, dtype=np.float32)
        logits[self._next()] = 10.0
        return logits

    def truncate(self, length: int) -> None:
        del self.cells[length:]

    def grammar_of(self, schema: Mapping[str, Any]) -> str:
        return str(schema)

    def compile_grammar(self, gbnf: str) -> FakeGrammar:
        if not gbnf:
            raise InvalidGrammar("an empty grammar")
        self.grammars.append(FakeGrammar(gbnf))
        return self.grammars[-1]

    def close(self) -> None:
        self.is_closed = True

    def _next(self) -> int:
        text = "".join(map(chr, self.cells))
        for prompt, answer in self.answers.items():
            written = text.removeprefix(prompt)
            if text.startswith(prompt) and answer.startswith(written):
                return ord(answer[len(written)]) if len(written) < len(answer) else END
        return self.cells[-1] + 1
