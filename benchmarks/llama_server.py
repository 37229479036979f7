"""Driving llama.cpp's own server: starting it, asking it, and surviving its crashes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from comparing import Options

from assistant.benchmark.answers import Answer
from assistant.engine.interface import Segment

PROGRAM = Path(__file__).with_name("xllamacpp_server.py")
LOADING_TIMEOUT_S = 120.0
ANSWER_TIMEOUT_S = 600.0
# Whoever hangs up in the middle of an answer is about to end.
EXIT_TIMEOUT_S = 5.0
LAST_WORDS_CHARS = 400


class ServerCrashed(Exception):
    """The server's process ended, or stopped answering, before the work was done."""


class LlamaServer:
    """A running server, seen from its client."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    def count_tokens(self, prompt: Sequence[Segment]) -> int:
        """The number of tokens of `prompt`; waits for the server, so not while times are taken."""
        text = "".join(segment.text for segment in prompt)
        reply = httpx.post(
            self._client.base_url.join("/tokenize"), json={"content": text}, trust_env=False
        )
        return len(reply.json()["tokens"])

    async def ask(self, prompt: str, num_tokens: int, slot: int | None = None) -> Answer:
        """The answer of exactly `num_tokens`, read as it streams, from any slot or from one."""
        body = {
            "prompt": prompt,
            "n_predict": num_tokens,
            "temperature": 0.0,
            "ignore_eos": True,
            "cache_prompt": True,
            "stream": True,
            **({} if slot is None else {"id_slot": slot}),
        }
        asked_at, arrived_at, predicted, pieces = time.monotonic(), [], 0, []
        async with self._client.stream("POST", "/completion", json=body) as reply:
            reply.raise_for_status()
            async for line in reply.aiter_lines():
                if not line.startswith("data: "):
                    continue
                event = json.loads(line.removeprefix("data: "))
                if event.get("content"):
                    arrived_at.append(time.monotonic())
                    pieces.append(event["content"])
                predicted = event.get("tokens_predicted", predicted)
        if not arrived_at:
            raise ServerCrashed("the server ended an answer before its first token")
        return Answer(asked_at, tuple(arrived_at), predicted, "".join(pieces))

    async def ask_all(
        self, prompts: Sequence[str], num_tokens: int, *, is_slot_bound: bool = False
    ) -> list[Answer]:
        """The answers to prompts sent at the same moment, the nth from slot n if need be."""
        slots = range(len(prompts)) if is_slot_bound else [None] * len(prompts)
        asked = (
            self.ask(prompt, num_tokens, slot) for prompt, slot in zip(prompts, slots, strict=True)
        )
        return await asyncio.gather(*asked)


@asynccontextmanager
async def running_server(options: Options, slots: int) -> AsyncIterator[LlamaServer]:
    """A fresh server with `slots` slots. Raises ServerCrashed, with its last words."""
    task = {
        "model": str(options.model),
        "slots": slots,
        "slot_context_tokens": options.context_tokens,
        "threads": options.threads,
    }
    with tempfile.TemporaryFile() as errors:
        process = await asyncio.create_subprocess_exec(
            str(options.server_python),
            str(PROGRAM),
            json.dumps(task),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
        )
        try:
            ready = await _first_line(process)
            # The server closes idle connections, which a client that keeps them takes for a crash.
            limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
            async with httpx.AsyncClient(
                base_url=ready["address"], timeout=ANSWER_TIMEOUT_S, limits=limits, trust_env=False
            ) as client:
                yield LlamaServer(client)
        except (httpx.HTTPError, ServerCrashed, TimeoutError, ValueError) as error:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), EXIT_TIMEOUT_S)
            errors.seek(0)
            last = errors.read().decode(errors="replace").strip()[-LAST_WORDS_CHARS:]
            raise ServerCrashed(
                f"{error!r}; exit status {process.returncode}; last words: {last}"
            ) from error
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def _first_line(process: asyncio.subprocess.Process) -> dict[str, str]:
    assert process.stdout is not None
    async with asyncio.timeout(LOADING_TIMEOUT_S):
        line: dict[str, str] = json.loads(await process.stdout.readline())
    return line
