"""Reading what an engine generates: by way of its stream, or as a reader of the core."""

from __future__ import annotations

from dataclasses import dataclass, field

from assistant.engine.batch import BatchEngine
from assistant.engine.interface import Finished, GenerateRequest, TextDelta
from assistant.engine.sequence import Event


async def run(engine: BatchEngine, wanted: GenerateRequest) -> tuple[str, Finished]:
    text = ""
    async for event in engine.generate(wanted):
        if isinstance(event, TextDelta):
            text += event.text
        else:
            return text, event
    raise AssertionError("a request ends in Finished")


@dataclass
class Reader:
    """Takes in what a request generates; `stops_reading` makes it one that stalls."""

    events: list[Event] = field(default_factory=list)
    stops_reading: bool = False
    gone: bool = False

    def put(self, event: Event) -> None:
        assert not self.ended, "something came after the last event"
        self.events.append(event)

    def is_stalled(self) -> bool:
        return self.stops_reading

    def is_gone(self) -> bool:
        return self.gone

    @property
    def ended(self) -> bool:
        return bool(self.events) and not isinstance(self.events[-1], TextDelta)

    @property
    def text(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, TextDelta))
