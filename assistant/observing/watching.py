"""A turn's events on their way to whoever asked, seen by metrics and traces as well."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from assistant.events import Event, TurnFailed
from assistant.problems import describe

if TYPE_CHECKING:
    from assistant.observing.metrics import Metrics
    from assistant.observing.traces import Traces


class TurnObserver(Protocol):
    """Sees one turn. Quick and without failures: the turn waits for it."""

    def observe(self, event: Event) -> None:
        """The next event, as it passes; what comes behind the turn's end is no part of it."""
        ...

    def close(self) -> None:
        """The turn is over; called once, also for one that nobody heard the end of."""
        ...


@dataclass(frozen=True, slots=True)
class Watch:
    """Who observes the turns of a server."""

    metrics: Metrics
    traces: Traces | None = None

    def turn(
        self,
        events: AsyncGenerator[Event],
        front: str,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncGenerator[Event]:
        """`events` of a turn for `front`, observed; `headers` may place it in a caller's trace."""

        def open_observers() -> list[TurnObserver]:
            observers: list[TurnObserver] = [self.metrics.turn(front)]
            if self.traces is not None:
                observers.append(self.traces.turn(front, headers))
            return observers

        return observed(events, open_observers)


async def observed(
    events: AsyncGenerator[Event], open_observers: Callable[[], Sequence[TurnObserver]]
) -> AsyncGenerator[Event]:
    """`events`, each shown to the observers first. Closing it closes `events` and then them.

    The observers are opened when the first event is asked for: a turn that is cancelled before it
    begins leaves none of them waiting. An error of `events` is a failed turn to them.
    """
    observers = open_observers()
    try:
        async with aclosing(events):
            async for event in events:
                for observer in observers:
                    observer.observe(event)
                yield event
    except Exception as error:
        problem = describe(error)
        for observer in observers:
            observer.observe(TurnFailed("", problem.code, problem.message, problem.hint))
        raise
    finally:
        for observer in observers:
            observer.close()
