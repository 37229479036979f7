"""What an engine asks of a model: the seam between policy and llama.cpp."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from assistant.engine.interface import ModelInfo, Segment
from assistant.engine.sampling import Logits, TokenFilter


@dataclass(frozen=True, slots=True)
class Slice:
    """Consecutive `tokens` of sequence `seq` at `position` and on, as a part of a step.

    Logits are wanted after each of the last `num_logits` tokens.
    """

    seq: int
    position: int
    tokens: Sequence[int]
    num_logits: int = 1


class Grammar(TokenFilter, Protocol):
    """A compiled grammar at one point of a text; it owns native memory.

    Belongs to the engine's owner thread. Closing it a second time does nothing.
    """

    @property
    def point(self) -> Hashable:
        """Equal for grammars of the same rules after the same text."""
        ...

    def next_bytes(self) -> bytes:
        """The bytes with which the text may go on, in rising order."""
        ...

    def may_end(self) -> bool:
        """Whether the text may end here."""
        ...

    def accept_byte(self, byte: int) -> None:
        """Advance past one of `next_bytes`."""
        ...

    def clone(self) -> Grammar:
        """Another one at the same point, independent of this one from here on."""
        ...

    def close(self) -> None:
        """Free it."""
        ...


class Memory(Protocol):
    """The KV cache: cells, each the key and value of one token, held by one or more sequences.

    A cell is free when no sequence holds it. Belongs to the engine's owner thread.
    """

    num_cells: int
    max_sequences: int

    def share(self, source: int, target: int, start: int, end: int) -> None:
        """Let `target` hold the cells of `source` at positions `start` to `end` as well."""
        ...

    def release(self, seq: int, start: int, end: int | None = None) -> None:
        """Let `seq` hold nothing from `start` to `end` (to its last when None)."""
        ...


class Backend(Memory, Protocol):
    """A loaded model with its KV cache.

    `tokenize`, `piece`, `ends_generation` and `grammar_of` are safe on any thread; everything else
    belongs to the engine's owner thread.
    """

    info: ModelInfo
    max_step_tokens: int
    state_format: str
    """What a saved state depends on besides the weights: it loads only where this is the same."""

    def tokenize(self, prompt: Sequence[Segment]) -> list[int]:
        """The prompt's tokens. Special tokens come from template segments only."""
        ...

    def piece(self, token: int) -> bytes:
        """The bytes of `token`; may end in the middle of a character."""
        ...

    def ends_generation(self, token: int) -> bool:
        """Whether `token` is one by which the model ends its turn."""
        ...

    def decode(self, step: Sequence[Slice]) -> Logits:
        """Compute a step of at most `max_step_tokens` tokens: float32 (n_logits, n_vocab).

        A row for each logits wanted, in the order of the slices; valid until the next decode.
        Raises DecodeFailed; what the cells of the step's sequences then hold is unknown.
        """
        ...

    def save_state(self, seq: int) -> bytes:
        """The cells of `seq`, to be restored in another process."""
        ...

    def restore_state(self, seq: int, state: bytes) -> bool:
        """Give `seq`, which holds nothing, the cells of `state`; False when it does not fit."""
        ...

    def grammar_of(self, schema: Mapping[str, Any]) -> str:
        """GBNF for the JSON texts that fit `schema`. Raises InvalidGrammar."""
        ...

    def compile_grammar(self, gbnf: str) -> Grammar:
        """A fresh matcher for `gbnf`. Raises InvalidGrammar."""
        ...

    def close(self) -> None:
        """Free the model. The object is of no use afterwards."""
        ...
