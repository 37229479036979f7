"""The same chats on midwatch and on LangChain's `ChatLlamaCpp`.

    python benchmarks/chat_llama_cpp.py [--model NAME] [--users 8] [--json]

The work: as many questions as there are users behind one system message of 700 tokens, the model's
own chat template, 64 tokens each at most, greedy; first one after another, then all at once.
`ChatLlamaCpp` holds one model that one thread may use at a time, so those who ask at once wait for
a lock; it keeps the last prompt's cache and computes what differs. It gets the same context and
threads, and batches of 512 tokens instead of its default of 8. Answers may end early: the rates
count the tokens that came.
"""

from __future__ import annotations

import asyncio
import tempfile
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comparing import Options, Row, in_own_process, progress, run_driver
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage

from assistant.benchmark.answers import Answer, LoadFigures, load_figures, read_answer
from assistant.benchmark.opening import open_engine
from assistant.benchmark.workload import prefix_of
from assistant.chat.local import LocalChatModel
from assistant.engine.interface import GenerateRequest

AGAINST = "ChatLlamaCpp"
BATCH_TOKENS = 512


@dataclass(frozen=True, slots=True)
class Figures:
    """One side: its questions one after another, and all at once."""

    serial: LoadFigures
    together: LoadFigures


def main() -> None:
    """Measure and print the rows."""
    run_driver(__doc__, rows)


def rows(options: Options) -> list[Row]:
    """The rows of this comparison."""
    pairs = []
    for run in range(options.runs):
        progress(f"ChatLlamaCpp: run {run + 1}")
        ours, prefix = in_own_process(our_figures, options)
        pairs.append((ours, in_own_process(their_figures, options, prefix)))
    return [
        row
        for name, label in (("serial", "one after another"), ("together", "at once"))
        for row in _rows(label, options.users, [_sides(pair, name) for pair in pairs])
    ]


def _sides(pair: tuple[Figures, Figures], name: str) -> tuple[LoadFigures, LoadFigures]:
    ours, theirs = (getattr(side, name) for side in pair)
    return ours, theirs


def _rows(label: str, users: int, pairs: list[tuple[LoadFigures, LoadFigures]]) -> list[Row]:
    rates = [(ours.tokens_per_s, theirs.tokens_per_s) for ours, theirs in pairs]
    waits = [(ours.ttft_slowest_s, theirs.ttft_slowest_s) for ours, theirs in pairs]
    work = f"{users} chats {label}"
    return [
        Row(f"{work}: together", AGAINST, "tokens/s", rates),
        Row(f"{work}: slowest first token", AGAINST, "s", waits, is_less_better=True),
    ]


def chats(prefix: str, options: Options, start: int) -> list[list[BaseMessage]]:
    """The conversations; none with the same `start` and user is like another."""
    return [
        [
            SystemMessage(prefix),
            HumanMessage(f"Count from {start + 100 * user} upwards in words, and do not stop."),
        ]
        for user in range(options.users)
    ]


def our_figures(options: Options) -> tuple[Figures, str]:
    """Midwatch's side, and the system message that it had."""
    return asyncio.run(_our_figures(options))


async def _our_figures(options: Options) -> tuple[Figures, str]:
    with tempfile.TemporaryDirectory() as scratch:
        async with open_engine(options.settings(Path(scratch))) as engine:
            prefix = prefix_of(options.prompt_tokens, 1, engine.count_tokens)
            model = LocalChatModel(engine=engine)

            async def answer(messages: list[BaseMessage]) -> Answer:
                request = GenerateRequest(model.prompt(messages), options.answer_tokens)
                return await read_answer(engine, request)

            serial = [await answer(messages) for messages in chats(prefix, options, 1000)]
            together = await asyncio.gather(*map(answer, chats(prefix, options, 5000)))
    return Figures(load_figures(serial), load_figures(together)), prefix


def their_figures(options: Options, prefix: str) -> Figures:
    """`ChatLlamaCpp`'s side."""
    model = _chat_llama_cpp(options)
    lock = threading.Lock()

    def answer(messages: list[BaseMessage]) -> Answer:
        return _stream(model, messages, lock)

    serial = [answer(messages) for messages in chats(prefix, options, 1000)]
    with ThreadPoolExecutor(options.users) as pool:
        together = list(pool.map(answer, chats(prefix, options, 5000)))
    return Figures(load_figures(serial), load_figures(together))


def _chat_llama_cpp(options: Options) -> Any:
    with warnings.catch_warnings():
        # It announces its own sunset.
        warnings.simplefilter("ignore", DeprecationWarning)
        from langchain_community.chat_models import ChatLlamaCpp

        return ChatLlamaCpp(
            model_path=str(options.model),
            n_ctx=options.context_tokens,
            n_threads=options.threads,
            n_batch=BATCH_TOKENS,
            max_tokens=options.answer_tokens,
            temperature=0.0,
            verbose=False,
        )


def _stream(model: Any, messages: list[BaseMessage], lock: threading.Lock) -> Answer:
    asked_at, arrived_at = time.monotonic(), []
    with lock:
        for chunk in model.stream(messages):
            if chunk.content:
                arrived_at.append(time.monotonic())
    # One chunk is one token.
    return Answer(asked_at, tuple(arrived_at), len(arrived_at))


if __name__ == "__main__":
    main()
