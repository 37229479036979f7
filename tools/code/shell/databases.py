"""Rules for statements that a script hands to a database: in an option, a heredoc, or a pipe."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.code.report import Danger
from tools.code.shell.commands import Command
from tools.code.shell.danger import Rule, danger_of
from tools.code.shell.patterns import Pattern, matched
from tools.code.shell.script import Script
from tools.code.shell.tree import below, pipeline_of
from tools.code.shell.words import word_of

# Client -> dialect, and its options that take SQL.
_CLIENTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "psql": ("postgres", ("c", "--command")),
    "mysql": ("mysql", ("e", "--execute")),
    "mariadb": ("mysql", ("e", "--execute")),
    "sqlite3": ("sqlite", ("--cmd",)),
    "sqlcmd": ("tsql", ("Q", "q")),
    "clickhouse-client": ("clickhouse", ("q", "--query")),
    "cockroach": ("postgres", ("e", "--execute")),
}
_BACKUP = "make sure of a backup that has been restored once, and of the host it talks to"
_ORDERS = re.compile(r"\b(FLUSHALL|FLUSHDB|SHUTDOWN|DEBUG\s+SLEEP)\b", re.IGNORECASE)
_MONGO = re.compile(
    r"dropDatabase|\.drop\(|deleteMany\(\s*(\{\s*\})?\s*\)|\.remove\(\s*(\{\s*\})?\s*\)"
)

PATTERNS = (
    Pattern(
        ("dropdb", "dropuser", "mysqladmin drop"), "drops a database or role for good", _BACKUP
    ),
    Pattern(
        (
            "rabbitmqctl reset",
            "rabbitmqctl force_reset",
            "rabbitmqctl purge_queue",
            "rabbitmqctl delete_queue",
        ),
        "throws away messages or a broker's whole state",
        "look at the queues first: rabbitmqctl list_queues",
    ),
    Pattern(
        ("kafka-topics", "kafka-topics.sh"),
        "deletes a topic with its messages",
        _BACKUP,
        ("--delete",),
    ),
    Pattern(
        ("kafka-consumer-groups", "kafka-consumer-groups.sh"),
        "moves a consumer group: messages are read twice or never",
        "run it with --dry-run first",
        ("--execute",),
    ),
)


def statements(command: Command, script: Script) -> Iterator[Danger]:
    """What the SQL that the client is given destroys."""
    if command.name not in _CLIENTS:
        return
    from tools.code.sql.dangers import sql_dangers

    dialect, options = _CLIENTS[command.name]
    for sql in _given(command, options):
        for danger in sql_dangers(_filled(sql), dialect):
            yield danger_of(command, danger.what, danger.advice)


def _given(command: Command, options: tuple[str, ...]) -> Iterator[str]:
    """The SQL in its options, in its operands (sqlite3), on its standard input."""
    values = command.values
    for at, value in enumerate(values):
        for option in options:
            flag = f"-{option}" if len(option) == 1 else option
            if value == flag and at + 1 < len(values):
                yield values[at + 1]
            elif value.startswith(f"{flag}="):
                yield value.partition("=")[2]
            elif len(option) == 1 and re.fullmatch(rf"-[A-Za-z]+{option}", value):
                yield from values[at + 1 : at + 2]
    if command.name == "sqlite3":
        yield from command.own_options.rest_values[1:]
    yield command.stdin
    yield from _piped(command)


def _piped(command: Command) -> Iterator[str]:
    """What `echo` or `printf` writes into the client."""
    pipeline = pipeline_of(command.node)
    for node in below(pipeline, "command") if pipeline is not None else ():
        name, *words = [word_of(child) for child in node.named_children]
        if node.end_byte <= command.node.start_byte and name.value in ("echo", "printf"):
            yield " ".join(word.value for word in words if not word.value.startswith("-"))


def _filled(sql: str) -> str:
    """The SQL with the shell's variables as names, because `$x` is no SQL."""
    return re.sub(r"\$\{?(\w+)[^}\s]*\}?|\$\([^)]*\)", r"shell_\1", sql)


def orders(command: Command, script: Script) -> Iterator[Danger]:
    """`redis-cli FLUSHALL`, a mongo shell's drops, `curl -X DELETE` at a search index."""
    text = " ".join([*command.values, command.stdin])
    if command.name in ("redis-cli", "valkey-cli") and (found := _ORDERS.search(text)):
        yield danger_of(command, f"empties or stops the whole store: {found.group()}", _BACKUP)
    if command.name in ("mongo", "mongosh") and (found := _MONGO.search(text)):
        yield danger_of(command, f"deletes a collection or database: {found.group()}", _BACKUP)
    if command.name == "curl" and _is_delete(command):
        what = "deletes what stands at an address, without asking"
        yield danger_of(command, what, "GET it first, and look what the address matches")


def _is_delete(command: Command) -> bool:
    method = command.own_options.word("X", "--request")
    return (
        method is not None
        and method.value.partition("=")[2 if "=" in method.value else 0] == ("DELETE")
    ) or "-XDELETE" in command.values


def by_pattern(command: Command, script: Script) -> Iterator[Danger]:
    """What the table says."""
    yield from matched(command, PATTERNS)


RULES: tuple[Rule, ...] = (statements, orders, by_pattern)
