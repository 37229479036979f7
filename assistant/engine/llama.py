"""llama.cpp behind a few calls: the only file that imports `llama_cpp`.

It loads a model, turns text into tokens and back, decodes tokens at positions of one sequence, and
compiles grammars. What to decode and when is the engine's business. Every object here belongs to
the thread that made it; only `tokenize`, `piece` and `grammar_of` are safe elsewhere.
"""

from __future__ import annotations

import ctypes
import itertools
import json
import logging
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import llama_cpp.llama_cpp as api
import numpy as np
from llama_cpp.llama_grammar import json_schema_to_gbnf

from assistant.engine.errors import DecodeFailed, InvalidGrammar, ModelLoadError
from assistant.engine.interface import ModelInfo, Segment
from assistant.engine.pace import ThreadPace
from assistant.engine.sampling import Logits

_log = logging.getLogger(__name__)

# Tokens that are more than their spelling. USER_DEFINED ones (Qwen's <tool_call>) count: llama.cpp
# parses them even when it is told not to parse special tokens.
_SPECIAL_ATTRS = (
    api.LLAMA_TOKEN_ATTR_CONTROL | api.LLAMA_TOKEN_ATTR_USER_DEFINED | api.LLAMA_TOKEN_ATTR_UNKNOWN
)
# Raw control characters are not JSON; the converter lets them through.
_JSON_CHAR = r'char ::= [^"\\\x00-\x1F\x7F] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F]{4})'
_OUTSIDE_REF = re.compile(r'"\$ref": "(?!#)')
_CHAR_RULE = re.compile(r"^char ::= .*$", re.MULTILINE)
# The converter allows spaces everywhere; JSON as templates spell it is shorter and meets the cache.
_SPACING = (
    ('"{" space', '"{"'),
    ('"," space', '", "'),
    ('space ":" space', '": "'),
    ('"}" space', '"}"'),
    ('"]" space', '"]"'),
)
_GGML_LOG_LEVEL_ERROR = 4
_PREFILL_CHUNK = 256
_TRIAL_STEPS = 2


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How a model is loaded. `gpu_layers` beyond the model's own number mean all of them."""

    context_tokens: int
    num_threads: int
    gpu_layers: int = 0


def _forward_log(level: int, text: bytes, _data: object) -> None:
    if level == _GGML_LOG_LEVEL_ERROR:
        _log.error("llama.cpp: %s", text.decode(errors="replace").rstrip())


# llama.cpp keeps the pointer: this object must outlive every call.
_LOG_CALLBACK = api.llama_log_callback(_forward_log)


class LlamaModel:
    """A loaded GGUF model with one context (a `Backend`).

    Raises ModelLoadError when llama.cpp refuses the file.
    """

    prefill_chunk = _PREFILL_CHUNK

    def __init__(self, path: Path, options: LoadOptions) -> None:
        api.llama_log_set(_LOG_CALLBACK, ctypes.c_void_p(0))
        api.llama_backend_init()
        self._model = self._load(path, options)
        self._vocab = api.llama_model_get_vocab(self._model)
        self._context = self._open_context(path, options)
        self._memory = api.llama_get_memory(self._context)
        self._num_vocab = api.llama_vocab_n_tokens(self._vocab)
        self._batch = api.llama_batch_init(_PREFILL_CHUNK, 0, 1)
        self._specials = self._find_specials()
        self._pace = ThreadPace(options.num_threads)
        self._try_threads()
        texts = sorted(filter(None, self._specials.values()), key=len, reverse=True)
        # A lookahead, because spellings may overlap and each of them has to be found.
        self._special_start = re.compile(f"(?={'|'.join(map(re.escape, texts)) or '(?!)'})")
        self.info = ModelInfo(
            name=path.stem,
            path=str(path),
            context_tokens=api.llama_n_ctx(self._context),
            chat_template=self._chat_template(path),
            bos_text=self._specials.get(api.llama_vocab_bos(self._vocab), ""),
            eos_text=self._specials.get(api.llama_vocab_eos(self._vocab), ""),
            special_texts=frozenset(texts),
        )

    def close(self) -> None:
        """Free the context and the model. The object is of no use afterwards."""
        api.llama_batch_free(self._batch)
        api.llama_free(self._context)
        api.llama_model_free(self._model)

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
            written = api.llama_token_to_piece(self._vocab, token, buffer, size, 0, True)
            if written >= 0:
                return buffer.raw[:written]
            size = -written

    def is_special(self, token: int) -> bool:
        """Whether `token` is a control or added token rather than ordinary text."""
        return token in self._specials

    def ends_generation(self, token: int) -> bool:
        """Whether `token` is one by which the model ends its turn."""
        return bool(api.llama_vocab_is_eog(self._vocab, token))

    def decode(self, tokens: Sequence[int], position: int) -> Logits:
        """Logits after the last of `tokens`, which go to `position` and on: float32 (n_vocab,).

        A view that is valid until the next decode. At most `prefill_chunk` tokens. Raises
        DecodeFailed.
        """
        self._fill_batch(tokens, position)
        num_threads = self._pace.next_threads(len(tokens))
        status = self._timed_decode(num_threads, len(tokens))
        if status != 0:
            raise DecodeFailed(f"llama_decode returned {status} at position {position}")
        logits = api.llama_get_logits_ith(self._context, len(tokens) - 1)
        return np.ctypeslib.as_array(logits, shape=(self._num_vocab,))

    def truncate(self, length: int) -> None:
        """Forget everything in the KV cache from position `length` on."""
        api.llama_memory_seq_rm(self._memory, 0, length, -1)

    def grammar_of(self, schema: Mapping[str, Any]) -> str:
        """GBNF for the JSON texts that fit `schema`. Raises InvalidGrammar."""
        text = json.dumps(schema)
        if _OUTSIDE_REF.search(text):
            # The converter would fetch it from the network.
            raise InvalidGrammar("the schema refers to another document", "inline what it names")
        try:
            gbnf = json_schema_to_gbnf(text)
        except (ValueError, KeyError, TypeError, AttributeError, AssertionError) as error:
            raise InvalidGrammar(f"the schema cannot be made a grammar: {error}") from error
        for spaced, tight in _SPACING:
            gbnf = gbnf.replace(spaced, tight)
        return _CHAR_RULE.sub(lambda _: _JSON_CHAR, gbnf)

    def compile_grammar(self, gbnf: str) -> LlamaGrammarState:
        """A fresh matcher for `gbnf`. Raises InvalidGrammar."""
        sampler = api.llama_sampler_init_grammar(self._vocab, gbnf.encode(), b"root")
        if not sampler:
            raise InvalidGrammar("llama.cpp cannot compile the grammar", "check its rules")
        return LlamaGrammarState(sampler)

    def _timed_decode(self, num_threads: int, num_tokens: int) -> int:
        api.llama_set_n_threads(self._context, num_threads, num_threads)
        started = time.perf_counter()
        status: int = api.llama_decode(self._context, self._batch)
        self._pace.observe(num_threads, num_tokens, time.perf_counter() - started)
        return status

    def _try_threads(self) -> None:
        """Time a few steps with each number of threads: the first prompt must not be the test."""
        for num_threads in self._pace.options:
            for position in range(_TRIAL_STEPS):
                self._fill_batch([0], position)
                self._timed_decode(num_threads, 1)
            self.truncate(0)

    def _load(self, path: Path, options: LoadOptions) -> Any:
        parameters = api.llama_model_default_params()
        parameters.n_gpu_layers = options.gpu_layers
        model = api.llama_model_load_from_file(str(path).encode(), parameters)
        if not model:
            raise ModelLoadError(
                f"{path} cannot be loaded as a GGUF model", "fetch it again: midwatch model pull"
            )
        return model

    def _open_context(self, path: Path, options: LoadOptions) -> Any:
        parameters = api.llama_context_default_params()
        parameters.n_ctx = options.context_tokens
        parameters.n_batch = parameters.n_ubatch = _PREFILL_CHUNK
        parameters.n_seq_max = 1
        parameters.n_threads = parameters.n_threads_batch = options.num_threads
        parameters.no_perf = True
        context = api.llama_init_from_model(self._model, parameters)
        if not context:
            api.llama_model_free(self._model)
            raise ModelLoadError(
                f"no memory for a context of {options.context_tokens:,} tokens of {path.name}",
                "lower [model] context_tokens",
            )
        return context

    def _chat_template(self, path: Path) -> str:
        template = api.llama_model_chat_template(self._model, None)
        if not template:
            raise ModelLoadError(
                f"{path} has no chat template", "use an instruction-tuned GGUF model"
            )
        return str(template.decode())

    def _find_specials(self) -> dict[int, str]:
        return {
            token: api.llama_vocab_get_text(self._vocab, token).decode(errors="replace")
            for token in range(self._num_vocab)
            if api.llama_vocab_get_attr(self._vocab, token) & _SPECIAL_ATTRS
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
            self._vocab, data, len(data), buffer, len(buffer), False, parse_special
        )
        return list(buffer[:count])

    def _fill_batch(self, tokens: Sequence[int], position: int) -> None:
        batch = self._batch
        batch.n_tokens = len(tokens)
        for index, token in enumerate(tokens):
            batch.token[index] = token
            batch.pos[index] = position + index
            batch.n_seq_id[index] = 1
            batch.seq_id[index][0] = 0
            batch.logits[index] = index == len(tokens) - 1


class LlamaGrammarState:
    """A compiled grammar at one point of a generation (a `TokenFilter`)."""

    def __init__(self, sampler: Any) -> None:
        self._sampler = sampler

    def allows(self, token: int) -> bool:
        """Whether `token` may come next; about 1 µs."""
        candidates = (api.llama_token_data * 1)(api.llama_token_data(token, 0.0, 0.0))
        self._apply(candidates, 1)
        return bool(np.isfinite(candidates[0].logit))

    def mask(self, logits: Logits) -> Logits:
        """A copy of `logits` with everything that may not come next at -inf; about 10 ms."""
        candidates = np.zeros(len(logits), dtype=np.dtype(api.llama_token_data))
        candidates["id"] = np.arange(len(logits))
        candidates["logit"] = logits
        pointer = candidates.ctypes.data_as(ctypes.POINTER(api.llama_token_data))
        self._apply(pointer, len(logits))
        return candidates["logit"].copy()

    def accept(self, token: int) -> None:
        """Advance past `token`, which must be allowed."""
        api.llama_sampler_accept(self._sampler, token)

    def close(self) -> None:
        """Free the matcher."""
        api.llama_sampler_free(self._sampler)

    def _apply(self, data: Any, size: int) -> None:
        array = api.llama_token_data_array(
            data=ctypes.cast(data, ctypes.POINTER(api.llama_token_data)),
            size=size,
            selected=-1,
            sorted=False,
        )
        api.llama_sampler_apply(self._sampler, ctypes.byref(array))
