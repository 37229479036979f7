"""Rules for tasks that destroy, open or stop something, and for plays that do so everywhere."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tools.code.ansible.habits import command_text
from tools.code.ansible.tasks import Task
from tools.code.report import Danger
from tools.code.shell.paths import is_data_folder, is_system_folder

_LOOK = "run it with --check --diff and --limit on one host first"
_TEMPLATE = re.compile(r"\{\{.*?\}\}")
_DEFAULT = re.compile(r"\{\{[^}]*\|\s*(mandatory|default\((?!\s*['\"]{2})[^)]+\))")
_REMOTE_ACCESS = ("sshd", "ssh", "networking", "NetworkManager", "network", "firewalld")


def task_dangers(task: Task) -> Iterator[Danger]:
    """All that the rules say of one task."""
    for rule in (_removed, _commands, _unchecked, _services, _rights, _databases, _machines):
        yield from rule(task)


def _removed(task: Task) -> Iterator[Danger]:
    arguments = task.arguments
    path = str(arguments.get("path") or arguments.get("dest") or arguments.get("name") or "")
    if arguments.get("state") != "absent":
        return
    if task.module == "file":
        if is_system_folder(path) or is_data_folder(path):
            yield task.danger(f"deletes {path} with all below", _LOOK)
        elif _is_uncertain(path, task):
            what = f"deletes, with all below, whatever {path} comes to"
            yield task.danger(what, "assert that the variable is defined and not empty before")
    elif task.module in ("user",) and arguments.get("remove") in (True, "yes"):
        yield task.danger("deletes a user with the home folder", "lock it: password_lock: true")
    elif task.module in (
        "lvol",
        "lvg",
        "filesystem",
        "parted",
        "docker_volume",
        "s3_bucket",
        "zfs",
    ):
        yield task.danger("destroys a volume and all that is on it", _LOOK)
    elif task.module in ("k8s", "kubernetes", "helm"):
        yield task.danger("deletes objects of the cluster", _LOOK)


def _is_uncertain(path: str, task: Task) -> bool:
    """Whether the path begins with, or ends in, a variable that may be empty or is not known."""
    if not _TEMPLATE.search(path) or _DEFAULT.search(path) or "item" in path:
        return False
    conditions = str(task.value.get("when", ""))
    name = re.search(r"\{\{\s*(\w+)", path)
    if name and name[1] in conditions:
        return False
    own = task.play.get("vars")
    known = own.get(name[1]) if name and isinstance(own, dict) else None
    literal = _TEMPLATE.sub("", path).strip("/")
    return not known and (
        "/" not in literal or path.startswith("{{") or path.endswith(("}}", "}}/"))
    )


def _commands(task: Task) -> Iterator[Danger]:
    """What the shell rules say of a command task, its templates as variables."""
    text = command_text(task)
    if not text:
        return
    from tools.code.shell.check import dangers_of
    from tools.code.shell.script import read_script

    plain = re.sub(r"\{\{\s*(\w+)[^}]*\}\}", lambda found: f"${{{found[1]}}}", text)
    for danger in dangers_of(read_script(plain)):
        yield task.danger(danger.what.replace("$", ""), _LOOK)


def _unchecked(task: Task) -> Iterator[Danger]:
    for key in ("validate_certs", "ssl_verify", "verify_ssl"):
        if task.arguments.get(key) in (False, "no", "false"):
            what = "does not check who answers: anyone between can read and change it"
            yield task.danger(what, "give the CA: ca_path")
    if task.arguments.get("disable_gpg_check") in (True, "yes") or task.arguments.get(
        "allow_unauthenticated"
    ):
        yield task.danger("installs packages that nobody has signed", "import the key")


def _services(task: Task) -> Iterator[Danger]:
    name = str(task.arguments.get("name") or task.arguments.get("_raw") or "")
    state = task.arguments.get("state")
    stops = state in ("stopped", "absent") or task.arguments.get("enabled") in (False, "no")
    if (
        task.module in ("service", "systemd", "systemd_service", "sysvinit")
        and stops
        and name.removesuffix(".service") in _REMOTE_ACCESS
    ):
        yield task.danger(f"stops {name}: nobody reaches the hosts any more", _LOOK)
    if task.module in ("selinux", "ufw", "firewalld") and state in (
        "disabled",
        "permissive",
        "reset",
    ):
        yield task.danger(
            "takes a protection of the whole host away", "change the one rule in the way"
        )
    if task.module == "iptables" and task.arguments.get("flush") in (True, "yes"):
        yield task.danger("removes every firewall rule", "remove the one rule")


def _rights(task: Task) -> Iterator[Danger]:
    mode = str(task.arguments.get("mode", ""))
    if re.fullmatch(r"0?[0-7][0-7][2367]", mode) or re.search(r"\b[oa]\+\w*w", mode):
        yield task.danger(
            "lets every user of the host change it", 'mode: "0640", with owner and group'
        )
    text = " ".join(map(str, task.arguments.values()))
    if (
        task.module in ("copy", "lineinfile", "blockinfile", "template")
        and "NOPASSWD" in text
        and re.search(r"NOPASSWD:\s*ALL", text)
    ):
        yield task.danger(
            "lets a user become root without a password", "name the commands that it needs"
        )


def _databases(task: Task) -> Iterator[Danger]:
    if (
        task.module in ("mysql_db", "postgresql_db", "mongodb_db")
        and task.arguments.get("state") == "absent"
    ):
        yield task.danger("drops a database for good", "take a dump first: state: dump")
    if task.module in ("postgresql_query", "mysql_query"):
        from tools.code.sql.dangers import sql_dangers

        dialect = "mysql" if task.module == "mysql_query" else "postgres"
        query = task.arguments.get("query")
        for text in query if isinstance(query, list) else [query]:
            for danger in sql_dangers(_TEMPLATE.sub("some_value", str(text or "")), dialect):
                yield task.danger(danger.what, danger.advice)


def _machines(task: Task) -> Iterator[Danger]:
    """A reboot, or a restart of a service, of every host at once."""
    hosts, is_bounded = (
        str(task.play.get("hosts", "")),
        "serial" in task.play or "throttle" in task.value,
    )
    if task.module == "reboot" and not is_bounded and hosts not in ("localhost", "127.0.0.1"):
        yield task.danger(
            "restarts every host of the play at once", "serial: 1, and a check between"
        )


def play_dangers(tasks: Sequence[Task]) -> Iterator[Danger]:
    """Services that are restarted on every host of the inventory at once."""
    for task in tasks:
        is_everywhere = str(task.play.get("hosts", "")) == "all" and "serial" not in task.play
        is_restart = task.arguments.get("state") in ("restarted", "stopped")
        if is_everywhere and is_restart and "throttle" not in task.value and not task.is_handler:
            yield task.danger(
                "does so on every host of the inventory at once", "serial: 1, or a group"
            )
