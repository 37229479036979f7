"""The check of an Ansible playbook or task file: its structure, its tasks, what they touch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tools.code.ansible.dangers import play_dangers, task_dangers
from tools.code.ansible.habits import command_text, habit_problems
from tools.code.ansible.structure import structure_problems
from tools.code.ansible.tasks import Task, plays_of, tasks_of
from tools.code.documents.check import unreadable, yaml_tool
from tools.code.documents.faults import fixed_secrets, yaml_problems
from tools.code.documents.loading import Document, DocumentUnreadable, read_documents
from tools.code.report import CodeReport, Danger, Problem

_DRY_RUN = "ansible-playbook --check --diff playbook.yml"
_NOT_CHECKED = "arguments of modules: ansible-lint is not used here"
_FILES = (
    "file",
    "copy",
    "template",
    "lineinfile",
    "blockinfile",
    "replace",
    "unarchive",
    "get_url",
)
_SERVICES = ("service", "systemd", "systemd_service", "sysvinit", "supervisorctl")
_PACKAGES = ("apt", "yum", "dnf", "package", "pip", "npm", "snap")


def check_ansible(code: str) -> CodeReport:
    """The report of a playbook, or of a list of tasks as a role has it."""
    try:
        documents = read_documents(code)
    except DocumentUnreadable as error:
        return unreadable("ansible", error.problem)
    tasks = list(tasks_of(documents, code))
    is_playbook = any(True for _ in plays_of(documents))
    return CodeReport(
        "ansible",
        tuple(_problems(documents, tasks)),
        tuple(_dangers(documents, tasks, code)),
        tuple(_touched(documents, tasks)),
        _DRY_RUN if is_playbook else "",
        (yaml_tool(), "own rules for Ansible"),
        (_NOT_CHECKED,),
    )


def _problems(documents: Sequence[Document], tasks: Sequence[Task]) -> Iterator[Problem]:
    yield from yaml_problems(documents)
    yield from structure_problems(documents, tasks)
    for task in tasks:
        yield from habit_problems(task)


def _dangers(documents: Sequence[Document], tasks: Sequence[Task], code: str) -> Iterator[Danger]:
    for task in tasks:
        yield from task_dangers(task)
    yield from play_dangers(tasks)
    yield from fixed_secrets(documents, code)


def _touched(documents: Sequence[Document], tasks: Sequence[Task]) -> Iterator[str]:
    for _, _, play in plays_of(documents):
        if "hosts" in play:
            yield f"hosts {play['hosts']}"
    for task in tasks:
        yield from _of_task(task)


def _of_task(task: Task) -> Iterator[str]:
    arguments = task.arguments
    name = arguments.get("name") or arguments.get("pkg") or ""
    state = arguments.get("state", "")
    path = arguments.get("path") or arguments.get("dest")
    if task.module in _FILES and path:
        yield f"{'deletes' if state == 'absent' else 'writes'} {path}"
    elif task.module in _SERVICES and name:
        yield f"service {name}: {state or 'changed'}"
    elif task.module in _PACKAGES and name:
        yield f"packages: {name if isinstance(name, str) else ', '.join(map(str, name))}"
    elif text := command_text(task):
        yield f"runs {text.strip()}"
