"""Rules for what works on the day it is written: races, leftovers, checks left out."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.code.report import Problem, own_problem
from tools.code.shell.commands import Command
from tools.code.shell.rules import ScriptRule, note_at, warning_at
from tools.code.shell.script import Script
from tools.code.shell.tree import text_of
from tools.code.shell.words import Word

_FIXED_TEMPORARY = re.compile(r"/(var/)?tmp/[\w./-]*(\$\$|\w)[\w./$-]*$")
# Service -> the command that checks its configuration.
_CONFIG_CHECKS = {
    "nginx": "nginx -t",
    "apache2": "apachectl configtest",
    "httpd": "apachectl configtest",
    "sshd": "sshd -t",
    "ssh": "sshd -t",
    "haproxy": "haproxy -c",
    "named": "named-checkconf",
    "bind9": "named-checkconf",
    "postfix": "postfix check",
    "prometheus": "promtool check",
    "alertmanager": "amtool check-config",
    "rsyslog": "rsyslogd -N1",
    "unbound": "unbound-checkconf",
}
_KUBECTL_CHANGES = (
    "delete",
    "scale",
    "apply",
    "patch",
    "rollout",
    "edit",
    "set",
    "label",
    "annotate",
    "replace",
)
_CLUSTER_WIDE = ("node", "nodes", "ns", "namespace", "pv", "crd", "clusterrole", "no")


def temporary_names(script: Script) -> Iterator[Problem]:
    """A file of a fixed name in /tmp: two runs, or another user, write into each other's."""
    if any(one.name == "mktemp" for one in script.commands):
        return
    for command in script.own_commands:
        for word in _written(command):
            if _FIXED_TEMPORARY.match(script.variables.resolved(word)):
                message = "has a name that two runs share, and that another user can take first"
                yield warning_at(command.node, "fixed-temporary", message, "file=$(mktemp)")


def _written(command: Command) -> list[Word]:
    words = [one.target for one in command.redirects if one.writes and one.target]
    if command.name in ("tee", "touch"):
        words += command.own_options.rest
    return words


def leftovers(script: Script) -> Iterator[Problem]:
    """`mktemp` without a `trap` that removes it."""
    made = [one for one in script.own_commands if one.name == "mktemp"]
    is_cleaned = any(one.name == "trap" for one in script.own_commands)
    if made and not is_cleaned:
        fix = "trap 'rm -rf -- \"$tmp\"' EXIT"
        yield note_at(made[0].node, "leftover", "stays behind when the script ends early", fix)


def lock_races(script: Script) -> Iterator[Problem]:
    """A lock that is looked at first and made after: two runs may both pass."""
    for node in script.of_type("test_command"):
        found = re.search(
            r"-[ef]\s+\"?([\w$/.{}-]*lock[\w$/.{}-]*|[\w$/.{}-]*\.pid|\$\{?LOCK\w*\}?)",
            text_of(node),
            re.I,
        )
        if found and any(
            found[1] in word.value for one in script.own_commands for word in _written(one)
        ):
            message = "two runs may both find no lock, and a killed run leaves it for ever"
            yield warning_at(node, "lock-race", message, "exec 9>lock; flock -n 9 || exit 1")
            return


def unchecked_configuration(script: Script) -> Iterator[Problem]:
    """A service that is restarted after its configuration was changed, and no check of that."""
    changed = " ".join(one.text for one in script.own_commands if _changes_configuration(one))
    for command in script.commands:
        if not command.is_call("systemctl restart", "systemctl reload", "service"):
            continue
        for name in command.own_options.rest_values:
            check = _CONFIG_CHECKS.get(name.removesuffix(".service"), "")
            folder = name.removesuffix(".service").removesuffix("d") if "ssh" in name else name
            if (
                check
                and f"/etc/{folder}" in changed
                and check.split()[0] + " " not in _other_text(command, script)
            ):
                message = f"restarts {name} on a configuration that nothing has checked"
                yield warning_at(command.node, "configuration-unchecked", message, f"{check} && …")


def _changes_configuration(command: Command) -> bool:
    writes = any(one.writes for one in command.redirects)
    return writes or command.name in ("sed", "cp", "mv", "tee", "install", "ln", "perl", "patch")


def _other_text(command: Command, script: Script) -> str:
    return " ".join(f"{one.text} " for one in script.commands if one is not command and one.name)


def unnamed_cluster(script: Script) -> Iterator[Problem]:
    """`kubectl` that changes something in whatever namespace happens to be set."""
    for command in script.own_commands:
        if command.name not in ("kubectl", "oc"):
            continue
        options = command.own_options
        verb, *rest = options.rest_values or ("",)
        if (
            verb in _KUBECTL_CHANGES
            and not options.has("n", "--namespace", "A", "--all-namespaces")
            and not (rest and rest[0].split("/")[0] in _CLUSTER_WIDE)
            and not options.has("f", "k")
        ):
            message = "works in whatever namespace and context happen to be set"
            yield warning_at(command.node, "no-namespace", message, "kubectl --context … -n …")


def moved_logs(script: Script) -> Iterator[Problem]:
    """A log that is moved away while its process goes on writing to it."""
    if re.search(
        r"-HUP|-USR1|reload|restart|reopen|postrotate|logrotate|copytruncate", script.code
    ):
        return
    for command in script.own_commands:
        if command.name == "mv" and any(value.endswith(".log") for value in command.values[:-1]):
            message = "its process goes on writing to the moved file"
            yield warning_at(
                command.node, "moved-log", message, "logrotate, or a signal to reopen it"
            )


def hard_kills(script: Script) -> Iterator[Problem]:
    """`kill -9` with no gentler try before."""
    for command in script.own_commands:
        is_hard = {"-9", "-KILL", "-SIGKILL"} & set(command.values)
        if (
            command.name in ("kill", "pkill", "killall")
            and is_hard
            and _is_first_kill(command, script)
        ):
            message = "gives the process no chance to write what it holds and to clean up"
            yield warning_at(command.node, "kill-9", message, "kill, wait a little, then kill -9")


def _is_first_kill(command: Command, script: Script) -> bool:
    kills = [
        one for one in script.own_commands if one.name in ("kill", "pkill", "killall", "systemctl")
    ]
    return kills[0] is command


def whole_numbers(script: Script) -> Iterator[Problem]:
    """A load or a share with a decimal point in a comparison of whole numbers."""
    for node in script.of_type("test_command", "compound_statement"):
        text = text_of(node)
        if not re.search(r"-(gt|lt|ge|le|eq|ne)\b|^\(\(", text):
            continue
        for name in re.findall(r"\$?\{?([A-Za-z_]\w*)", text):
            for word in script.variables.assigned.get(name, ()):
                if (
                    re.search(r"loadavg|\buptime\b|scale=|%\.\d*f", word.value)
                    and "cut -d." not in word.value
                ):
                    message = (
                        f"${name} has a decimal point, and only whole numbers are compared here"
                    )
                    yield own_problem(
                        node.start_point[0] + 1, "warning", "decimal", message, "awk, or bc -l"
                    )


RULES: tuple[ScriptRule, ...] = (
    temporary_names,
    leftovers,
    lock_races,
    unchecked_configuration,
    unnamed_cluster,
    moved_logs,
    hard_kills,
    whole_numbers,
)
