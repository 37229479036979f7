"""The YAML front matter of an incident's file, read without building anything from it.

PyYAML composes the nodes and nothing more: values are taken as they are written (`0123` and `no`
stay texts), a tag constructs nothing, and an alias that stands for a million others is never
followed. Which fields there are, and what they mean, is `knowledge.incidents.markdown`'s business.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from knowledge.documents import Unusable

if TYPE_CHECKING:
    from yaml.nodes import Node

# Far more than the limits of an incident allow. It bounds the time that parsing can take.
_MAX_CHARS = 30_000

_OPENING = re.compile(r"---[ \t]*\n")
_CLOSING = re.compile(r"^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.MULTILINE)
_FIRST_FIELD = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\n)*[\"']?\w[\w -]*[\"']?:(?:\s|\Z)")
_NULL = "tag:yaml.org,2002:null"


@dataclass(frozen=True, slots=True)
class Field:
    """`source` is the field as it is written. `value` is None when it is neither text nor texts."""

    name: str
    value: str | tuple[str, ...] | None
    source: str


def split_front_matter(text: str) -> tuple[list[Field], str]:
    """The fields of the front matter, and the text after it. Raises Unusable.

    A text that merely begins with a rule (`---`) has no fields.
    """
    opening = _OPENING.match(text)
    if opening is None or not _FIRST_FIELD.match(text, opening.end()):
        return [], text
    closing = _CLOSING.search(text, opening.end())
    if closing is None:
        raise Unusable("the front matter has no end: add a line with --- below its last field")
    return _fields(text[opening.end() : closing.start()]), text[closing.end() :]


def front_matter(fields: Mapping[str, str | Sequence[str] | datetime | None]) -> str:
    """The front matter with these fields in this order; None is written as an empty value."""
    import yaml

    lines = [
        f"{name}:\n"
        if value is None
        else yaml.safe_dump(
            {name: list(value) if isinstance(value, tuple) else value},
            allow_unicode=True,
            default_flow_style=False,
            width=sys.maxsize,
        )
        for name, value in fields.items()
    ]
    return f"---\n{''.join(lines)}---\n"


def _fields(text: str) -> list[Field]:
    if len(text) > _MAX_CHARS:
        raise Unusable(
            f"the front matter has {len(text):,} characters, {_MAX_CHARS:,} are allowed: "
            "move text from it to a section"
        )
    fields = list(_fields_of(_pairs(_compose(text)), text))
    for name, count in Counter(field.name for field in fields).items():
        if count > 1:
            raise Unusable(f"the front matter gives {name} {count} times: keep one of them")
    return fields


def _compose(text: str) -> Node | None:
    import yaml

    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 2 if error.problem_mark else 1
        raise Unusable(
            f"the front matter is not valid YAML: line {line}, {error.problem}"
        ) from error
    except yaml.YAMLError as error:
        raise Unusable("the front matter is not valid YAML: it has control characters") from error
    except RecursionError as error:
        raise Unusable("the front matter is nested too deeply") from error


def _pairs(root: Node | None) -> list[tuple[Node, Node]]:
    from yaml.nodes import MappingNode

    if not isinstance(root, MappingNode):
        raise Unusable("the front matter is not a list of fields: write each as `name: value`")
    pairs: list[tuple[Node, Node]] = root.value
    return pairs


def _fields_of(pairs: Sequence[tuple[Node, Node]], text: str) -> Iterator[Field]:
    # Marks count characters. Lines are our own: YAML ends them in more places than a text file.
    starts = [text.rfind("\n", 0, key.start_mark.index) + 1 for key, _ in pairs]
    for (key, value), start, end in zip(pairs, starts, [*starts[1:], len(text)], strict=True):
        name = _scalar(key)
        if name is None:
            raise Unusable("the front matter has a field whose name is not a word")
        yield Field(name.lower(), _value(value), text[start:end].rstrip("\n"))


def _value(node: Node) -> str | tuple[str, ...] | None:
    from yaml.nodes import SequenceNode

    if not isinstance(node, SequenceNode):
        return _scalar(node)
    items = [_scalar(item) for item in node.value]
    texts = tuple(item for item in items if item is not None)
    return texts if len(texts) == len(items) else None


def _scalar(node: Node) -> str | None:
    """What is written; "" for null, None for anything that is not a single value."""
    from yaml.nodes import ScalarNode

    if not isinstance(node, ScalarNode):
        return None
    return "" if node.tag == _NULL else str(node.value)
