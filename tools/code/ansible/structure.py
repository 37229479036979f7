"""Rules for the structure of playbooks: what Ansible refuses, or silently does not do."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from tools.code.ansible.tasks import Task, plays_of
from tools.code.ansible.vocabulary import MODULES, PLAY_KEYS, TASK_KEYS
from tools.code.documents.loading import Document
from tools.code.report import Problem, own_problem

_IMPORTS = ("import_playbook", "ansible.builtin.import_playbook")


def structure_problems(documents: Sequence[Document], tasks: Sequence[Task]) -> Iterator[Problem]:
    """What Ansible would refuse in the documents, and what it would leave out."""
    yield from _lists(documents)
    yield from _plays(documents)
    for task in tasks:
        yield from _modules(task)
    yield from _handlers(tasks)


def _lists(documents: Sequence[Document]) -> Iterator[Problem]:
    for document in documents:
        if not isinstance(document.value, list):
            message = "a playbook or task file is a list: each entry begins with a dash"
            yield own_problem(document.line, "error", "no-list", message, "- name: …")


def _plays(documents: Sequence[Document]) -> Iterator[Problem]:
    for document, index, play in plays_of(documents):
        if "hosts" not in play and not any(key in play for key in _IMPORTS):
            line = document.line_of([index])
            yield own_problem(line, "error", "no-hosts", "the play names no hosts", "hosts: …")
        for key in play:
            if str(key) not in PLAY_KEYS:
                line = document.line_of([index, str(key)])
                message = f"a play has no key {key}"
                yield own_problem(line, "error", "unknown-key", message, _near(str(key), PLAY_KEYS))


def _modules(task: Task) -> Iterator[Problem]:
    if {"action", "local_action"} & set(task.value):
        return
    names = task.modules
    if not names:
        yield task.problem("error", "no-module", "the task says nothing to do", "name a module")
    known = [one for one in names if "." in one or one in MODULES]
    for name in names:
        near = _near(name, TASK_KEYS)
        if name in known and len(known) > 1:
            message = f"one task, {len(known)} modules: {', '.join(known)}"
            yield task.problem("error", "two-modules", message, "a task for each", name)
            return
        if name not in known and (near or known):
            message = f"a task has no key {name}"
            yield task.problem("error", "unknown-key", message, near, name)
        elif name not in known:
            message = f"{name} is no module that is known here"
            fix = _near(name, MODULES) or "namespace.collection.module"
            yield task.problem("warning", "unknown-module", message, fix, name)


def _near(word: str, known: frozenset[str]) -> str:
    return next(iter(difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.8)), "")


def _handlers(tasks: Sequence[Task]) -> Iterator[Problem]:
    """A handler that is notified, and that no play of the file has."""
    handlers = [task for task in tasks if task.is_handler]
    if not handlers:
        return
    names = {str(task.value.get("name")) for task in handlers}
    names |= {name for task in handlers for name in _texts(task.value.get("listen"))}
    for task in tasks:
        for name in _texts(task.value.get("notify")):
            if name not in names and "{{" not in name and not task.play.get("roles"):
                message = f"notifies {name}, and no handler has that name"
                yield task.problem(
                    "error", "no-handler", message, _near(name, frozenset(names)), "notify"
                )


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [str(one) for one in value] if isinstance(value, list) else []
