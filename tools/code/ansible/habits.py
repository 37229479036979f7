"""Rules for tasks that run, and change more, less or other things than meant."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.code.ansible.tasks import Task
from tools.code.ansible.vocabulary import COMMANDS
from tools.code.report import Problem, Severity

_SHELL_MARKS = re.compile(r"[|<>;&*$`~?]|\bsource\b|^\s*\w+=")
_READS = re.compile(
    r"^\s*(sudo\s+)?(\S*/)?(cat|grep|ls|df|du|stat|which|uptime|id|getent|systemctl (status|"
    r"is-active|"
    r"is-enabled|show)|kubectl get|docker ps|test|hostname|date|free|ps|uname|nginx -t|visudo -c)\b"
)
_SECRET = re.compile(r"(?i)\b\w*(password|passwd|secret|token|api_key)\w*\b")
_OWN_MODULES = {
    "systemctl": "systemd",
    "service": "service",
    "apt-get": "apt",
    "apt": "apt",
    "yum": "yum",
    "dnf": "dnf",
    "pip": "pip",
    "git clone": "git",
    "mkdir": "file",
    "chmod": "file",
    "chown": "file",
    "rm": "file",
    "ln": "file",
    "curl": "get_url or uri",
    "wget": "get_url",
    "sed -i": "lineinfile or replace",
    "useradd": "user",
    "crontab": "cron",
    "mount": "mount",
    "rsync": "synchronize",
    "unzip": "unarchive",
    "tar x": "unarchive",
}


def habit_problems(task: Task) -> Iterator[Problem]:
    """All that the rules find in one task."""
    for rule in (
        _unknown_change,
        _ignored,
        _modes,
        _shown,
        _conditions,
        _newest,
        _validation,
        _names,
    ):
        yield from rule(task)


def command_text(task: Task) -> str:
    """The command line of a command task; empty for others."""
    if task.module not in COMMANDS:
        return ""
    arguments = task.arguments
    parts = arguments.get("argv")
    if isinstance(parts, list):
        return " ".join(map(str, parts))
    return str(arguments.get("cmd") or arguments.get("_raw") or "")


def _unknown_change(task: Task) -> Iterator[Problem]:
    text = command_text(task)
    if not text:
        return
    guards = {"creates", "removes"} & set(task.arguments) or "changed_when" in task.value
    if not guards and not task.is_handler:
        message = "reports a change on every run: nothing says when it changes something"
        fix = "changed_when: false" if _READS.match(text) else "creates: …, or changed_when: …"
        yield task.problem("warning", "changed-when", message, fix)
    if task.module == "shell" and not _SHELL_MARKS.search(text):
        yield task.problem("info", "shell", "needs no shell", "ansible.builtin.command")
    if task.module == "command" and re.search(r"\s[|<>]\s|&&|;\s", text):
        message = "command starts no shell: | > && are handed over as words"
        yield task.problem("error", "no-shell", message, "ansible.builtin.shell")
    if task.module == "shell" and "|" in text.replace("||", "") and "pipefail" not in text:
        message = "only the last command of the pipe decides whether it failed"
        yield task.problem(
            "warning", "no-pipefail", message, "set -o pipefail, executable: /bin/bash"
        )
    for start, module in _OWN_MODULES.items():
        if text.startswith(f"{start} ") and not _READS.match(text):
            yield task.problem("info", "own-module", f"there is a module for {start}", module)


def _ignored(task: Task) -> Iterator[Problem]:
    if task.value.get("ignore_errors") in (True, "yes", "true"):
        message = "goes on whatever fails"
        yield task.problem(
            "warning",
            "ignored",
            message,
            "failed_when: with the failure that is meant",
            "ignore_errors",
        )


def _modes(task: Task) -> Iterator[Problem]:
    """`mode: 644` is the decimal number; `0644` is read as octal, and becomes 420."""
    mode = task.arguments.get("mode")
    if isinstance(mode, int) and not isinstance(mode, bool):
        octal = f"{mode:o}" if _is_octal_literal(task) else str(mode)
        severity: Severity = "warning" if _is_octal_literal(task) else "error"
        message = "a mode that is a number depends on how YAML reads it"
        yield task.problem(severity, "mode", message, f'mode: "0{octal}"')


def _is_octal_literal(task: Task) -> bool:
    end = task.line + 15
    return any(
        re.search(r"\bmode:\s*0[0-7]{3}\b", line) for line in task.lines[task.line - 1 : end]
    )


def _shown(task: Task) -> Iterator[Problem]:
    text = " ".join(str(value) for value in task.arguments.values())
    has_secret = any(_SECRET.fullmatch(str(key)) for key in task.arguments) or (
        "{{" in text and _SECRET.search(" ".join(re.findall(r"\{\{(.*?)\}\}", text)))
    )
    if (
        has_secret
        and not task.value.get("no_log")
        and task.module not in ("set_fact", "include_vars", "assert")
    ):
        message = "writes a secret to the output and the log"
        yield task.problem("warning", "no-log", message, "no_log: true")


def _conditions(task: Task) -> Iterator[Problem]:
    for key in ("when", "changed_when", "failed_when", "until"):
        conditions = task.value.get(key)
        for one in conditions if isinstance(conditions, list) else [conditions]:
            if isinstance(one, str) and "{{" in one:
                message = f"{key} is an expression already: {{{{ }}}} in it is read twice"
                yield task.problem(
                    "warning",
                    "braces",
                    message,
                    one.replace("{{", "").replace("}}", "").strip(),
                    key,
                )
            if (
                isinstance(one, str)
                and re.search(r"[^=!<>]=[^=]", one)
                and '"' not in one
                and "'" not in one
            ):
                message = f"{one!r} compares with one equals sign"
                yield task.problem("error", "comparison", message, "==", key)
    if "until" in task.value and "retries" not in task.value:
        yield task.problem(
            "info", "retries", "tries three times, five seconds apart", "retries:, delay:", "until"
        )


def _newest(task: Task) -> Iterator[Problem]:
    if (
        task.module in ("apt", "yum", "dnf", "package", "pip", "npm")
        and task.arguments.get("state") == "latest"
    ):
        message = "installs whatever is newest on the day of the run"
        yield task.problem("warning", "latest", message, "state: present, and a version")
    if task.module == "git" and task.arguments.get("version") in (None, "HEAD", "master", "main"):
        message = "takes whatever the branch is on the day of the run"
        yield task.problem("info", "latest", message, "version: a tag or commit")


def _validation(task: Task) -> Iterator[Problem]:
    path = str(task.arguments.get("dest") or task.arguments.get("path") or "")
    checks = {
        "sudoers": "visudo -cf %s",
        "sshd_config": "sshd -t -f %s",
        "nginx.conf": "nginx -t -c %s",
    }
    for name, check in checks.items():
        if (
            name in path
            and task.module
            in (
                "template",
                "copy",
                "lineinfile",
                "blockinfile",
                "replace",
            )
            and "validate" not in task.arguments
        ):
            message = f"writes {path} without a check: a fault locks everybody out"
            yield task.problem("warning", "validate", message, f"validate: {check}")


def _names(task: Task) -> Iterator[Problem]:
    if not task.value.get("name") and task.module not in (
        "meta",
        "import_tasks",
        "include_tasks",
        "debug",
    ):
        yield task.problem("info", "no-name", "the task has no name to find it by", "name: …")
