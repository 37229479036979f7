"""A command's arguments, told apart: flags, long options with values, and the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tools.code.shell.words import Word


@dataclass(frozen=True, slots=True)
class Options:
    """`flags` are single letters; `long` maps `--name` to its value, empty where it has none."""

    flags: frozenset[str]
    long: Mapping[str, str]
    rest: tuple[Word, ...]
    values: Mapping[str, Word]

    def has(self, *names: str) -> bool:
        """Whether any of these (`r`, `--recursive`) is given."""
        return any(name in self.flags or name in self.long for name in names)

    def word(self, *names: str) -> Word | None:
        """The value of the first of these that has one."""
        return next((self.values[name] for name in names if name in self.values), None)

    @property
    def rest_values(self) -> tuple[str, ...]:
        """What is no option, without its quotes."""
        return tuple(word.value for word in self.rest)


def read_options(words: Sequence[Word], with_value: Sequence[str] = ()) -> Options:
    """The arguments told apart; the options `with_value` (`n`, `--namespace`) take the next word.

    Options count wherever they stand before `--`, as GNU programs and the cluster tools have it.
    """
    flags: set[str] = set()
    long: dict[str, str] = {}
    values: dict[str, Word] = {}
    rest: list[Word] = []
    queue = list(words)
    while queue:
        word = queue.pop(0)
        if word.value == "--":
            rest.extend(queue)
            break
        if word.value.startswith("--"):
            name, has_equals, value = word.value.partition("=")
            long[name] = value
            if has_equals:
                values[name] = word
            elif name in with_value and queue:
                values[name] = queue[0]
                long[name] = queue.pop(0).value
        elif word.value.startswith("-") and len(word.value) > 1:
            taking = next((letter for letter in word.value[1:] if letter in with_value), None)
            letters = word.value[1:]
            if taking is not None:
                letters, _, attached = letters.partition(taking)
                letters += taking
                if attached:
                    values[taking] = word
                elif queue:
                    values[taking] = queue.pop(0)
            flags.update(letters)
        else:
            rest.append(word)
    return Options(frozenset(flags), long, tuple(rest), values)
