"""Pieces of GBNF as text: literals, one after another, one or another."""

from __future__ import annotations

from collections.abc import Sequence

FREE_RULES = r"""
free ::= name ( "{" matcher ( "," matcher )? "}" )?
name ::= [a-z] [a-z0-9]{1,20} ( "_" [a-z0-9]{1,20} ){1,7}
matcher ::= label ( "=" | "!=" | "=~" ) "\"" value "\""
label ::= [a-z] [a-z_]{1,24}
value ::= [A-Za-z0-9_./|*+^$-]{1,40}
"""
"""The rule `free`: a selector of whatever metric, where the question names none."""


def literal(text: str) -> str:
    """Exactly `text`."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def sequence(*parts: str) -> str:
    """One part after another; empty literals are left out."""
    return " ".join(part for part in parts if part != '""')


def either(options: Sequence[str]) -> str:
    """One of the options."""
    distinct = list(dict.fromkeys(options))
    return distinct[0] if len(distinct) == 1 else f"( {' | '.join(distinct)} )"


def call(function: str, argument: str) -> str:
    """`function(argument)`."""
    return sequence(literal(f"{function}("), argument, literal(")"))


def grouped(function: str, groups: Sequence[str], argument: str) -> str:
    """`function by (labels) (argument)`; without labels a plain call."""
    by = f" by ({', '.join(groups)}) " if groups else ""
    return sequence(literal(f"{function}{by}("), argument, literal(")"))
