"""Which model a piece of work is for: a pure function of the work and of the rules.

Local first: a model on another machine is chosen only where a rule names it and the settings agree
to it. Whether the chosen one has budget left and answers is found out later (`routing.router`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from assistant.interface import Urgency

Kind = Literal["answer", "title", "rewrite"]
Confidence = Literal["unknown", "low", "medium", "high"]
Role = Literal["main", "light", "named"]


@dataclass(frozen=True, slots=True)
class Work:
    """What a model is wanted for. `severity` is an alert's, `confidence` that of a first answer."""

    kind: Kind = "answer"
    urgency: Urgency = "chat"
    severity: str = ""
    is_deep: bool = False
    confidence: Confidence = "unknown"


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules, by names of models; an empty name is no rule.

    `hosts_beyond` are the machines that a model is on, where they are not this one.
    """

    has_light: bool = False
    deep: str = ""
    low_confidence: str = ""
    alerts: Mapping[str, str] = field(default_factory=dict)
    hosts_beyond: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    has_consent: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """The model of some work, and why: `big`, because `it was asked for with --deep`.

    `name` is that of a named model. `objection` says why it is not the one that was wanted.
    """

    role: Role = "main"
    name: str = ""
    why: str = ""
    objection: str = ""


def choose(work: Work, rules: Rules) -> Choice:
    """The model for `work`. What the person asked for goes before what an alert calls for."""
    if work.kind != "answer":
        return Choice("light" if rules.has_light else "main", why="it is light work")
    name, why = _wanted(work, rules)
    if not name:
        objection = "[routing] deep names no model" if work.is_deep else ""
        return Choice(objection=objection)
    hosts = rules.hosts_beyond.get(name, ())
    if hosts and not rules.has_consent:
        objection = f"{name} is on {', '.join(hosts)}, and [routing] remote_consent is not set"
        return Choice(why=why, objection=objection)
    return Choice("named", name, why)


def _wanted(work: Work, rules: Rules) -> tuple[str, str]:
    """The model that the first fitting rule names, and what makes it fit."""
    severity = work.severity.lower()
    by_severity = {name.lower(): model for name, model in rules.alerts.items()}
    for is_fit, model, why in (
        (work.is_deep, rules.deep, "it was asked for with --deep"),
        (
            work.urgency == "alert",
            by_severity.get(severity, ""),
            f"the alert's severity is {severity}",
        ),
        (work.confidence == "low", rules.low_confidence, "the first answer was not sure"),
    ):
        if is_fit and model:
            return model, why
    return "", ""
