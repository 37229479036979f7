"""The check of YAML of no kind that is known here, and of what all kinds share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tools.code.documents.faults import fixed_secrets, line_text, yaml_problems
from tools.code.documents.loading import (
    TOOL,
    Document,
    DocumentUnreadable,
    Path,
    read_documents,
    walk,
)
from tools.code.linting import version_of
from tools.code.report import CodeReport, Danger, Language, Problem

# What opens the machine to a container, in compose files and their like.
_OPENINGS = {
    "privileged": "gives the container all rights on the machine",
    "network_mode": "puts the container on the machine's own network",
    "pid": "shows the container the machine's processes",
}


def yaml_tool() -> str:
    """The YAML parser with its version."""
    return f"{TOOL} {version_of('PyYAML')}"


def unreadable(language: Language, problem: Problem) -> CodeReport:
    """The report of text that is not YAML."""
    return CodeReport(language, (problem,), checked_by=(yaml_tool(),))


def check_yaml(code: str) -> CodeReport:
    """The report of plain YAML: its faults, secrets in it, and containers with too many rights."""
    try:
        documents = read_documents(code)
    except DocumentUnreadable as error:
        return unreadable("yaml", error.problem)
    return CodeReport(
        "yaml",
        tuple(yaml_problems(documents)),
        (*fixed_secrets(documents, code), *_openings(documents, code)),
        (),
        "",
        (yaml_tool(),),
        ("what the file means: its kind is not known here",),
    )


def _openings(documents: Sequence[Document], code: str) -> Iterator[Danger]:
    lines = code.splitlines()
    for document in documents:
        for path, value in walk(document.value):
            what = _opening(path, value)
            if what:
                line = document.line_of(path)
                yield Danger(line, line_text(lines, line), what, "give the one right that it needs")


def _opening(path: Path, value: object) -> str:
    name = str(path[-1]) if path else ""
    if name in _OPENINGS and (value is True or value == "host"):
        return _OPENINGS[name]
    is_mount = isinstance(value, str) and value.startswith("/var/run/docker.sock")
    return "gives the container the machine's docker: it is root there" if is_mount else ""
