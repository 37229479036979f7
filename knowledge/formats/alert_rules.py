"""Alert rules in YAML: each is a document, so that an alert's name finds what it means.

A rule is known by its own fields wherever it stands: in rule files of Prometheus, Thanos, Loki and
VictoriaMetrics, in PrometheusRule objects and lists of them, in Helm values, and in what Grafana
provisions. Its text is that of its lines in the file.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import PurePath
from typing import TYPE_CHECKING, TypeGuard

from knowledge.blocks import Block, line_starts
from knowledge.documents import Document, NoDocument, Unusable
from knowledge.formats.properties import one_line
from knowledge.formats.yaml_text import BrokenYaml, yaml_nodes

if TYPE_CHECKING:
    from yaml.nodes import MappingNode, Node, ScalarNode

MAX_CHARS = 2_000_000  # some seconds of parsing; large public rule files have a tenth of it

_SERVICE_LABELS = ("service", "app", "component", "job", "namespace")
_MAX_SERVICE_CHARS = 80
_MAX_DEPTH = 2  # a rule can be divided between its fields, and between those of its annotations

_SIGN_OF_A_RULE = re.compile(r"\b(?:alert|title)['\"]?\s*:")
# Helm's templates, within a line and as all that lines hold; strings in them may hold braces.
_STRING = r"\"[^\"\n]*\"|`[^`\n]*`"
_TEMPLATE = re.compile(rf"\{{\{{(?:{_STRING}|[^}}\n]|\}}(?!\}})){{0,2000}}+\}}\}}")
_TEMPLATE_LINES = re.compile(
    rf"^[ \t-]*(?:\{{\{{(?:{_STRING}|[^}}]|\}}(?!\}})){{0,2000}}+\}}\}}[ \t]*)+$", re.MULTILINE
)
_NOT_LINE_END = re.compile(r"[^\n]")
# What may still follow the last key or value of a rule: an alias, and a comment.
_REST_OF_LINE = re.compile(r"(?:[ \t]*:[ \t]+\*\S+)?[ \t]*(?:#.*)?(?![^\n])")


def parse(text: str, path: PurePath) -> list[Document]:
    """The alerts of a file in its order, each under a name of its own. Raises Unusable."""
    if not _SIGN_OF_A_RULE.search(text):
        raise NoDocument("no alert rules in it")
    if len(text) > MAX_CHARS:
        raise Unusable(f"more than {MAX_CHARS // 1_000_000} MB of rules; divide the file")
    rules = sorted(_rules(_roots(text)), key=lambda rule: rule.start_mark.index)
    if not rules:
        raise NoDocument("no alert rules in it")
    return list(_documents(text, rules))


def _roots(text: str) -> list[Node]:
    """The file's YAML documents; templates are overlooked when it is none because of them."""
    try:
        return yaml_nodes(text)
    except BrokenYaml as error:
        if "{{" not in text:
            raise Unusable(f"not valid YAML: {error}") from error
    try:
        return yaml_nodes(_without_templates(text))
    except BrokenYaml as error:
        raise Unusable(f"not valid YAML, even without its templates: {error}") from error


def _without_templates(text: str) -> str:
    """The text with every offset as it was, and something plain in place of templates."""
    text = _TEMPLATE_LINES.sub(lambda lines: _NOT_LINE_END.sub(" ", lines.group()), text)
    return _TEMPLATE.sub(lambda template: "x" * len(template.group()), text)


def _rules(roots: list[Node]) -> Iterator[MappingNode]:
    """The alert rules anywhere in the documents; each node is visited once, however often used."""
    waiting, seen = list(roots), set[int]()
    while waiting:
        node = waiting.pop()
        if id(node) in seen or _is_scalar(node):
            continue
        seen.add(id(node))
        if not _is_mapping(node):
            waiting += node.value
        elif _is_alert(_fields(node)):
            yield node
        else:
            waiting += [value for _, value in node.value]


def _is_alert(fields: Mapping[str, Node]) -> bool:
    """Whether it is a rule of Prometheus or of Grafana, and names an alert."""
    if "alert" in fields:
        return "expr" in fields and _is_scalar(fields["alert"])
    is_of_grafana = {"title", "condition", "data"} <= fields.keys() and "record" not in fields
    return is_of_grafana and _is_scalar(fields["title"])


class _Names:
    """The names that a file's alerts have taken so far."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._numbers: dict[str, int] = {}

    def unused(self, name: str) -> str:
        """The name, or the first of `name (2)`, `name (3)` that is left; taken from now on."""
        candidate = name
        while candidate in self._taken:
            number = self._numbers[name] = self._numbers.get(name, 1) + 1
            candidate = f"{name} ({number})"
        self._taken.add(candidate)
        return candidate


def _documents(text: str, rules: list[MappingNode]) -> Iterator[Document]:
    starts = line_starts(text)
    names = _Names()
    for rule in rules:
        start, end = _start(text, rule.start_mark.index), _end(text, rule)
        fields = _fields(rule)
        title = _words(text, fields.get("alert") or fields["title"]) or "alert"
        yield Document(
            text[start:end],
            (Block(0, end - start, parts=_parts(text, rule, start, end, start)),),
            title=title,
            name=names.unused(title),
            first_line=bisect_right(starts, start, hi=len(starts) - 1),
            kind="alert",
            services=_services(text, fields.get("labels")),
        )


def _start(text: str, offset: int) -> int:
    """The start of the line that `offset` is in, unless something else stands before it there."""
    line = text.rfind("\n", 0, offset) + 1
    return offset if text[line:offset].strip(" \t-") else line


def _end(text: str, rule: MappingNode) -> int:
    """Where its last value ends, with a comment behind it: what stands below is not the rule's."""
    start = rule.start_mark.index
    end = start + len(text[start : _last(rule).end_mark.index].rstrip())
    rest = _REST_OF_LINE.match(text, end)
    return rest.end() if rest else end


def _last(rule: MappingNode) -> Node:
    """The last key or value written in the rule; an alias's value is written elsewhere."""
    from yaml.nodes import CollectionNode

    node: Node = rule
    while isinstance(node, CollectionNode) and node.value and not node.flow_style:
        key, value = node.value[-1] if _is_mapping(node) else (None, node.value[-1])
        if value.start_mark.index <= node.start_mark.index:
            return key or node
        node = value
    return node


def _parts(
    text: str, node: MappingNode, start: int, end: int, origin: int, depth: int = 1
) -> tuple[Block, ...]:
    """The fields of a mapping that stands from `start` to `end`, as blocks counted from `origin`.

    Empty where they do not follow each other, as what an alias brings in.
    """
    lines = [_start(text, key.start_mark.index) for key, _ in node.value]
    edges = [start, *lines[1:], end]
    if any(first >= last for first, last in pairwise(edges)):
        return ()
    parts = []
    for (_, value), (first, last) in zip(node.value, pairwise(edges), strict=True):
        inner: tuple[Block, ...] = ()
        if depth < _MAX_DEPTH and _is_mapping(value) and first < value.start_mark.index < last:
            inner = _parts(text, value, first, last, origin, depth + 1)
        parts.append(Block(first - origin, last - origin, parts=inner))
    return tuple(parts)


def _services(text: str, labels: Node | None) -> tuple[str, ...]:
    if labels is None or not _is_mapping(labels):
        return ()
    fields = _fields(labels)
    values = (fields[name] for name in _SERVICE_LABELS if name in fields)
    words = (_words(text, value) for value in values if _is_scalar(value))
    plain = (word for word in words if word and "{{" not in word)
    return tuple(dict.fromkeys(word for word in plain if len(word) <= _MAX_SERVICE_CHARS))


def _words(text: str, scalar: Node) -> str:
    """What the scalar says; as it is written when a template is part of it."""
    written = text[scalar.start_mark.index : scalar.end_mark.index]
    return one_line(written.strip(" '\"") if "{{" in written else scalar.value)


def _fields(mapping: MappingNode) -> dict[str, Node]:
    return {key.value: value for key, value in mapping.value if _is_scalar(key)}


def _is_scalar(node: Node) -> TypeGuard[ScalarNode]:
    from yaml.nodes import ScalarNode

    return isinstance(node, ScalarNode)


def _is_mapping(node: Node) -> TypeGuard[MappingNode]:
    from yaml.nodes import MappingNode

    return isinstance(node, MappingNode)
