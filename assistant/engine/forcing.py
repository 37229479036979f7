"""Forced tokens: where a grammar leaves one continuation, nobody has to generate it.

Most of a tool call is such text: its braces, its keys, the rest of a name after its first letters.
Its tokens are appended like a piece of prompt, many in one step, instead of being drawn one in a
step each. What is forced is found by asking the grammar which single bytes may come next.

The tokens that stand already stay as they are. The last forced ones are held back where they might
be other tokens together with what comes after (`": "` and a path are `": "/`): the model draws
those itself, in the spelling that it knows.
"""

from __future__ import annotations

import codecs
import contextlib
import re
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from assistant.engine.backend import Backend, Grammar
from assistant.engine.interface import Segment

# A longer text is forced in pieces; finding one byte of it takes about 40 µs.
_MAX_FORCED_BYTES = 192
# With more ways to go on, what comes after is anything at all.
_MAX_BRANCHES = 12
# The characters after a token that decide where it ends.
_LOOKAHEAD_BYTES = 8
_MAX_KNOWN = 512
# A single one costs as much in the next step as it saves.
_MIN_TOKENS = 2


@dataclass(frozen=True, slots=True)
class Forced:
    """The `tokens` that have to come next; often none.

    When the text `is_complete` after them, only the end can follow: there is nothing left to draw.
    """

    tokens: tuple[int, ...] = ()
    is_complete: bool = False


_NOTHING = Forced()


class Forcing:
    """Finds the forced tokens of all sequences of an engine, and remembers those it found.

    Use it before the first token of a sequence is drawn and after each one that was::

        forced = forcing.after(grammar)
        for token in forced.tokens:
            sampler.take(token)

    The tokens are then appended to the sequence like drawn ones; none of them is special. When
    `forced.is_complete`, the sequence is done: neither the forced tokens nor the end need a step.

    Belongs to the engine's owner thread.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        specials = sorted(filter(None, backend.info.special_texts), key=len, reverse=True)
        self._special = re.compile("|".join(map(re.escape, specials)) or "(?!)")
        self._known: OrderedDict[Hashable, Forced] = OrderedDict()

    def after(self, grammar: Grammar) -> Forced:
        """What `grammar` forces at its present point; the grammar stays there.

        Takes about 40 µs where nothing is forced, and 1 to 3 ms the first time that something is.
        """
        point = grammar.point
        forced = self._known.get(point)
        if forced is None:
            forced = self._find(grammar)
        if forced != _NOTHING:
            self._remember(point, forced)
        return forced

    def _remember(self, point: Hashable, forced: Forced) -> None:
        self._known[point] = forced
        self._known.move_to_end(point)
        if len(self._known) > _MAX_KNOWN:
            self._known.popitem(last=False)

    def _find(self, grammar: Grammar) -> Forced:
        if len(grammar.next_bytes()) > 1:
            return _NOTHING
        with contextlib.closing(grammar.clone()) as probe:
            text = _walk(probe, _MAX_FORCED_BYTES)
            is_complete = not probe.next_bytes() and probe.may_end()
            return self._forced(text, probe, is_complete=is_complete)

    def _forced(self, data: bytes, probe: Grammar, *, is_complete: bool) -> Forced:
        """Tokens for the forced bytes `data`, after which `probe` stands."""
        text = _whole_characters(data)
        if special := self._special.search(text):
            # The model spells this with its one token, which only it may choose.
            tokens = self._tokens(text[: special.start()])
        else:
            tokens = self._tokens(text)
            if is_complete and len(text.encode()) == len(data) and bool(tokens) == bool(text):
                return Forced(tuple(tokens), is_complete=True)
            tokens = self._settled(data, tokens, probe)
        return Forced(tuple(tokens)) if len(tokens) >= _MIN_TOKENS else _NOTHING

    def _tokens(self, text: str) -> list[int]:
        """The tokens of `text`; none when they would not be exactly this text."""
        tokens = self._backend.tokenize([Segment(text)])
        is_exact = b"".join(map(self._backend.piece, tokens)) == text.encode()
        return tokens if is_exact else []

    def _settled(self, data: bytes, tokens: list[int], probe: Grammar) -> list[int]:
        """Those first ones of `tokens` that stay, whichever way the text goes on after `data`."""
        following = probe.next_bytes()
        if len(following) > _MAX_BRANCHES:
            return tokens[:-1]
        for continuation in _continuations(probe, following):
            longer_text = (data + continuation).decode(errors="replace")
            longer = self._backend.tokenize([Segment(longer_text)])
            tokens = _common_start(tokens, longer)
        return tokens


def _walk(probe: Grammar, max_bytes: int) -> bytes:
    """Advance `probe` as far as it is forced to; the text up to there."""
    text = b""
    while len(text) < max_bytes:
        following = probe.next_bytes()
        if len(following) != 1 or probe.may_end():
            break
        probe.accept_byte(following[0])
        text += following
    return text


def _continuations(probe: Grammar, following: bytes) -> Iterable[bytes]:
    """How the text may go on after `probe`, for each of the bytes that may follow."""
    for byte in following:
        with contextlib.closing(probe.clone()) as branch:
            branch.accept_byte(byte)
            yield bytes([byte]) + _walk(branch, _LOOKAHEAD_BYTES)


def _whole_characters(text: bytes) -> str:
    """`text` without a character that it breaks off; nothing when it begins within one."""
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(text)
    except UnicodeDecodeError:
        return ""


def _common_start(first: list[int], second: list[int]) -> list[int]:
    length = 0
    while length < min(len(first), len(second)) and first[length] == second[length]:
        length += 1
    return first[:length]
