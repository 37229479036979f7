"""YAML as values whose lines are known, and the faults that a plain load hides.

Nothing is built but plain values: tags that name classes are read as what they are put on.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from tools.code.report import Problem

TOOL = "PyYAML"
Path = tuple[str | int, ...]
# Aliases may stand for the same part many times over: this bounds what they come to.
_MAX_NODES = 50_000


class DocumentUnreadable(Exception):
    """Text that is not YAML: `problem` says where and why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class _Loader(yaml.SafeLoader):
    """Plain values; an unknown tag (`!vault`, `!Ref`) is read as what it is put on."""


def _untagged(loader: _Loader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    assert isinstance(node, yaml.MappingNode)
    return loader.construct_mapping(node, deep=True)


_Loader.add_multi_constructor("!", _untagged)
_Loader.add_multi_constructor("tag:yaml.org,2002:python", _untagged)
# Times stay text, as their readers want them.
_Loader.yaml_implicit_resolvers = {
    first: [one for one in resolvers if one[0] != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True)
class Document:
    """One document: its `value` of plain types, and the node that each part of it came from."""

    value: Any
    node: yaml.Node

    @property
    def line(self) -> int:
        """The line that the document begins on."""
        return int(self.node.start_mark.line) + 1

    def line_of(self, path: Sequence[str | int]) -> int:
        """The line of the part that the path leads to, or of the nearest part around it."""
        node, line = self.node, self.line
        for step in path:
            found = _child(node, step)
            if found is None:
                break
            node, line = found
        return line


def _child(node: yaml.Node, step: str | int) -> tuple[yaml.Node, int] | None:
    """The part at `step`, and the line of its key or of itself."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value == str(step):
                return value, key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step].start_mark.line + 1
    return None


def read_documents(code: str) -> list[Document]:
    """The documents of `code`, empty ones left out; raises DocumentUnreadable."""
    loader = _Loader(code)
    documents = []
    try:
        while loader.check_node():
            node = loader.get_node()
            if node is None or _expanded_size(node, {}) > _MAX_NODES:
                raise DocumentUnreadable(
                    _fault(None, None, "its aliases come to too much, or never end")
                )
            _refuse_odd_keys(node)
            value = loader.construct_document(node)
            if value is not None:
                documents.append(Document(value, node))
    except yaml.MarkedYAMLError as error:
        raise DocumentUnreadable(_yaml_problem(error, code)) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        message = str(error).partition("\n")[0] or "it is nested too deeply"
        raise DocumentUnreadable(_fault(None, None, message)) from error
    finally:
        loader.dispose()
    return documents


def _fault(line: int | None, column: int | None, message: str, fix: str = "") -> Problem:
    return Problem(line, column, "error", "syntax", message, TOOL, fix)


def _yaml_problem(error: yaml.MarkedYAMLError, code: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    lines = code.splitlines()
    # The end of the text is a line of its own to the parser.
    line = min(mark.line + 1, len(lines)) if mark else None
    column = mark.column + 1 if mark else None
    message = error.problem or error.context or "not YAML"
    text = lines[line - 1] if line else ""
    return _fault(line, column, message, _fix(message, text))


def _fix(message: str, text: str) -> str:
    if "\t" in text[: len(text) - len(text.lstrip())] or "'\\t'" in message:
        return "indent with blanks: YAML takes no tabs"
    if re.search(r":\s*[{%@`*&!]", text):
        return "put the value in quotes"
    if "mapping values are not allowed" in message:
        return "quote a value that has a colon, or indent it below its key"
    return ""


def _expanded_size(node: yaml.Node, known: dict[int, int]) -> int:
    """How many parts the node has once each alias is put in; too many for one within itself."""
    if id(node) in known:
        return known[id(node)]
    # What is met again while it is being counted holds itself.
    known[id(node)] = _MAX_NODES + 1
    size = 1 + sum(_expanded_size(one, known) for one in _parts(node))
    known[id(node)] = min(size, _MAX_NODES + 1)
    return known[id(node)]


def _parts(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from (key, value)
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value


def _refuse_odd_keys(root: yaml.Node) -> None:
    """`key: {{ value }}` is a mapping with a mapping for its key, which nobody means."""
    for node in nodes_below(root):
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if not isinstance(key, yaml.ScalarNode):
                mark = key.start_mark
                message = (
                    "a template that is not in quotes"
                    if "{" in _first(key)
                    else "a key that is no text"
                )
                fix = 'quote it: "{{ … }}"'
                raise DocumentUnreadable(_fault(mark.line + 1, mark.column + 1, message, fix))


def _first(node: yaml.Node) -> str:
    return "{" if isinstance(node, yaml.MappingNode) else ""


def nodes_below(root: yaml.Node) -> Iterator[yaml.Node]:
    """Each node at and below `root` once, in the order of the text."""
    stack, seen = [root], set()
    while stack:
        node = stack.pop()
        if id(node) not in seen:
            seen.add(id(node))
            yield node
            stack.extend(reversed(list(_parts(node))))


def walk(value: object, path: Path = ()) -> Iterator[tuple[Path, object]]:
    """Each part of a value with the path to it, itself first."""
    yield path, value
    if isinstance(value, dict):
        for key, part in value.items():
            yield from walk(part, (*path, key if isinstance(key, int) else str(key)))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from walk(part, (*path, index))


def at(value: object, *steps: Hashable) -> Any:
    """The part that the steps lead to; None where it is not there or is something else."""
    for step in steps:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def mappings(value: object) -> list[dict[str, Any]]:
    """The mappings of a list; none where it is no list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
