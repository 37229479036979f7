"""YAML as text: what stands where, with every scalar as it is written.

PyYAML's base loader resolves nothing: no dates that do not exist, no merge keys that multiply, no
objects. Aliases stay references to one node. What it stumbles over comes out as one error. The
loader in Python is taken, since the one in C crashes the process on deep nesting.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yaml.nodes import Node

# YAML 1.1, which PyYAML reads, ends a line there as well; nobody who writes YAML expects it.
_RARE_LINE_ENDS = str.maketrans("\x85\u2028\u2029", "   ")


class BrokenYaml(Exception):
    """A text that is not YAML: `line` (1-based) and the problem found there."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"line {line}: {problem}")
        self.line = line
        self.problem = problem


def yaml_nodes(text: str) -> list[Node]:
    """The root of each document in `text`; a mark's `index` counts characters. Raises BrokenYaml.

    Nodes may stand in several places, and even within themselves.
    """
    import yaml

    with _errors_mapped(text):
        return list(yaml.compose_all(text.translate(_RARE_LINE_ENDS), Loader=yaml.BaseLoader))


def yaml_fields(text: str) -> Mapping[str, object] | None:
    """The top-level fields of `text`; None when it is something else. Raises BrokenYaml."""
    import yaml

    with _errors_mapped(text):
        fields = yaml.load(text.translate(_RARE_LINE_ENDS), Loader=yaml.BaseLoader)
    return fields if isinstance(fields, Mapping) else {} if fields in (None, "") else None


@contextmanager
def _errors_mapped(text: str) -> Iterator[None]:
    import yaml

    try:
        yield
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = text.count("\n", 0, mark.index) + 1 if mark else 1
        raise BrokenYaml(line, error.problem or error.context or "not understood") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise BrokenYaml(line, "a character that YAML does not allow") from error
    except RecursionError as error:
        raise BrokenYaml(1, "nested too deeply") from error
    # Escapes and version numbers beyond all bounds are not checked by the library.
    except (ValueError, OverflowError) as error:
        raise BrokenYaml(1, "a number out of range") from error
