"""One user's decode rate: midwatch against a bare loop of `llama_decode` with greedy sampling.

    python benchmarks/bare_decode.py [--model NAME] [--answer-tokens 64] [--json]

The work: a prompt of 700 tokens, then that many tokens, each the most likely one (numpy's argmax).
The loop does nothing else: no text, no events, no other requests; llama.cpp's defaults for one
sequence, the same number of threads. The rate counts from the first token to the last, so the
prompt is not part of it.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

import llama_cpp.llama_cpp as api
import numpy as np
from comparing import Options, Row, in_own_process, progress, run_driver

from assistant.benchmark.answers import read_answer
from assistant.benchmark.opening import open_engine
from assistant.benchmark.workload import Workload, prefix_of, question_of
from assistant.engine.llama.library import initialise

BATCH_TOKENS = 512


def main() -> None:
    """Measure and print the row."""
    run_driver(__doc__, rows)


def rows(options: Options) -> list[Row]:
    """The row of this comparison."""
    pairs = []
    for run in range(options.runs):
        progress(f"one user's decode rate: run {run + 1}")
        ours, prompt = in_own_process(our_rate, options)
        pairs.append((ours, in_own_process(bare_rate, options, prompt)))
    return [Row("one user, decode rate", "a bare llama_decode loop", "tokens/s", pairs, 0.97)]


def our_rate(options: Options) -> tuple[float, str]:
    """Midwatch's rate, and the prompt that it had."""
    return asyncio.run(_our_rate(options))


async def _our_rate(options: Options) -> tuple[float, str]:
    with tempfile.TemporaryDirectory() as scratch:
        async with open_engine(options.settings(Path(scratch))) as engine:
            prefix = prefix_of(options.prompt_tokens, 1, engine.count_tokens)
            workload = Workload(prefix, options.answer_tokens)
            answer = await read_answer(engine, workload.request(question_of(1)))
    return answer.decode_rate, prefix + question_of(1)


def bare_rate(options: Options, prompt: str) -> float:
    """Tokens a second of the bare loop."""
    initialise()
    model = api.llama_model_load_from_file(
        str(options.model).encode(), api.llama_model_default_params()
    )
    context = api.llama_init_from_model(model, _context_parameters(options))
    vocabulary = api.llama_model_get_vocab(model)
    logits_size = api.llama_vocab_n_tokens(vocabulary)
    tokens = _tokens(vocabulary, prompt)
    for start in range(0, len(tokens), BATCH_TOKENS):
        _decode(context, tokens[start : start + BATCH_TOKENS])
    token = _most_likely(context, logits_size)
    started_at = time.monotonic()
    for _ in range(options.answer_tokens - 1):
        _decode(context, [token])
        token = _most_likely(context, logits_size)
    duration_s = time.monotonic() - started_at
    api.llama_free(context)
    api.llama_model_free(model)
    return (options.answer_tokens - 1) / duration_s


def _context_parameters(options: Options) -> Any:
    parameters = api.llama_context_default_params()
    parameters.n_ctx = options.context_tokens
    parameters.n_batch = BATCH_TOKENS
    parameters.n_threads = parameters.n_threads_batch = options.threads
    return parameters


def _tokens(vocabulary: Any, text: str) -> list[int]:
    data = text.encode()
    buffer = (api.llama_token * len(data))()
    count = api.llama_tokenize(vocabulary, data, len(data), buffer, len(buffer), False, False)
    return list(buffer[:count])


def _decode(context: Any, tokens: list[int]) -> None:
    array = (api.llama_token * len(tokens))(*tokens)
    status = api.llama_decode(context, api.llama_batch_get_one(array, len(tokens)))
    assert status == 0, f"llama_decode returned {status}"


def _most_likely(context: Any, size: int) -> int:
    row = api.llama_get_logits_ith(context, -1)
    return int(np.argmax(np.ctypeslib.as_array(row, shape=(size,))))


if __name__ == "__main__":
    main()
