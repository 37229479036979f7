"""`BatchEngine`: the engine core on a thread of its own, with asyncio in front.

The owner thread makes every call that touches the model's context, loading it included. Between
two steps it carries out commands (a new request, a cancel): requests join and leave at any time.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import threading
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any

from assistant.engine.backend import Backend
from assistant.engine.core import EngineCore
from assistant.engine.errors import ContextOverflow, EngineClosed, EngineError, RequestRefused
from assistant.engine.interface import (
    EngineStatus,
    Finished,
    GenerateRequest,
    ModelInfo,
    Segment,
    TextDelta,
    Usage,
)
from assistant.engine.sampling import check
from assistant.engine.scheduler import Limits
from assistant.engine.sequence import Event, Warmed
from assistant.engine.sequence import Sequence as TokenSequence
from assistant.engine.snapshots import Snapshots

_log = logging.getLogger(__name__)

# While others stream, a step takes at most this part of the prompt tokens that it could, and fewer
# where it would take longer than this: streams wait for it.
_STREAMING_SHARE = 4
_STREAMING_STEP_S = 0.5
_MAX_UNREAD_EVENTS = 64
_IDLE_S = 0.05


class BatchEngine:
    """An `Engine` that runs many requests at once and shares what they have in common.

    `open_backend` is called on the owner thread, and its errors are raised here. OpenMP keeps
    workers for each thread that ever computed; with more of them than processors they no longer
    spin but sleep at each of the hundreds of barriers in a token, which takes half as long again.
    `snapshots` keep warmed prefixes for other processes.
    """

    _backend: Backend
    _core: EngineCore

    def __init__(
        self,
        open_backend: Callable[[], Backend],
        *,
        limits: Limits | None = None,
        snapshots: Snapshots | None = None,
        speculates: bool = False,
    ) -> None:
        self._snapshots = snapshots
        self._commands: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._is_closed = False
        # Held while the vocabulary is in use: closing must not free it under a tokenizing thread.
        self._vocabulary_in_use = threading.Lock()
        self._saving: set[asyncio.Task[None]] = set()
        opened: Future[None] = Future()
        self._owner = threading.Thread(
            target=self._own,
            args=(open_backend, limits, speculates, opened),
            name="engine",
            daemon=True,
        )
        self._owner.start()
        opened.result()

    @property
    def info(self) -> ModelInfo:
        """The loaded model."""
        return self._backend.info

    def status(self) -> EngineStatus:
        """See `Engine.status`."""
        return self._core.status()

    def count_tokens(self, prompt: Sequence[Segment]) -> int:
        """The number of tokens that `prompt` takes in the context."""
        return len(self._tokenize(prompt))

    def grammar_of(self, schema: Mapping[str, Any]) -> str:
        """GBNF for the JSON texts that fit `schema`. Raises InvalidGrammar."""
        return self._backend.grammar_of(schema)

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[TextDelta | Finished]:
        """See `Engine.generate`."""
        tokens = await asyncio.to_thread(self._tokenize, request.prompt)
        stream = _Stream(self._wake)
        sequence = TokenSequence(request, tokens, self._room(request, len(tokens)), stream)
        self._commands.put(partial(self._admit, sequence))
        try:
            while True:
                event = await stream.get()
                assert not isinstance(event, Warmed)
                yield event
                if isinstance(event, Finished):
                    return
        finally:
            self._commands.put(partial(self._core.cancel, sequence))

    async def warm(self, prompt: Sequence[Segment]) -> Usage:
        """See `Engine.warm`."""
        request = GenerateRequest(prompt, max_tokens=1)
        tokens = await asyncio.to_thread(self._tokenize, prompt)
        self._room(request, len(tokens))
        state = await asyncio.to_thread(self._load_snapshot, tokens)
        stream = _Stream(self._wake)
        sequence = TokenSequence(request, tokens, 0, stream, is_warming=True)
        self._commands.put(partial(self._admit, sequence, state))
        try:
            event = await stream.get()
        finally:
            self._commands.put(partial(self._core.cancel, sequence))
        assert isinstance(event, Warmed)
        if event.state is not None:
            self._keep_snapshot(tokens, event.state)
        return event.usage

    async def aclose(self) -> None:
        """See `Engine.aclose`."""
        self._is_closed = True
        self._commands.put(None)
        await asyncio.to_thread(self._owner.join)
        if self._saving:
            await asyncio.wait(self._saving)

    def _tokenize(self, prompt: Sequence[Segment]) -> list[int]:
        with self._vocabulary_in_use:
            if self._is_closed:
                raise EngineClosed("the engine is closed")
            return self._backend.tokenize(prompt)

    def _room(self, request: GenerateRequest, num_prompt: int) -> int:
        """The most tokens that `request` may generate. Raises RequestRefused."""
        if num_prompt == 0:
            raise RequestRefused("the prompt is empty")
        if request.max_tokens < 1:
            raise RequestRefused(f"max_tokens is {request.max_tokens}; it must be at least 1")
        if not all(request.stop):
            raise RequestRefused("an empty stop string would end every answer", "leave it out")
        check(request.sampling)
        if num_prompt >= self.info.context_tokens:
            raise ContextOverflow(num_prompt, self.info.context_tokens)
        return min(request.max_tokens, self.info.context_tokens - num_prompt)

    def _load_snapshot(self, tokens: list[int]) -> bytes | None:
        if self._snapshots is None:
            return None
        return self._snapshots.load(self._backend.state_format, tokens)

    def _keep_snapshot(self, tokens: list[int], state: bytes) -> None:
        """Write a snapshot behind the scenes; closing waits for it."""
        if self._snapshots is None:
            return
        keep = partial(self._snapshots.keep, self._backend.state_format, tokens, state)
        saving = asyncio.create_task(asyncio.to_thread(keep))
        self._saving.add(saving)
        saving.add_done_callback(self._saving.discard)

    def _wake(self) -> None:
        self._commands.put(_do_nothing)

    def _own(
        self,
        open_backend: Callable[[], Backend],
        limits: Limits | None,
        speculates: bool,
        opened: Future[None],
    ) -> None:
        """The owner thread: open the model, serve, and close it."""
        try:
            self._backend = open_backend()
        except BaseException as error:  # noqa: BLE001 - it is raised where the engine is opened
            opened.set_exception(error)
            return
        step_tokens = self._backend.max_step_tokens
        limits = limits or Limits(step_tokens, step_tokens // _STREAMING_SHARE, _STREAMING_STEP_S)
        self._core = EngineCore(self._backend, limits, speculates=speculates)
        opened.set_result(None)
        self._serve()
        self._core.fail_all(EngineClosed("the engine was closed before the answer was complete"))
        self._core.close()
        with self._vocabulary_in_use:
            self._backend.close()

    def _serve(self) -> None:
        """Make steps, and between them what was asked for, until the engine is closed."""
        idle_s = _IDLE_S
        while self._carry_out_commands(idle_s):
            idle_s = 0.0 if self._make_step() else self._idle_s()

    def _make_step(self) -> bool:
        try:
            return self._core.step()
        except Exception as error:  # noqa: BLE001 - the loop must outlive any one step
            self._core.fail_running(_unforeseen(error))
            return True

    def _admit(self, sequence: TokenSequence, state: bytes | None = None) -> None:
        try:
            self._core.admit(sequence, state)
        except Exception as error:  # noqa: BLE001 - the loop must outlive any one request
            self._core.fail(sequence, _unforeseen(error))

    def _idle_s(self) -> float:
        """How long to wait for a command when there was nothing to compute."""
        if self._core.can_run:
            return _IDLE_S
        left_s = self._core.next_deadline_at - time.monotonic()
        return min(max(left_s, _IDLE_S), threading.TIMEOUT_MAX)

    def _carry_out_commands(self, idle_s: float) -> bool:
        """Do what was asked for since the last step, and wait for a command up to `idle_s`.

        False when the engine is to be closed.
        """
        with contextlib.suppress(queue.Empty):
            command = self._commands.get(timeout=idle_s) if idle_s else self._commands.get_nowait()
            while command is not None:
                command()
                command = self._commands.get_nowait()
            return False
        return True


class _Stream:
    """What a request generates, on its way from the owner thread to its consumer's loop."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[Event] = asyncio.Queue()
        # Each is written by one thread only.
        self._num_put = self._num_read = 0
        self._was_stalled = False

    def put(self, event: Event) -> None:
        """See `Reader.put`."""
        self._num_put += 1
        # The loop may be closed between any question and the call.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._queue.put_nowait, event)

    def is_stalled(self) -> bool:
        """See `Reader.is_stalled`: from a full buffer on, until half of it was read."""
        limit = _MAX_UNREAD_EVENTS // 2 if self._was_stalled else _MAX_UNREAD_EVENTS
        self._was_stalled = self._num_put - self._num_read >= limit
        return self._was_stalled

    def is_gone(self) -> bool:
        """See `Reader.is_gone`."""
        return self._loop.is_closed()

    async def get(self) -> TextDelta | Finished | Warmed:
        """The next event. Raises the error that came instead."""
        event = await self._queue.get()
        self._num_read += 1
        if self._was_stalled:
            self._wake()
        if isinstance(event, EngineError):
            raise event
        return event


def _unforeseen(error: Exception) -> EngineError:
    _log.error("the engine failed", exc_info=error)
    return EngineError(f"the engine failed: {error}", "see the log for the traceback")


def _do_nothing() -> None:
    """A command that only ends the wait for one."""
