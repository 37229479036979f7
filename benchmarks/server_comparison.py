"""Users at once behind one system prefix: midwatch against llama.cpp's own server.

    python benchmarks/server_comparison.py --server-python DIR/bin/python [--model NAME] [--json]

where DIR is a virtual environment with `pip install xllamacpp` (no dependency of midwatch). The
work: 8 users ask at the same moment, each a question of 40 tokens behind the same 700 tokens, and
read 64 tokens greedily; then 4 and 8 users when every slot of the server, and midwatch's cache, has
seen those 700 tokens. Same file, threads and context a request on both sides; the server has one
slot for each user and otherwise its defaults. Both are measured by their client: the server's over
HTTP, midwatch's in the process of the engine.

"Not yet seen by the slots" has two readings, and both are rows: midwatch has pinned the prefix
beforehand, as it does when it starts; and neither side has ever seen it. Each run takes a prefix of
its own. A server that crashes costs its pair of runs, and the row says so.

The wheel is built for many processors, and llama-cpp-python for this one; compare the rates of one
user before you compare anything else.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Literal

from comparing import Options, Row, in_own_process, progress, run_driver
from llama_server import ServerCrashed, running_server

from assistant.benchmark.answers import Answer, LoadFigures, load_figures, read_answer
from assistant.benchmark.opening import open_engine
from assistant.benchmark.workload import Workload, prefix_of, question_of
from assistant.engine.interface import Engine

State = Literal["pinned", "unseen", "warm"]
Pairs = list[tuple[LoadFigures, LoadFigures]]
WARM_USERS = (4, 8)
AGAINST = "llama.cpp server"


def main() -> None:
    """Measure and print the rows."""
    run_driver(__doc__, rows)


def rows(options: Options) -> list[Row]:
    """The rows of this comparison."""
    if options.server_python is None:
        progress("no --server-python: nothing to compare with llama.cpp's server")
        return [Row(f"{options.users} users at once", AGAINST, "tokens/s", [], 4.0)]
    return [
        *single_rows(options),
        *cold_rows(options),
        *(row for users in WARM_USERS for row in warm_rows(options, users)),
    ]


def single_rows(options: Options) -> list[Row]:
    """One user, the prefix warm: what the two builds differ by."""
    pairs, note = paired(options, 1, "warm", "warm")
    rates = [(1 / ours.gap_median_s, 1 / theirs.gap_median_s) for ours, theirs in pairs]
    return [Row("one user, decode rate", AGAINST, "tokens/s", rates, note=note)]


def cold_rows(options: Options) -> list[Row]:
    """The users of a prefix that the slots have not seen, in both readings."""
    users, found = options.users, []
    readings: tuple[tuple[State, str], ...] = (
        ("pinned", "prefix pinned by midwatch"),
        ("unseen", "prefix never seen by either"),
    )
    for state, reading in readings:
        pairs, note = paired(options, users, state, "unseen")
        work = f"{users} users, {reading}"
        found += [
            Row(f"{work}: together", AGAINST, "tokens/s", rates(pairs), 4.0, note=note),
            Row(f"{work}: slowest first token", AGAINST, "s", waits(pairs), 1 / 15, True, note),
        ]
    return found


def warm_rows(options: Options, users: int) -> list[Row]:
    """The users of a prefix that every slot has seen."""
    pairs, note = paired(options, users, "warm", "warm")
    work = f"{users} users, all slots warm: together"
    return [Row(work, AGAINST, "tokens/s", rates(pairs), 1.3, note=note)]


def rates(pairs: Pairs) -> list[tuple[float, float]]:
    """Tokens a second of all users together."""
    return [(ours.tokens_per_s, theirs.tokens_per_s) for ours, theirs in pairs]


def waits(pairs: Pairs) -> list[tuple[float, float]]:
    """Seconds until the last user had a first token."""
    return [(ours.ttft_slowest_s, theirs.ttft_slowest_s) for ours, theirs in pairs]


def paired(options: Options, users: int, our_state: State, their_state: State) -> tuple[Pairs, str]:
    """The runs that both sides finished, and a note on those that the server did not."""
    pairs, crashes = [], []
    for run in range(options.runs):
        progress(f"users: {users}, midwatch {our_state}, server {their_state}: run {run + 1}")
        ours = in_own_process(our_load, options, users, our_state, seed=run)
        try:
            pairs.append((ours, asyncio.run(server_load(options, users, their_state, seed=run))))
        except ServerCrashed as crash:
            progress(f"the server crashed: {crash}")
            crashes.append(crash)
    note = f"(the server crashed in {len(crashes)} of {options.runs} runs)" if crashes else ""
    return pairs, note


def our_load(options: Options, users: int, state: State, seed: int) -> LoadFigures:
    """What midwatch gives `users` at once; runs in a process of its own."""
    return asyncio.run(_our_load(options, users, state, seed))


async def _our_load(options: Options, users: int, state: State, seed: int) -> LoadFigures:
    with tempfile.TemporaryDirectory() as scratch:
        async with open_engine(options.settings(Path(scratch))) as engine:
            prefix = prefix_of(options.prompt_tokens, seed, engine.count_tokens)
            workload = Workload(prefix, options.answer_tokens)
            if state != "unseen":
                await engine.warm(workload.prefix_prompt())
            if state == "warm":
                await _ask_engine(engine, workload, warming_questions(users))
            return load_figures(await _ask_engine(engine, workload, questions(users)))


async def _ask_engine(engine: Engine, workload: Workload, asked: list[str]) -> list[Answer]:
    requests = [workload.request(question) for question in asked]
    return await asyncio.gather(*(read_answer(engine, request) for request in requests))


async def server_load(options: Options, users: int, state: State, seed: int) -> LoadFigures:
    """What a fresh server gives `users` at once. Raises ServerCrashed."""
    async with running_server(options, slots=users) as server:
        prefix = prefix_of(options.prompt_tokens, seed, server.count_tokens)
        if state == "warm":
            for slot, question in enumerate(warming_questions(users)):
                await server.ask(prefix + question, 1, slot)
        answers = await server.ask_all(
            [prefix + question for question in questions(users)],
            options.answer_tokens,
            is_slot_bound=state == "warm",
        )
        return load_figures(answers)


def questions(users: int) -> list[str]:
    """The questions that are measured."""
    return [question_of(100 + user) for user in range(users)]


def warming_questions(users: int) -> list[str]:
    """Others, asked before."""
    return [question_of(200 + user) for user in range(users)]


if __name__ == "__main__":
    main()
