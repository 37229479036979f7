"""A backend without a model, whose cells behave like llama.cpp's and are checked at every step.

Tokens are the code points of characters. What follows a text is scripted, or else a function of all
its tokens: whoever gets a wrong, missing or foreign cell gets other text. It checks what every
engine must keep: positions without gaps, no more cells than there are, nothing decoded for a
sequence that holds nothing before, one thread.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from assistant.engine.backend import Slice
from assistant.engine.errors import DecodeFailed, InvalidGrammar
from assistant.engine.interface import ModelInfo, Segment
from assistant.engine.sampling import Logits

END = 0
NUM_VOCAB = 256
LETTERS = bytes(range(97, 123))


class FakeGrammar:
    """Allows the texts of a pattern: `a?bc` is one of all letters between a and bc.

    A `?` stands for any one lower-case letter and a `*` at the end for any number of them.
    """

    def __init__(self, pattern: str, position: int = 0) -> None:
        self.pattern = pattern
        self.position = position
        self.is_closed = False

    @property
    def point(self) -> tuple[str, int]:
        return self.pattern, self.position

    def next_bytes(self) -> bytes:
        if self.position == len(self.pattern):
            return b""
        character = self.pattern[self.position]
        return LETTERS if character in "?*" else character.encode()

    def may_end(self) -> bool:
        return self.pattern[self.position :] in ("", "*")

    def allows(self, token: int) -> bool:
        return self.may_end() if token == END else token in self.next_bytes()

    def mask(self, logits: Logits) -> Logits:
        masked = np.full_like(logits, -np.inf)
        for token in [*self.next_bytes(), *([END] if self.may_end() else [])]:
            masked[token] = logits[token]
        return masked

    def accept(self, token: int) -> None:
        assert self.allows(token)
        assert not self.is_closed
        if token != END and self.pattern[self.position] != "*":
            self.position += 1

    def accept_byte(self, byte: int) -> None:
        self.accept(byte)

    def clone(self) -> FakeGrammar:
        return FakeGrammar(self.pattern, self.position)

    def close(self) -> None:
        self.is_closed = True


class CountedGrammar(FakeGrammar):
    """One that is in `still_open` until it is closed, and so are its clones."""

    def __init__(self, pattern: str, still_open: set[FakeGrammar], position: int = 0) -> None:
        super().__init__(pattern, position)
        self.still_open = still_open
        still_open.add(self)

    def clone(self) -> CountedGrammar:
        return CountedGrammar(self.pattern, self.still_open, self.position)

    def close(self) -> None:
        super().close()
        self.still_open.discard(self)


@dataclass(eq=False)
class Cell:
    """One token at its position, and the sequences that hold it."""

    token: int
    position: int
    holders: set[int] = field(default_factory=set)


class FakeBackend:
    state_format = "fake 1"

    def __init__(
        self,
        answers: Mapping[str, str] | None = None,
        context_tokens: int = 64,
        *,
        num_cells: int | None = None,
        max_sequences: int = 8,
        max_step_tokens: int = 8,
    ) -> None:
        self.info = ModelInfo("fake", "/fake.gguf", context_tokens, "", "", "", frozenset())
        self.num_cells = num_cells or context_tokens
        self.max_sequences = max_sequences
        self.max_step_tokens = max_step_tokens
        self.answers = dict(answers or {})
        self.cells: list[Cell] = []
        self.steps: list[list[Slice]] = []
        self.num_compiled = 0
        self.open_grammars: set[FakeGrammar] = set()
        self.before_decode: Callable[[], None] = lambda: None
        self.fails_at_step: int | None = None
        self.step_s = 0.0
        self.is_closed = False
        self._thread: int | None = None

    @property
    def num_decoded(self) -> int:
        """Tokens computed so far."""
        return sum(len(part.tokens) for step in self.steps for part in step)

    def held(self, seq: int) -> list[int]:
        """The tokens that `seq` holds, which must lie at positions 0, 1, 2 …"""
        cells = sorted((c for c in self.cells if seq in c.holders), key=lambda cell: cell.position)
        assert [cell.position for cell in cells] == list(range(len(cells))), "a gap, or a double"
        return [cell.token for cell in cells]

    def tokenize(self, prompt: Sequence[Segment]) -> list[int]:
        return [ord(c) for segment in prompt for c in segment.text]

    def piece(self, token: int) -> bytes:
        return chr(token).encode()

    def ends_generation(self, token: int) -> bool:
        return token == END

    def decode(self, step: Sequence[Slice]) -> Logits:
        self._thread = self._thread or threading.get_ident()
        assert threading.get_ident() == self._thread, "decode belongs to one thread"
        assert 0 < sum(len(part.tokens) for part in step) <= self.max_step_tokens
        assert len({part.seq for part in step}) == len(step), "a sequence twice in a step"
        self.before_decode()
        time.sleep(self.step_s)
        self.steps.append(list(step))
        if self.fails_at_step is not None and len(self.steps) > self.fails_at_step:
            raise DecodeFailed("llama_decode returned 1")
        return np.array([row for part in step for row in self._compute(part)], dtype=np.float32)

    def share(self, source: int, target: int, start: int, end: int) -> None:
        for cell in self.cells:
            if source in cell.holders and start <= cell.position < end:
                cell.holders.add(target)

    def release(self, seq: int, start: int, end: int | None = None) -> None:
        for cell in self.cells:
            if start <= cell.position and (end is None or cell.position < end):
                cell.holders.discard(seq)
        self.cells = [cell for cell in self.cells if cell.holders]

    def save_state(self, seq: int) -> bytes:
        return bytes(self.held(seq))

    def restore_state(self, seq: int, state: bytes) -> bool:
        assert not self.held(seq)
        self.cells += [Cell(token, position, {seq}) for position, token in enumerate(state)]
        assert len(self.cells) <= self.num_cells
        return True

    def grammar_of(self, schema: Mapping[str, Any]) -> str:
        return str(schema)

    def compile_grammar(self, gbnf: str) -> FakeGrammar:
        if not gbnf:
            raise InvalidGrammar("an empty grammar")
        self.num_compiled += 1
        return CountedGrammar(gbnf, self.open_grammars)

    def close(self) -> None:
        self.is_closed = True

    def logits_after(self, tokens: Sequence[int]) -> list[float]:
        """What the model makes of `tokens`: one likely next token, and two that might be."""
        logits = [0.0] * NUM_VOCAB
        if (scripted := self._scripted("".join(map(chr, tokens)))) is not None:
            logits[scripted] = 10.0
            return logits
        mixed = 17
        for token in tokens:
            mixed = (mixed * 31 + token + 7) % 1_000_003
        for rank, weight in enumerate((6.0, 5.5, 5.0)):
            logits[97 + (mixed >> (3 * rank)) % 26] += weight
        return logits

    def _compute(self, part: Slice) -> list[list[float]]:
        known = self.held(part.seq)
        assert part.position == len(known), "positions must follow one another"
        cells = [Cell(t, part.position + n, {part.seq}) for n, t in enumerate(part.tokens)]
        self.cells += cells
        assert len(self.cells) <= self.num_cells, "more cells than there are"
        assert len(known) + len(part.tokens) <= self.info.context_tokens
        first = len(part.tokens) - part.num_logits
        known += part.tokens
        ends = range(part.position + first + 1, len(known) + 1)
        return [self.logits_after(known[:end]) for end in ends]

    def _scripted(self, text: str) -> int | None:
        for prompt, answer in self.answers.items():
            written = text.removeprefix(prompt)
            if text.startswith(prompt) and answer.startswith(written):
                return ord(answer[len(written)]) if len(written) < len(answer) else END
        return None
