"""llama.cpp's matcher of grammars, for one generation.

llama.cpp ends the process when it is asked to go where a grammar does not; what may reach it is
decided here and in `assistant.engine.gbnf`.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from typing import Any

import llama_cpp.llama_cpp as api
import numpy as np
import numpy.typing as npt

from assistant.engine.errors import InvalidGrammar
from assistant.engine.gbnf import check
from assistant.engine.llama.vocabulary import TEXT_BYTES, Vocabulary
from assistant.engine.sampling import Logits

_CANDIDATE = np.dtype(api.llama_token_data)
# UTF-8 after these bytes, from and to: llama.cpp takes any byte there, and so characters in more
# bytes than they need, of which a JSON reader makes something else.
_SECOND_BYTES: Mapping[bytes, tuple[int, int]] = {
    b"\xe0": (0xA0, 0xBF),
    b"\xed": (0x80, 0x9F),
    b"\xf0": (0x90, 0xBF),
    b"\xf4": (0x80, 0x8F),
}
Tokens = npt.NDArray[np.int64]


class LlamaGrammar:
    """A compiled grammar at one point of a generation (a `Grammar`).

    Raises InvalidGrammar when llama.cpp cannot compile `gbnf`.
    """

    def __init__(self, vocabulary: Vocabulary, gbnf: str) -> None:
        check(gbnf)
        sampler = api.llama_sampler_init_grammar(vocabulary.pointer, gbnf.encode(), b"root")
        if not sampler:
            raise InvalidGrammar("llama.cpp cannot compile the grammar", "check its rules")
        self._vocabulary = vocabulary
        self._gbnf = gbnf
        self._text = b""
        self._sampler = sampler

    @property
    def point(self) -> tuple[str, bytes]:
        """See `Grammar.point`."""
        return self._gbnf, self._text

    def allows(self, token: int) -> bool:
        """Whether `token` may come next; about 5 µs."""
        return bool(self._allowed(np.array([token]))[0])

    def mask(self, logits: Logits) -> Logits:
        """A copy of `logits` with everything that may not come next at -inf.

        Takes 40 µs to 40 ms, by the number of tokens that begin with one of `next_bytes`.
        """
        return self._only(self._likely(), logits)

    def next_bytes(self) -> bytes:
        """See `Grammar.next_bytes`; about 30 µs."""
        known = self._vocabulary.byte_tokens
        if len(known) < len(TEXT_BYTES):
            # Without a token for each of them, what is not asked for may be allowed.
            return TEXT_BYTES
        is_allowed = self._allowed(np.fromiter(known.values(), dtype=np.int64))
        return bytes(byte for byte, allowed in zip(known, is_allowed, strict=True) if allowed)

    def may_end(self) -> bool:
        """See `Grammar.may_end`."""
        return bool(self._allowed(self._vocabulary.end_tokens).any())

    def accept(self, token: int) -> None:
        """Advance past `token`, which must be allowed: llama.cpp ends the process otherwise."""
        api.llama_sampler_accept(self._sampler, token)
        self._text += self._vocabulary.piece(token)

    def accept_byte(self, byte: int) -> None:
        """See `Grammar.accept_byte`."""
        self.accept(self._vocabulary.byte_tokens[byte])

    def clone(self) -> LlamaGrammar:
        """See `Grammar.clone`."""
        twin = object.__new__(LlamaGrammar)
        twin._vocabulary = self._vocabulary
        twin._gbnf = self._gbnf
        twin._text = self._text
        twin._sampler = api.llama_sampler_clone(self._sampler)
        return twin

    def close(self) -> None:
        """Free the matcher; the second time does nothing."""
        if self._sampler is not None:
            api.llama_sampler_free(self._sampler)
            self._sampler = None

    def _likely(self) -> Tokens:
        """The tokens that begin with one of `next_bytes`, and the ends."""
        is_next = np.zeros(256, dtype=np.bool_)
        is_next[list(self.next_bytes())] = True
        tokens = np.flatnonzero(is_next[self._vocabulary.first_bytes])
        return np.union1d(tokens, self._vocabulary.end_tokens)

    def _only(self, tokens: Tokens, logits: Logits) -> Logits:
        """`logits` of those of `tokens` that may come next, and -inf for all others."""
        allowed = tokens[self._allowed(tokens)]
        masked = np.full_like(logits, -np.inf)
        masked[allowed] = logits[allowed]
        return masked

    def _allowed(self, tokens: Tokens) -> npt.NDArray[np.bool_]:
        """Which of `tokens` may come next: about 5 µs, and 0.1 µs for each."""
        candidates = np.zeros(len(tokens), dtype=_CANDIDATE)
        candidates["id"] = tokens
        self._apply(candidates)
        is_allowed: npt.NDArray[np.bool_] = np.isfinite(candidates["logit"])
        if second := _SECOND_BYTES.get(self._text[-1:]):
            first = self._vocabulary.first_bytes[tokens]
            is_allowed &= (first >= second[0]) & (first <= second[1])
        return is_allowed

    def _apply(self, candidates: npt.NDArray[Any]) -> None:
        array = api.llama_token_data_array(
            data=ctypes.cast(candidates.ctypes.data, ctypes.POINTER(api.llama_token_data)),
            size=len(candidates),
            selected=-1,
            sorted=False,
        )
        api.llama_sampler_apply(self._sampler, ctypes.byref(array))
