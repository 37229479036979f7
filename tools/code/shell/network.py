"""Rules for what comes from or goes to elsewhere: downloaded code, secrets, unchecked hosts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tools.code.report import Danger
from tools.code.shell.commands import Command
from tools.code.shell.danger import Rule, danger_of
from tools.code.shell.inner import SHELLS
from tools.code.shell.script import Script
from tools.code.shell.tree import below, pipeline_of, text_of
from tools.code.shell.words import Expansion

_INTERPRETERS = (*SHELLS, "python", "python3", "perl", "ruby", "node", "source", ".", "eval")
_FETCHES = re.compile(r"(^|[\s(/])(curl|wget|fetch)\s")
_SECRET_NAME = (
    r"\w*(PASS(WORD|WD|PHRASE)?|TOKEN|SECRET|API_?KEY|ACCESS_?KEY|CREDENTIALS?|PRIVATE_?KEY)\w*"
)
_SECRET = re.compile(rf"\$\{{?{_SECRET_NAME}\b", re.IGNORECASE)
_AUTH = re.compile(r"(?i)(authorization:|bearer |x-api-key:|x-vault-token:|private-token:)")
# Calls -> their options whose next word is a secret, and what one is attached to.
_SECRET_OPTIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    **dict.fromkeys(
        ("mysql", "mysqldump", "mysqladmin", "mariadb", "mariadb-dump"), ((), ("-p", "--password="))
    ),
    **dict.fromkeys(("mongo", "mongosh", "mongodump"), (("-p", "--password"), ("--password=",))),
    "redis-cli": (("-a", "--pass"), ()),
    "sshpass": (("-p",), ("-p",)),
    "docker login": (("-p", "--password"), ("--password=",)),
    "curl": (("-u", "--user"), ("--user=",)),
    "wget": ((), ("--password=", "--http-password=")),
    "ldapsearch": (("-w",), ()),
    "openssl": (("-pass", "-passin", "-passout", "-k"), ()),
}
_BUILTINS = ("", "echo", "printf", "export", "[", "test", "read", "local", "declare")
_URL_SECRET = re.compile(r"\w+://[^\s/:@]+:([^\s@/]+)@")


def downloaded_code(command: Command, script: Script) -> Iterator[Danger]:
    """`curl … | bash`, `bash <(curl …)`, `eval "$(curl …)"`."""
    if command.name not in _INTERPRETERS:
        return
    if any(word.has_substitution and _FETCHES.search(word.value) for word in command.arguments):
        yield _runs_download(command)
        return
    pipeline = pipeline_of(command.node)
    if pipeline is None or command.is_inner:
        return
    reads_stdin = not command.own_options.rest or command.values[:1] in (
        ["-"],
        ["-s"],
        ["/dev/stdin"],
    )
    before = [
        text_of(node)
        for node in below(pipeline, "command")
        if node.end_byte <= command.node.start_byte
    ]
    if reads_stdin and any(_FETCHES.search(text) for text in before):
        yield _runs_download(command)


def _runs_download(command: Command) -> Danger:
    what = "runs code from the network unseen"
    return danger_of(command, what, "save it, compare its checksum, read it, then run it")


def evaluated_input(command: Command, script: Script) -> Iterator[Danger]:
    """`eval` and `bash -c` of what arguments, input or variables hold."""
    if command.name == "eval":
        words = command.arguments
        if any(_is_from_outside(script, word.expansions) for word in words):
            what = "runs whatever a variable holds as a command"
            yield danger_of(command, what, "call the command itself, its arguments in an array")
    elif command.name in SHELLS and "-c" in command.values:
        at = command.values.index("-c") + 1
        for word in command.arguments[at : at + 1]:
            if (
                word.leading is not None
                and word.value == word.text.strip('"')
                and _is_from_outside(script, word.expansions)
            ):
                what = "runs whatever a variable holds as a command"
                yield danger_of(command, what, "call the command itself, its arguments in an array")


def _is_from_outside(script: Script, expansions: Iterable[Expansion]) -> bool:
    return any(script.variables.literal(one.name) is None for one in expansions)


def shown_secrets(command: Command, script: Script) -> Iterator[Danger]:
    """Secrets on a command line, where every user sees them in the process list."""
    if command.is_inner or command.name in _BUILTINS:
        return
    calls = [call for call in _SECRET_OPTIONS if command.is_call(call)]
    separate, attached = _SECRET_OPTIONS[calls[0]] if calls else ((), ())
    for before, value in zip(["", *command.values], command.values, strict=False):
        is_given = before in separate and _is_secret(command.name, value)
        is_given = is_given or any(value.startswith(one) and value != one for one in attached)
        if is_given or _tells_itself(value):
            what = "shows a secret in the process list, and in a trace of the script"
            yield danger_of(
                command, what, "pass it by a file with mode 600, by stdin or the environment"
            )
            return


def _is_secret(program: str, value: str) -> bool:
    """Whether the option's value is a secret: curl's may be a user alone, openssl's a file."""
    if program == "curl":
        return ":" in value or bool(_SECRET.search(value))
    return program != "openssl" or value.startswith("pass:") or bool(_SECRET.search(value))


def _tells_itself(value: str) -> bool:
    """A header with a token, an address with a password, an option with a variable of that name."""
    url = _URL_SECRET.search(value)
    if url is not None and not url.group(1).startswith("*"):
        return True
    is_header = bool(_AUTH.search(value)) and "$" in value
    return is_header or (value.startswith("--") and bool(_SECRET.search(value)))


def logged_secrets(command: Command, script: Script) -> Iterator[Danger]:
    """`echo $TOKEN`, and secrets used while `set -x` writes every command to a log."""
    if (
        command.name in ("echo", "printf")
        and any(_SECRET.search(word.value) and word.expansions for word in command.arguments)
        and pipeline_of(command.node) is None
        and not any(one.writes for one in command.redirects)
    ):
        yield danger_of(command, "writes a secret to the output", "print its length or nothing")
    if (
        command.name == "set"
        and any(value == "xtrace" or re.fullmatch(r"-\w*x\w*", value) for value in command.values)
        and _SECRET.search(script.code)
    ):
        what = "traces every command: secrets end up in the log"
        yield danger_of(command, what, "leave set -x out, or set +x around the secret")


def unchecked_hosts(command: Command, script: Script) -> Iterator[Danger]:
    """`curl -k`, `ssh -o StrictHostKeyChecking=no`, and their like."""
    options = command.own_options
    if (command.name == "curl" and options.has("k", "--insecure", "--proxy-insecure")) or (
        command.name == "wget" and options.has("--no-check-certificate")
    ):
        what = "does not check who answers: anyone between can read and change it"
        yield danger_of(command, what, "give the CA: --cacert FILE")
    if command.name in ("ssh", "scp", "sftp", "rsync", "ssh-keyscan") and re.search(
        r"StrictHostKeyChecking[= ]no|UserKnownHostsFile[= ]/dev/null", " ".join(command.values)
    ):
        what = "does not check which host it talks to"
        yield danger_of(command, what, "add the host's key once: ssh-keyscan, compared by hand")


RULES: tuple[Rule, ...] = (
    downloaded_code,
    evaluated_input,
    shown_secrets,
    logged_secrets,
    unchecked_hosts,
)
