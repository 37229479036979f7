"""What a script would change or reach: files, services, hosts, packages, objects of a cluster."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.code.shell.commands import Command
from tools.code.shell.script import Script
from tools.code.wordlist import words

_HOST = re.compile(
    r"(?:https?|ftp|postgres(?:ql)?|mysql|redis|amqp|mongodb)://(?:[^/\s@]+@)?([^/\s\"']+)"
)
_FILES = {
    "rm": "deletes",
    "rmdir": "deletes",
    "shred": "deletes",
    "unlink": "deletes",
    "touch": "writes",
    "truncate": "empties",
    "mkdir": "creates",
    "chmod": "changes the rights of",
    "chown": "changes the owner of",
    "tee": "writes",
}
_FIRST_IS_NO_FILE = ("chmod", "chown", "chgrp")
_SERVICE_VERBS = words("start stop restart reload enable disable mask unmask reset-failed kill")
_READS_ONLY = words(
    """
    get describe logs top explain version config cluster-info api-resources wait diff auth
    """
)
_HOST_OPTIONS = ("h", "--host", "H")


def touched(script: Script) -> Iterator[str]:
    """A line for each thing, in the order of the script; variables stand as they are written."""
    for command in script.commands:
        yield from _files(command, script)
        yield from _services(command)
        yield from _cluster(command)
        yield from _hosts(command, script)
        yield from _others(command)


def _files(command: Command, script: Script) -> Iterator[str]:
    resolved = script.variables.resolved
    for redirect in command.redirects:
        if redirect.writes and redirect.target:
            path = resolved(redirect.target)
            if not path.startswith(("/dev/null", "/dev/std", "/dev/tty", "/dev/fd", "&")):
                verb = "appends to" if ">>" in redirect.operator else "writes"
                yield f"{verb} {path}"
    words = command.own_options.rest
    if command.name in _FILES:
        targets = words[1:] if command.name in _FIRST_IS_NO_FILE else words
        yield from (f"{_FILES[command.name]} {resolved(word)}" for word in targets)
        if not targets and command.has_wrapper("xargs", "parallel"):
            yield f"{_FILES[command.name]} whatever it is given on standard input"
    elif command.name in ("cp", "mv", "install", "ln", "rsync", "scp") and len(words) > 1:
        if command.name == "mv":
            yield from (f"moves {resolved(word)}" for word in words[:-1])
        yield f"writes {resolved(words[-1])}"
    elif command.name == "sed" and any(
        value.startswith(("-i", "--in-place")) for value in command.values
    ):
        yield from (
            f"edits {resolved(word)}" for word in words if "/" in word.value or word.expansions
        )
    elif command.name == "find" and "-delete" in command.values and words:
        yield f"deletes files below {resolved(words[0])}"
    elif command.name == "dd":
        yield from (f"writes {value[3:]}" for value in command.values if value.startswith("of="))


def _services(command: Command) -> Iterator[str]:
    values = command.own_options.rest_values
    if command.name == "systemctl" and values and values[0] in _SERVICE_VERBS:
        yield from (f"service {name}: {values[0]}" for name in values[1:])
    elif command.name in ("service", "rc-service") and len(values) > 1 and values[1] != "status":
        yield f"service {values[0]}: {values[1]}"
    elif command.name == "supervisorctl" and len(values) > 1 and values[0] in _SERVICE_VERBS:
        yield from (f"service {name}: {values[0]} (supervisor)" for name in values[1:])
    elif command.name in ("kill", "pkill", "killall"):
        yield f"processes: {command.name} {' '.join(values) or ' '.join(command.values)}"


def _cluster(command: Command) -> Iterator[str]:
    options = command.own_options
    values = options.rest_values
    if command.name in ("kubectl", "oc") and values and values[0] not in _READS_ONLY:
        namespace = options.word("n", "--namespace")
        where = namespace.value.removeprefix("--namespace=") if namespace else "the current one"
        yield f"kubernetes, namespace {where}: {' '.join(values)}"
    elif (
        command.name
        in (
            "docker",
            "podman",
            "docker-compose",
            "helm",
            "terraform",
            "aws",
            "gcloud",
            "az",
        )
        and values
        and not {"ps", "logs", "inspect", "images", "plan", "ls", "list"} & set(values[:2])
    ):
        yield f"{command.name}: {' '.join(values)}"


def _hosts(command: Command, script: Script) -> Iterator[str]:
    for word in command.arguments:
        for host in _HOST.findall(script.variables.resolved(word)):
            yield f"host {host}"
    if command.is_inner:
        return
    values = command.own_options.rest_values
    if command.name == "ssh" and values:
        yield f"host {values[0]}"
    elif command.name in ("scp", "rsync"):
        yield from (
            f"host {value.partition(':')[0]}" for value in values if re.match(r"[\w@.$-]+:", value)
        )
    elif command.name in ("psql", "mysql", "pg_dump", "mysqldump", "redis-cli"):
        host = command.own_options.word(*_HOST_OPTIONS)
        yield f"database through {command.name}" + (f", host {host.value}" if host else "")


def _others(command: Command) -> Iterator[str]:
    values = command.own_options.rest_values
    if command.name in ("apt-get", "apt", "yum", "dnf", "pip", "pip3", "npm") and values:
        if values[0] in ("install", "remove", "purge", "upgrade", "autoremove", "update"):
            yield f"packages: {command.name} {' '.join(values)}"
    elif command.name in ("iptables", "ip6tables", "nft", "ufw", "ip", "sysctl", "mount", "umount"):
        if command.name != "ip" or {"add", "del", "set", "flush"} & set(values):
            yield f"system: {command.name} {' '.join(command.values)}"
    elif command.name == "crontab" and "-l" not in command.values:
        yield f"system: crontab {' '.join(command.values)}".rstrip()
    elif (
        command.name == "git"
        and values
        and values[0] in ("push", "reset", "clean", "checkout", "pull")
    ):
        yield f"repository: git {' '.join(values)}"
