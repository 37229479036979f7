"""`ModelOnDemand`: a model that is loaded when it is first wanted, and once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, Protocol, TypeVar


class _Closable(Protocol):
    async def aclose(self) -> None: ...


ModelT = TypeVar("ModelT", bound=_Closable)


class ModelOnDemand(Generic[ModelT]):
    """What `load` opens, closed by `aclose`. Belongs to one event loop."""

    def __init__(self, load: Callable[[], Coroutine[Any, Any, ModelT]]) -> None:
        self._load = load
        self._loading: asyncio.Task[ModelT] | None = None

    def begin(self) -> asyncio.Task[ModelT]:
        """The loading, begun now unless it was before."""
        if self._loading is None:
            self._loading = asyncio.create_task(self._load())
        return self._loading

    @property
    def loaded(self) -> ModelT | None:
        """The model, where it is loaded already."""
        done = self._loading
        is_there = done is not None and done.done() and not done.cancelled()
        return done.result() if done is not None and is_there and not done.exception() else None

    async def get(self) -> ModelT:
        """The model, once it is loaded. Raises what loading failed with, each time."""
        # Whoever is cancelled must not cancel the loading that the next one waits for.
        return await asyncio.shield(self.begin())

    async def aclose(self) -> None:
        """End the loading, or close the model."""
        if self._loading is None:
            return
        self._loading.cancel()
        await asyncio.wait([self._loading])
        # What loading failed with was told to whoever waited for the model.
        if not self._loading.cancelled() and self._loading.exception() is None:
            await self._loading.result().aclose()


class LentModel(Generic[ModelT]):
    """A `ModelOnDemand` that somebody else owns: closing it here leaves it open for the others."""

    def __init__(self, model: ModelOnDemand[ModelT]) -> None:
        self._model = model

    def begin(self) -> asyncio.Task[ModelT]:
        """See `ModelOnDemand.begin`."""
        return self._model.begin()

    @property
    def loaded(self) -> ModelT | None:
        """See `ModelOnDemand.loaded`."""
        return self._model.loaded

    async def get(self) -> ModelT:
        """See `ModelOnDemand.get`."""
        return await self._model.get()

    async def aclose(self) -> None:
        """Nothing: the owner closes it."""
