"""Rules for what YAML itself gets wrong: keys that are given twice, words that become values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import yaml

from tools.code.documents.loading import Document, nodes_below, walk
from tools.code.report import Danger, Problem, own_problem

_SECRET = re.compile(
    r"(?i)(\w*[_.-])?(pass(word|wd|phrase)?|token|secret|api[_-]?key|access[_-]?key|private[_-]?key|secret[_-]?key)"
)
_PLACEHOLDER = re.compile(
    r"(?i)^(<.*|\$.*|\{\{.*|x+|\*+|change_?me.*|your[-_ ].*|todo|none|null|vault:.*|/.*|!.*|"
    r"read|write|\s*)$"
)
_BASE_SIXTY = re.compile(r"\d+(:[0-5]?\d)+")


def yaml_problems(documents: Sequence[Document]) -> Iterator[Problem]:
    """What the rules find in the documents."""
    for document in documents:
        for node in nodes_below(document.node):
            if isinstance(node, yaml.MappingNode):
                yield from _duplicates(node)
            elif isinstance(node, yaml.ScalarNode) and node.style is None:
                yield from _surprises(node)


def _duplicates(node: yaml.MappingNode) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for key, _ in node.value:
        name, line = str(key.value), key.start_mark.line + 1
        if name in seen and name != "<<":
            message = f"{name} is given twice (line {seen[name]}): only the last counts"
            yield own_problem(line, "error", "duplicate-key", message, "keep one of them")
        seen[name] = line


def _surprises(node: yaml.ScalarNode) -> Iterator[Problem]:
    """Plain words that YAML 1.1 reads as something else than they look."""
    line = node.start_mark.line + 1
    if node.tag.endswith(":int") and _BASE_SIXTY.fullmatch(node.value):
        message = f"{node.value} is read as a number to the base of 60"
        yield own_problem(line, "warning", "base-sixty", message, f'"{node.value}"')


def fixed_secrets(documents: Sequence[Document], code: str) -> Iterator[Danger]:
    """Passwords and keys that stand in the file."""
    lines = code.splitlines()
    for document in documents:
        for path, value in walk(document.value):
            name = str(path[-1]) if path else ""
            if isinstance(value, str) and _SECRET.fullmatch(name) and not _PLACEHOLDER.match(value):
                line = document.line_of(path)
                what = f"{name} stands in the file: whoever reads it, or its history, has it"
                yield Danger(
                    line, line_text(lines, line), what, "refer to a secret store, and change it"
                )


def line_text(lines: Sequence[str], line: int) -> str:
    """The line's own text, verbatim and without the blanks around it."""
    return lines[line - 1].strip() if 0 < line <= len(lines) else ""
