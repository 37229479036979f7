"""What an engine asks of a model: the seam between policy and llama.cpp."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from assistant.engine.interface import ModelInfo, Segment
from assistant.engine.sampling import Logits, TokenFilter


class Grammar(TokenFilter, Protocol):
    """A compiled grammar that owns native memory."""

    def close(self) -> None:
        """Free it."""
        ...


class Backend(Protocol):
    """A loaded model with a KV cache. `decode` and `truncate` belong to one owner thread."""

    info: ModelInfo
    prefill_chunk: int

    def tokenize(self, prompt: Sequence[Segment]) -> list[int]:
        """The prompt's tokens. Special tokens come from template segments only."""
        ...

    def piece(self, token: int) -> bytes:
        """The bytes of `token`; may end in the middle of a character."""
        ...

    def ends_generation(self, token: int) -> bool:
        """Whether `token` is one by which the model ends its turn."""
        ...

    def decode(self, tokens: Sequence[int], position: int) -> Logits:
        """Logits after the last of `tokens`, which go to `position` and on: float32 (n_vocab,).

        A view that is valid until the next decode. At most `prefill_chunk` tokens. Raises
        DecodeFailed.
        """
        ...

    def truncate(self, length: int) -> None:
        """Forget everything in the KV cache from position `length` on."""
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
