"""`Aftermath`: what a service's log says after an act, against what it said before.

Three readings are compared: before the act, when the service had settled, and after it was watched
for a while. What is logged in between the first two may be the noise of stopping and starting; what
comes later is the service at work.
"""

from __future__ import annotations

from dataclasses import dataclass

from tools.services.excerpt import Excerpt, Kind, error_kinds, num_lines


@dataclass(frozen=True, slots=True)
class Aftermath:
    """The log `before` the act, when the service was `settled`, and at the end."""

    before: Excerpt
    settled: Excerpt
    end: Excerpt

    @property
    def trouble(self) -> str:
        """Why it cannot be told; empty when it can."""
        return self.before.trouble or self.settled.trouble or self.end.trouble

    @property
    def new_lines(self) -> tuple[str, ...]:
        """All lines since the act."""
        return (*self.settled.since(self.before), *self.end.since(self.settled))

    @property
    def new_errors(self) -> dict[str, Kind]:
        """The error lines since the act, by their template."""
        return error_kinds(self.new_lines)

    def speaks_against(self, *, has_health: bool) -> bool:
        """Whether the errors since say that the act did not help.

        Those that go on as before do. Without a health check that knows better, so does any error
        of the running service, and an old one that comes back while it starts.
        """
        known = error_kinds(self.before.lines).keys()
        running = error_kinds(self.end.since(self.settled)).keys()
        if has_health:
            return bool(known & running)
        return bool(running or known & self.new_errors.keys())

    def in_words(self) -> str:
        """How many errors there are, before and after."""
        if self.trouble:
            return f"its log could not be compared: {self.trouble}"
        new = self.new_lines
        count = sum(kind.count for kind in self.new_errors.values())
        since = f"{count} of {num_lines(new)} since are errors" if new else "it has logged nothing"
        return f"{since}; before, {told_errors(self.before)}"


def told_errors(excerpt: Excerpt) -> str:
    """`2 of 30 lines were errors`."""
    count = sum(kind.count for kind in error_kinds(excerpt.lines).values())
    return (
        f"{count} of {num_lines(excerpt.lines)} were errors"
        if excerpt.lines
        else "its log was empty"
    )
