"""Rules for secrets that stand in the script itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tools.code.report import Danger, excerpt
from tools.code.shell.script import Script
from tools.code.shell.tree import line_of, text_of
from tools.code.shell.words import word_of

if TYPE_CHECKING:
    from tree_sitter import Node

_NAME = re.compile(r"(?i)\w*(PASS(WORD|WD|PHRASE)?|TOKEN|SECRET|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY)")
_PLACEHOLDER = re.compile(
    r"(?i)^(<.*>|x+|\*+|\.+|change_?me|your[-_ ].*|todo|none|null|~.*|-.*|.*[/ ].*)$"
)


def fixed_secrets(script: Script) -> Iterator[Danger]:
    """`DB_PASSWORD=hunter2`: whoever reads the script, or its history, has it."""
    for node in script.of_type("variable_assignment"):
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        if name is not None and value is not None and _NAME.fullmatch(text_of(name)):
            word = word_of(value)
            if word.is_literal and word.value and not _PLACEHOLDER.match(word.value):
                yield _danger(node, text_of(name))


def _danger(node: Node, name: str) -> Danger:
    what = f"{name} stands in the script: whoever reads it, or its history, has it"
    advice = "read it from a file with mode 600 or from the environment, and change it"
    return Danger(line_of(node), excerpt(text_of(node)), what, advice)
