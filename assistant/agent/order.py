"""Orders: what a person tells midwatch to do to a service, read by code.

Only what can be read with certainty is one: a sentence that begins with the verb ("restart
checkout", "could you scale shop/web to 4?"). Whoever asks why something restarts, or whether to
restart it, gives none. An order does nothing by itself: it becomes a proposal, which a person
approves.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tools.services.control import Verb
from tools.services.names import short_name

_POLITE = (
    r"(?:(?:please|pls|ok(?:ay)?|yes|hey|hi|hello|midwatch|now|so|then|just|kindly|go ahead and"
    r"|(?:can|could|would|will) you|i (?:want|need) you to|let'?s|let us)\b[,:!.]?\s+)*"
)
_VERBS: dict[str, Verb] = {
    "restart": "restart",
    "re-start": "restart",
    "reboot": "restart",
    "bounce": "restart",
    "start": "start",
    "stop": "stop",
    "shut down": "stop",
    "scale": "scale",
    "delete": "delete",
    "kill": "delete",
}
_ORDER = re.compile(
    rf"(?:^|[.!?;\n])\s*(?:@\S+\s+)?{_POLITE}({'|'.join(_VERBS)})\s+([^.!?;\n]+(?:\.\w[^.!?;\n]*)*)",
    re.IGNORECASE,
)
# Where the words for the service end.
_END = re.compile(
    r",|\b(?:because|since|as|so|and|but|then|when|after|before|with|if|for|on|please|now|again"
    r"|to|asap)\b|\bin (?:an?|the|\d)\b",
    re.IGNORECASE,
)
_REPLICAS = re.compile(r"\bto (\d{1,6})\b", re.IGNORECASE)
# "Restart loops in checkout": a noun.
_NOUN = re.compile(r"(?:loops?|counts?|polic\w+|times|storms?|behaviou?r|fail\w*)\b", re.IGNORECASE)
_PRONOUNS = frozenset(("it", "that", "this", "them", "one"))
_FILLERS = frozenset(
    re.findall(
        r"\w+",
        "the a an my our its service services deployment statefulset daemonset pod container unit"
        " process program job up down in namespace of all server worker",
    )
)
# A service may be called so.
_MEANING_FILLERS = frozenset(("worker", "server", "job", "process"))
_MAX_WORDS_FOR_UNKNOWN = 8
_WORD = re.compile(r"[^\s\"'`“”]+")


@dataclass(frozen=True, slots=True)
class Target:
    """A service that can be acted on: its full name as `backend` lists it."""

    backend: str
    service: str
    verbs: frozenset[Verb] = frozenset()


@dataclass(frozen=True, slots=True)
class Order:
    """What a person wants done. `targets` are the services that the `words` may mean.

    One is clear, several are not, none is known; `is_pronoun` says that the words name nothing
    ("restart it"), so that what was spoken of decides.
    """

    verb: Verb
    words: str
    targets: tuple[Target, ...]
    replicas: int | None = None
    is_pronoun: bool = False


def may_order(text: str) -> bool:
    """Whether `text` may give an order, whatever services there are."""
    return _ORDER.search(text) is not None


def read_order(text: str, known: Sequence[Target]) -> Order | None:
    """The order that `text` gives, about one of `known`; None when it gives none."""
    for match in _ORDER.finditer(text):
        rest = match[2]
        if _NOUN.match(rest):
            continue
        words = _END.split(rest, maxsplit=1)[0].strip()
        order = Order(
            _VERBS[match[1].lower()],
            words,
            meant(words, known),
            _replicas(rest),
            is_pronoun=bool(words) and _PRONOUNS.issuperset(words.lower().split()),
        )
        if order.targets or order.is_pronoun or _is_plain(text, order):
            return order
    return None


def meant(words: str, known: Sequence[Target]) -> tuple[Target, ...]:
    """Which of `known` a person's `words` name, letter for letter or by the end of their names."""
    said = _WORD.findall(words)
    exact = tuple(target for target in known if target.service in said)
    if exact:
        return exact
    names = {word.lower().removesuffix(".service") for word in said}
    joined = _joined(words)
    short = [
        target
        for target in known
        if (name := short_name(target.service.lower())) in names or _spelled(name) in joined
    ]
    # "web in shop": of several that are called so, those of that group.
    narrower = [target for target in short if names & set(_groups(target.service))]
    return tuple(narrower if len(short) > 1 and narrower else short)


def _is_plain(text: str, order: Order) -> bool:
    """Whether it surely is an order although nothing known is named: short, and of no other use."""
    is_short = len(text.split()) <= _MAX_WORDS_FOR_UNKNOWN
    return order.verb in ("restart", "scale") and is_short and bool(order.words)


def _replicas(rest: str) -> int | None:
    match = _REPLICAS.search(rest)
    return int(match[1]) if match else None


def _groups(service: str) -> list[str]:
    return [part.lower() for part in re.split(r"[/:]", service)[:-1]]


def _spelled(name: str) -> str:
    return "-".join(part for part in re.split(r"[\s_-]+", name) if part)


def _joined(words: str) -> set[str]:
    """The words' possible spellings as one name: "payments worker" is `payments-worker`."""
    parts = [word for word in re.split(r"[\s_-]+", words.lower()) if word]
    kept = [word for word in parts if word not in _FILLERS or word in _MEANING_FILLERS]
    return {"-".join(kept), "-".join(word for word in kept if word not in _FILLERS)} - {""}
