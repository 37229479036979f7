"""`Route`: what became of a turn's choice of a model, and how the answer says so."""

from __future__ import annotations

from dataclasses import dataclass, field

from assistant.agent.inert import inert_line
from assistant.routing.rules import Choice


@dataclass(slots=True)
class Route:
    """One turn's way to a model. `main` is the name of `[model]`'s, `hosts_beyond` those machines
    that are not this one."""

    choice: Choice
    main: str
    hosts_beyond: tuple[str, ...] = ()
    was_used: bool = False
    failure: str = ""
    """Why the chosen model was given up; empty while it is not."""
    sent_to: dict[str, None] = field(default_factory=dict)

    @property
    def is_on_main(self) -> bool:
        """Whether `[model]`'s model answers: it was chosen, or the chosen one was given up."""
        return self.choice.role != "named" or bool(self.failure)

    @property
    def model(self) -> str:
        """The model that answers."""
        return self.main if self.is_on_main else self.choice.name

    def fall_back(self, reason: str) -> None:
        """Give the chosen model up, for the rest of the turn."""
        self.failure = reason

    def note_sent(self, host: str) -> None:
        """The conversation went to `host`."""
        self.sent_to[host] = None

    def told(self) -> str:
        """What the answer says: which model, why not another, where text went to.

        Empty when there is nothing to say: no model was asked, or `[model]`'s on this machine.
        """
        if not self.was_used:
            return ""
        places = [host for host in self.sent_to if host in self.hosts_beyond]
        which = self._which()
        if not places:
            return f"*Model:* {which}." if which else ""
        sent = "Redacted text went to " + ", ".join(f"`{host}`" for host in places)
        return f"*Model:* {which or f'`{self.main}` answered'}. {sent}."

    def _which(self) -> str:
        choice = self.choice
        if self.failure:
            wanted = f"`{choice.name}` was chosen, because {choice.why}, but {self.failure}"
            return f"`{self.main}` answered: {inert_line(wanted)}"
        if choice.role == "named":
            return f"`{choice.name}` answered, because {choice.why}"
        return f"`{self.main}` answered: {choice.objection}" if choice.objection else ""
