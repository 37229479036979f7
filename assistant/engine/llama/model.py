"""`LlamaModel`: a loaded GGUF model that decodes steps of many sequences over one KV cache.

Every call that touches the context belongs to one thread; `tokenize`, `piece` and `grammar_of` are
safe elsewhere.
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import llama_cpp
import llama_cpp.llama_cpp as api
import numpy as np

from assistant.engine.backend import Slice
from assistant.engine.errors import DecodeFailed, ModelLoadError
from assistant.engine.idle import IdleProcessors, ProcessorClock
from assistant.engine.interface import ModelInfo, Segment
from assistant.engine.json_schema import grammar_of
from assistant.engine.llama.adapters import Adapters
from assistant.engine.llama.grammar import LlamaGrammar
from assistant.engine.llama.library import initialise
from assistant.engine.llama.vocabulary import Vocabulary
from assistant.engine.llama.weights import MappedFile, check_usable, load_weights
from assistant.engine.load import KvType, LoadOptions
from assistant.engine.pace import ThreadPace
from assistant.engine.sampling import Logits

_CPU_STEP_TOKENS = 256
_GPU_STEP_TOKENS = 2048
# Running requests and cached conversations together; llama.cpp's own limit is 256.
_MAX_SEQUENCES = 64
_TRIAL_STEPS = 2
_GGML_TYPES: Mapping[KvType, int] = {"f16": api.GGML_TYPE_F16, "q8_0": api.GGML_TYPE_Q8_0}


class LlamaModel:
    """A loaded GGUF model with one context (a `Backend`).

    Raises ModelLoadError when llama.cpp refuses the file or the memory does not suffice.
    """

    max_sequences = _MAX_SEQUENCES

    def __init__(self, path: Path, options: LoadOptions) -> None:
        initialise()
        with contextlib.ExitStack() as opened:
            self._load(path, options, opened)
            self._opened = opened.pop_all()
        self._pace = ThreadPace(options.num_threads, IdleProcessors().number)
        self._try_threads()

    def _load(self, path: Path, options: LoadOptions, opened: contextlib.ExitStack) -> None:
        """Open everything; `opened` frees it, also when a later part fails."""
        self._file = MappedFile(path) if options.is_mapped and path.is_file() else None
        if self._file is not None:
            opened.callback(self._file.close)
        self._model = load_weights(path, options)
        opened.callback(api.llama_model_free, self._model)
        check_usable(self._model, path)
        adapters = Adapters(self._model, options.adapters)
        # A GPU computes a large step in hardly more time than a small one.
        self.max_step_tokens = _GPU_STEP_TOKENS if options.gpu_layers else _CPU_STEP_TOKENS
        self._context = self._open_context(path, options)
        opened.callback(api.llama_free, self._context)
        adapters.apply(self._context)
        self._memory = api.llama_get_memory(self._context)
        self._batch = api.llama_batch_init(self.max_step_tokens, 0, 1)
        opened.callback(api.llama_batch_free, self._batch)
        self._vocabulary = Vocabulary(self._model)
        self.num_cells: int = api.llama_n_ctx(self._context)
        self.state_format = _state_format(options, adapters)
        self.info = ModelInfo(
            name=path.stem,
            path=str(path),
            context_tokens=min(options.context_tokens, self.num_cells),
            chat_template=api.llama_model_chat_template(self._model, None).decode(),
            bos_text=self._vocabulary.bos_text,
            eos_text=self._vocabulary.eos_text,
            special_texts=self._vocabulary.special_texts,
        )

    def close(self) -> None:
        """Free the context and the model. The object is of no use afterwards."""
        self._opened.close()

    def tokenize(self, prompt: Sequence[Segment]) -> list[int]:
        """See `Backend.tokenize`."""
        return self._vocabulary.tokenize(prompt)

    def piece(self, token: int) -> bytes:
        """See `Backend.piece`."""
        return self._vocabulary.piece(token)

    def is_special(self, token: int) -> bool:
        """Whether `token` is a control or added token rather than ordinary text."""
        return self._vocabulary.is_special(token)

    def ends_generation(self, token: int) -> bool:
        """See `Backend.ends_generation`."""
        return self._vocabulary.ends_generation(token)

    def decode(self, step: Sequence[Slice]) -> Logits:
        """See `Backend.decode`."""
        if self._file is not None:
            self._file.check()
        num_logits = self._fill_batch(step)
        num_tokens = self._batch.n_tokens
        status = self._timed_decode(self._pace.next_threads(num_tokens), num_tokens)
        if status != 0:
            raise DecodeFailed(
                f"llama_decode returned {status} for {num_tokens} tokens of {len(step)} sequences"
            )
        if num_logits == 0:
            return np.empty((0, self._vocabulary.size), dtype=np.float32)
        rows = api.llama_get_logits(self._context)
        return np.ctypeslib.as_array(rows, shape=(num_logits, self._vocabulary.size))

    def share(self, source: int, target: int, start: int, end: int) -> None:
        """See `Memory.share`."""
        api.llama_memory_seq_cp(self._memory, source, target, start, end)

    def release(self, seq: int, start: int, end: int | None = None) -> None:
        """See `Memory.release`."""
        api.llama_memory_seq_rm(self._memory, seq, start, -1 if end is None else end)

    def save_state(self, seq: int) -> bytes:
        """See `Backend.save_state`."""
        size = api.llama_state_seq_get_size(self._context, seq)
        buffer = (ctypes.c_uint8 * size)()
        written = api.llama_state_seq_get_data(self._context, buffer, size, seq)
        return bytes(memoryview(buffer)[:written])

    def restore_state(self, seq: int, state: bytes) -> bool:
        """See `Backend.restore_state`."""
        buffer = (ctypes.c_uint8 * len(state)).from_buffer_copy(state)
        read = api.llama_state_seq_set_data(self._context, buffer, len(state), seq)
        return bool(read == len(state))

    def grammar_of(self, schema: Mapping[str, Any]) -> str:
        """See `Backend.grammar_of`."""
        return grammar_of(schema)

    def compile_grammar(self, gbnf: str) -> LlamaGrammar:
        """See `Backend.compile_grammar`."""
        return LlamaGrammar(self._vocabulary, gbnf)

    def _timed_decode(self, num_threads: int, num_tokens: int) -> int:
        api.llama_set_n_threads(self._context, num_threads, num_threads)
        clock = ProcessorClock()
        status: int = api.llama_decode(self._context, self._batch)
        api.llama_synchronize(self._context)
        if status == 0:
            is_ours = clock.is_ours(num_threads)
            self._pace.observe(num_threads, num_tokens, clock.wall_s, is_undisturbed=is_ours)
        return status

    def _try_threads(self) -> None:
        """Time a few steps with each number of threads: the first prompt must not be the test."""
        for num_threads in self._pace.options:
            for position in range(_TRIAL_STEPS):
                self._fill_batch([Slice(0, position, [0])])
                self._timed_decode(num_threads, 1)
            self.release(0, 0)

    def _open_context(self, path: Path, options: LoadOptions) -> Any:
        parameters = api.llama_context_default_params()
        parameters.n_ctx = max(options.cache_tokens, options.context_tokens)
        parameters.n_batch = parameters.n_ubatch = self.max_step_tokens
        parameters.n_seq_max = _MAX_SEQUENCES
        # One pool of cells for all sequences: a shared prefix is stored once.
        parameters.kv_unified = True
        parameters.type_k = parameters.type_v = _GGML_TYPES[options.kv_type]
        parameters.flash_attn_type = int(options.has_flash_attention)
        parameters.n_threads = parameters.n_threads_batch = options.num_threads
        parameters.no_perf = True
        context = api.llama_init_from_model(self._model, parameters)
        if not context:
            raise ModelLoadError(
                f"no memory for a KV cache of {parameters.n_ctx:,} tokens of {path.name}",
                "lower [model] cache_tokens or context_tokens",
            )
        return context

    def _fill_batch(self, step: Sequence[Slice]) -> int:
        """Put `step` into the batch; the number of logits that it asks for."""
        batch, index, num_logits = self._batch, 0, 0
        for part in step:
            first_wanted = len(part.tokens) - part.num_logits
            num_logits += part.num_logits
            for offset, token in enumerate(part.tokens):
                batch.token[index] = token
                batch.pos[index] = part.position + offset
                batch.n_seq_id[index] = 1
                batch.seq_id[index][0] = part.seq
                batch.logits[index] = offset >= first_wanted
                index += 1
        batch.n_tokens = index
        return num_logits


def _state_format(options: LoadOptions, adapters: Adapters) -> str:
    return (
        f"llama-cpp-python {llama_cpp.__version__}; kv {options.kv_type}; "
        f"flash attention {options.has_flash_attention}; adapters {adapters.identity}"
    )
