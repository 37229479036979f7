"""Text into tokens and back: where text of others is kept from becoming special tokens."""

from __future__ import annotations

import ctypes
import itertools
import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

import llama_cpp.llama_cpp as api
import numpy as np
import numpy.typing as npt

from assistant.engine.interface import Segment

# Tokens that are more than their spelling. USER_DEFINED ones (Qwen's <tool_call>) count: llama.cpp
# parses them even when it is told not to parse special tokens.
_SPECIAL_ATTRS = (
    api.LLAMA_TOKEN_ATTR_CONTROL | api.LLAMA_TOKEN_ATTR_USER_DEFINED | api.LLAMA_TOKEN_ATTR_UNKNOWN
)

_MAX_PIECE_BYTES = 4096
# What occurs in UTF-8; llama.cpp's grammars refuse NUL.
TEXT_BYTES = bytes(byte for byte in range(1, 0xF5) if byte not in (0xC0, 0xC1))


class Vocabulary:
    """The tokens of a loaded model. Safe to use from any thread while the model is loaded."""

    def __init__(self, model: Any) -> None:
        self.pointer = api.llama_model_get_vocab(model)
        self.size = api.llama_vocab_n_tokens(self.pointer)
        self._specials = self._find_specials()
        texts = sorted(filter(None, self._specials.values()), key=len, reverse=True)
        self.special_texts = frozenset(texts)
        # A lookahead, because spellings may overlap and each of them has to be found.
        self._special_start = re.compile(f"(?={'|'.join(map(re.escape, texts)) or '(?!)'})")

    @property
    def bos_text(self) -> str:
        """The spelling of the token that begins a text; empty when there is none."""
        return self._specials.get(api.llama_vocab_bos(self.pointer), "")

    @property
    def eos_text(self) -> str:
        """The spelling of the token that ends a text; empty when there is none."""
        return self._specials.get(api.llama_vocab_eos(self.pointer), "")

    @cached_property
    def byte_tokens(self) -> Mapping[int, int]:
        """Byte -> an ordinary token that is this one byte: those of `TEXT_BYTES` that have one."""
        found: dict[int, int] = {}
        for token in range(self.size):
            piece = self.piece(token)
            if len(piece) == 1 and piece in TEXT_BYTES and not self.is_special(token):
                found.setdefault(piece[0], token)
            if len(found) == len(TEXT_BYTES):
                break
        return dict(sorted(found.items()))

    @cached_property
    def first_bytes(self) -> npt.NDArray[np.uint8]:
        """The first byte of each token, 0 for one without text; takes 0.1 s the first time."""
        buffer = ctypes.create_string_buffer(_MAX_PIECE_BYTES)
        first = np.zeros(self.size, dtype=np.uint8)
        for token in range(self.size):
            if api.llama_token_to_piece(self.pointer, token, buffer, len(buffer), 0, True) > 0:
                first[token] = ord(buffer[0])
        return first

    @cached_property
    def end_tokens(self) -> npt.NDArray[np.int64]:
        """The tokens by which the model ends its turn."""
        named = (api.llama_vocab_eos(self.pointer), api.llama_vocab_eot(self.pointer))
        ends = {token for token in (*self._specials, *named) if self.ends_generation(token)}
        return np.array(sorted(ends), dtype=np.int64)

    def tokenize(self, prompt: Iterable[Segment]) -> list[int]:
        """The prompt's tokens. Special tokens come from template segments only."""
        tokens: list[int] = []
        for segment in prompt:
            if segment.is_template:
                tokens += self._tokenize(segment.text, parse_special=True)
            else:
                for piece in self._harmless_pieces(segment.text):
                    tokens += self._tokenize(piece, parse_special=False)
        return tokens

    def piece(self, token: int) -> bytes:
        """The bytes of `token`; may end in the middle of a character."""
        size = 64
        while True:
            buffer = ctypes.create_string_buffer(size)
            written = api.llama_token_to_piece(self.pointer, token, buffer, size, 0, True)
            if written >= 0:
                return buffer.raw[:written]
            size = -written

    def is_special(self, token: int) -> bool:
        """Whether `token` is a control or added token rather than ordinary text."""
        return token in self._specials

    def ends_generation(self, token: int) -> bool:
        """Whether `token` is one by which the model ends its turn."""
        return bool(api.llama_vocab_is_eog(self.pointer, token))

    def _find_specials(self) -> dict[int, str]:
        return {
            token: api.llama_vocab_get_text(self.pointer, token).decode(errors="replace")
            for token in range(self.size)
            if api.llama_vocab_get_attr(self.pointer, token) & _SPECIAL_ATTRS
        }

    def _harmless_pieces(self, text: str) -> list[str]:
        """`text` cut inside each spelling of a special token, so that none can be parsed as one."""
        cuts = [match.start() + 1 for match in self._special_start.finditer(text)]
        edges = [0, *cuts, len(text)]
        return [text[a:b] for a, b in itertools.pairwise(edges)]

    def _tokenize(self, text: str, *, parse_special: bool) -> list[int]:
        data = text.encode("utf-8", errors="replace")
        if not data:
            return []
        buffer = (api.llama_token * (len(data) + 1))()
        count = api.llama_tokenize(
            self.pointer, data, len(data), buffer, len(buffer), False, parse_special
        )
        return list(buffer[:count])
