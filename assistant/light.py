"""`LightWork`: what a small second model does for the sessions, off the way of the answers.

Both models compute on the same processors, and an answer comes first: light work begins when no
turn runs, a moment after the last one. Whatever goes wrong with it is logged, and all stays as it
is without a light model.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from assistant.loading import ModelOnDemand
from assistant.problems import describe
from assistant.sessions import SessionStore, StoredTurn
from assistant.settings import Settings

if TYPE_CHECKING:
    from assistant.chat.local import LocalChatModel

# A process that answers one question ends now, and should not load a model before; one that works
# through a list of them has the next.
SETTLE_S = 1.0
TITLE_DEADLINE_S = 20.0

_log = logging.getLogger(__name__)

LightLoader = Callable[[Settings], Coroutine[Any, Any, "LocalChatModel"]]
"""Opens the light model that the settings name."""


class LightWork:
    """Titles for sessions, one at a time. Belongs to one event loop."""

    def __init__(self, settings: Settings, load: LightLoader, store: SessionStore) -> None:
        self._model = ModelOnDemand(partial(load, settings))
        self._store = store
        self._num_turns = 0
        self._is_quiet = asyncio.Event()
        self._is_quiet.set()
        self._one_at_a_time = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    @contextmanager
    def held_back(self) -> Iterator[None]:
        """Begin nothing meanwhile: a turn is computing."""
        self._num_turns += 1
        self._is_quiet.clear()
        try:
            yield
        finally:
            self._num_turns -= 1
            if self._num_turns == 0:
                self._is_quiet.set()

    def begin_title(self, session: str, first: StoredTurn) -> None:
        """Give the session a title behind the scenes; `first` is its first turn."""
        task = asyncio.create_task(self._set_title(session, first))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        """Drop what is not done, and free the model."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._model.aclose()

    async def _set_title(self, session: str, first: StoredTurn) -> None:
        try:
            async with self._one_at_a_time:
                title = await self._written(first)
            if title is None:
                _log.info("the light model found no fit title for session %s", session)
            else:
                await self._store.rename(session, title)
        except Exception as error:  # noqa: BLE001 - the edge: no title is no trouble of the person
            problem = describe(error)
            is_unforeseen = problem.code == "internal"
            message = "no title for session %s: %s"
            _log.warning(message, session, problem.message, exc_info=is_unforeseen)

    async def _written(self, first: StoredTurn) -> str | None:
        await self._quiet()
        model = await self._model.get()
        from assistant.agent.title import write_title

        # Loading took a while.
        await self._quiet()
        return await write_title(model, first.question, first.answer, TITLE_DEADLINE_S)

    async def _quiet(self) -> None:
        """Return a moment after a turn, when no other has begun meanwhile."""
        while True:
            await self._is_quiet.wait()
            await asyncio.sleep(SETTLE_S)
            if self._num_turns == 0:
                return
