"""`Redactor`: text in, the same text without its secrets out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TypeAlias

from tools.redaction.addresses import find_in_addresses
from tools.redaction.assignments import find_assignments, is_secret_value
from tools.redaction.cards import find_cards
from tools.redaction.commands import find_in_commands
from tools.redaction.forms import find_forms, kind_of
from tools.redaction.headers import find_in_headers
from tools.redaction.kubernetes_secrets import find_kubernetes_secrets, find_yaml_blocks
from tools.redaction.personal import find_emails, find_ips
from tools.redaction.prefilter import may_hold_secret
from tools.redaction.private_keys import find_private_keys
from tools.redaction.secret import PLACEHOLDER, Secret, covered, merged, placeholder
from tools.redaction.styles import unstyled

JsonValue: TypeAlias = (
    "str | int | float | bool | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
)
Finder = Callable[[str], Iterable[Secret]]

_FINDERS: tuple[Finder, ...] = (
    find_private_keys,
    find_forms,
    find_in_addresses,
    find_in_headers,
    find_kubernetes_secrets,
    find_yaml_blocks,
    find_assignments,
    find_in_commands,
    find_cards,
)


class Redactor:
    """Replaces secrets by placeholders made under `key`; holds no secret, and is safe to share.

    `emails` and `addresses` (IP) are replaced too where asked for, and so is what a pattern of
    `extra` matches (its group 1, if it has one). The time taken is linear in the text's length, as
    far as the patterns of `extra` are.
    """

    def __init__(
        self,
        key: bytes,
        *,
        emails: bool = False,
        addresses: bool = False,
        extra: Sequence[re.Pattern[str]] = (),
    ) -> None:
        self._key = key
        self._extra = tuple(extra)
        chosen = ((find_emails, emails), (find_ips, addresses))
        self._personal: tuple[Finder, ...] = tuple(finder for finder, is_on in chosen if is_on)
        self._is_always_due = bool(self._extra or self._personal)

    def redact(self, text: str) -> str:
        """`text` without its secrets; itself where there is none. A second time changes nothing."""
        if not self._is_always_due and not may_hold_secret(text):
            return text
        found = list(self._find(text))
        return _replaced(text, found) if found else text

    def redact_lines(self, lines: Sequence[str]) -> list[str]:
        """The lines of one source, in order: as many as before, also where a secret has several.

        Each line that a secret touches has the placeholder, so that every line is whole by itself.
        """
        text = "\n".join(lines)
        found = [
            (*line, mark)
            for begin, end, mark in self._find(text)
            for line in _by_line(text, begin, end)
        ]
        return _replaced(text, found).split("\n") if found else list(lines)

    def redact_json(self, value: JsonValue, name: str = "") -> JsonValue:
        """`value` with each text in it redacted, keys included; a key names what is below it."""
        if isinstance(value, Mapping):
            return {self.redact(key): self.redact_json(held, key) for key, held in value.items()}
        if isinstance(value, str):
            return self._redact_named(value, name)
        if isinstance(value, Sequence):
            return [self.redact_json(held, name) for held in value]
        return value

    def _redact_named(self, text: str, name: str) -> str:
        is_secret = bool(name) and is_secret_value(name, text) and not PLACEHOLDER.search(text)
        return self._placeholder(Secret(0, len(text), text)) if is_secret else self.redact(text)

    def _placeholder(self, secret: Secret) -> str:
        return placeholder(self._key, secret.kind or kind_of(secret.plain), secret.plain)

    def _find(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Each secret of `text`: where it begins and ends, and what replaces it."""
        bare = unstyled(text)
        for secret in self._secrets(covered(bare.text)):
            yield *bare.outer(secret.begin, secret.end), self._placeholder(secret)

    def _secrets(self, text: str) -> list[Secret]:
        finders = _FINDERS if may_hold_secret(text) else ()
        found = [secret for finder in finders for secret in finder(text)]
        found.extend(self._of_extra(text))
        personal = [secret for finder in self._personal for secret in finder(text)]
        return list(merged(chain(found, _apart(personal, merged(found, text))), text))

    def _of_extra(self, text: str) -> Iterator[Secret]:
        for pattern in self._extra:
            for match in pattern.finditer(text):
                begin, end = match.span(match.lastindex or 0)
                if begin < end:
                    yield Secret(begin, end, text[begin:end], "custom")


def _apart(personal: Iterable[Secret], secrets: Iterable[Secret]) -> Iterator[Secret]:
    """Those of `personal` that overlap none of `secrets`, which are in order."""
    others = iter(secrets)
    other = next(others, None)
    for one in sorted(personal, key=lambda secret: secret.begin):
        while other is not None and other.end <= one.begin:
            other = next(others, None)
        if other is None or one.end <= other.begin:
            yield one


def _replaced(text: str, found: Iterable[tuple[int, int, str]]) -> str:
    pieces: list[str] = []
    place = 0
    for begin, end, mark in found:
        pieces.extend((text[place:begin], mark))
        place = end
    return "".join([*pieces, text[place:]])


def _by_line(text: str, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """The part of each line that lies between `begin` and `end`; lines without one are left out."""
    while begin < end:
        stop = text.find("\n", begin, end)
        stop = end if stop < 0 else stop
        if stop > begin:
            yield begin, stop
        begin = stop + 1
