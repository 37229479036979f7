from __future__ import annotations

import asyncio

import pytest

from assistant.loading import ModelOnDemand


class Model:
    """A model that knows whether it was closed."""

    def __init__(self) -> None:
        self.is_closed = False

    async def aclose(self) -> None:
        self.is_closed = True


class Loader:
    """Opens models, and waits before it does until it may."""

    def __init__(self) -> None:
        self.may_load = asyncio.Event()
        self.opened: list[Model] = []

    async def load(self) -> Model:
        await self.may_load.wait()
        self.opened.append(Model())
        return self.opened[-1]


async def test_model_is_loaded_once_for_all_and_closed() -> None:
    loader = Loader()
    loader.may_load.set()
    model = ModelOnDemand(loader.load)
    first, second = await asyncio.gather(model.get(), model.get())
    assert first is second is await model.get()
    assert not first.is_closed
    await model.aclose()
    assert loader.opened == [first]
    assert first.is_closed


async def test_whoever_stops_waiting_does_not_stop_the_loading() -> None:
    loader = Loader()
    model = ModelOnDemand(loader.load)
    impatient = asyncio.create_task(model.get())
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.wait([impatient])
    loader.may_load.set()
    assert [await model.get()] == loader.opened
    await model.aclose()


async def test_nothing_is_loaded_that_nobody_wanted() -> None:
    loader = Loader()
    loader.may_load.set()
    await ModelOnDemand(loader.load).aclose()
    assert loader.opened == []


async def test_closing_ends_the_loading() -> None:
    loader = Loader()
    model = ModelOnDemand(loader.load)
    model.begin()
    async with asyncio.timeout(5):
        await model.aclose()
    assert loader.opened == []


async def test_failed_loading_is_told_to_everybody_and_closes_quietly() -> None:
    async def load() -> Model:
        raise OSError("no file")

    model = ModelOnDemand(load)
    for _ in range(2):
        with pytest.raises(OSError, match="no file"):
            await model.get()
    await model.aclose()
