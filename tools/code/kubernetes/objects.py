"""A manifest's objects, and the pods that they would start."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tools.code.documents.faults import line_text
from tools.code.documents.loading import Document, Path, at, mappings
from tools.code.report import Danger, Problem, Severity, own_problem

# Where a kind keeps its pods' template.
_TEMPLATES: dict[str, Path] = {
    "Pod": (),
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
    "ReplicationController": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}


@dataclass(frozen=True)
class Object:
    """One object of the manifest, at its line; of a List, one item."""

    document: Document
    value: dict[str, Any]
    path: Path
    lines: tuple[str, ...]

    @property
    def kind(self) -> str:
        """The kind; empty where it has none."""
        return str(self.value.get("kind", ""))

    @property
    def name(self) -> str:
        """The name in its metadata."""
        return str(at(self.value, "metadata", "name") or "")

    @property
    def namespace(self) -> str:
        """The namespace in its metadata; empty where it names none."""
        return str(at(self.value, "metadata", "namespace") or "")

    @property
    def template_path(self) -> Path | None:
        """Where its pods' template stands; None for what starts no pods."""
        return _TEMPLATES.get(self.kind)

    @property
    def template(self) -> Any:
        """The pods' template: a pod itself; None for what starts no pods."""
        return at(self.value, *self.template_path) if self.template_path is not None else None

    def get(self, *steps: str | int) -> Any:
        """The part that the steps lead to; None where there is none."""
        return at(self.value, *steps)

    def line_of(self, *steps: str | int) -> int:
        """The line of that part, or of the nearest one around it."""
        return self.document.line_of([*self.path, *steps])

    def problem(
        self, steps: Sequence[str | int], severity: Severity, code: str, message: str, fix: str = ""
    ) -> Problem:
        """A problem of our own at the line of that part."""
        return own_problem(self.line_of(*steps), severity, code, message, fix)

    def danger(self, steps: Sequence[str | int], what: str, advice: str) -> Danger:
        """A danger, told by the line of that part."""
        line = self.line_of(*steps)
        return Danger(line, line_text(self.lines, line), what, advice)

    def containers(self) -> Iterator[Container]:
        """Every container of its pods, those of the start included."""
        path = self.template_path
        if path is None:
            return
        for part in ("initContainers", "containers"):
            listed = at(self.template, "spec", part)
            for index, one in enumerate(mappings(listed)):
                yield Container(self, one, (*path, "spec", part, index), part == "initContainers")


@dataclass(frozen=True)
class Container:
    """One container of an object's pods, and the path to it."""

    owner: Object
    value: dict[str, Any]
    path: Path
    is_initial: bool

    @property
    def name(self) -> str:
        """The name in its metadata."""
        return str(self.value.get("name", ""))

    def get(self, *steps: str | int) -> Any:
        """The part that the steps lead to; None where there is none."""
        return at(self.value, *steps)

    def problem(
        self, steps: Sequence[str | int], severity: Severity, code: str, message: str, fix: str = ""
    ) -> Problem:
        """A problem of our own at the line of that part."""
        return self.owner.problem((*self.path, *steps), severity, code, message, fix)

    def danger(self, steps: Sequence[str | int], what: str, advice: str) -> Danger:
        """A danger, told by the line of that part."""
        return self.owner.danger((*self.path, *steps), what, advice)


def read_objects(documents: Sequence[Document], code: str) -> list[Object]:
    """The objects of the documents, those of a List each on its own."""
    lines = tuple(code.splitlines())
    found = []
    for document in documents:
        if not isinstance(document.value, dict):
            continue
        whole = Object(document, document.value, (), lines)
        items = document.value.get("items") if whole.kind.endswith("List") else None
        if isinstance(items, list):
            parts = enumerate(items)
            found += [
                replace(whole, value=one, path=("items", index))
                for index, one in parts
                if isinstance(one, dict)
            ]
        else:
            found.append(whole)
    return found
