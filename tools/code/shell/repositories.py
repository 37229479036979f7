"""Rules for git: what rewrites others' history, and what throws away uncommitted work."""

from __future__ import annotations

from collections.abc import Iterator

from tools.code.report import Danger
from tools.code.shell.commands import Command
from tools.code.shell.danger import Rule, danger_of
from tools.code.shell.patterns import Pattern, matched
from tools.code.shell.script import Script

PATTERNS = (
    Pattern(
        ("git push",),
        "overwrites the history that others have pulled",
        "use --force-with-lease on a branch of your own, or git revert",
        ("-f|--force|--mirror",),
    ),
    Pattern(
        ("git push",),
        "deletes a branch or tag for everyone",
        "make sure it is merged",
        ("-d|--delete",),
    ),
    Pattern(("git reset",), "throws uncommitted changes away", "git stash keeps them", ("--hard",)),
    Pattern(
        ("git clean",),
        "deletes files that git does not know",
        "look first: git clean -n",
        ("-f|--force",),
        ("-n|--dry-run",),
    ),
    Pattern(("git branch",), "deletes a branch that may not be merged", "use -d", ("-D",)),
    Pattern(
        ("git filter-branch", "git filter-repo", "git reflog expire", "git update-ref"),
        "rewrites or drops history",
        "work on a fresh clone, and keep the old one",
    ),
)


def by_pattern(command: Command, script: Script) -> Iterator[Danger]:
    """What the table says, and refspecs that force or delete."""
    yield from matched(command, PATTERNS)
    if command.is_call("git push"):
        operands = command.own_options.rest_values[1:]
        if any(value.startswith("+") for value in operands):
            what = "overwrites the history that others have pulled"
            yield danger_of(command, what, "use --force-with-lease on a branch of your own")
        if any(value.startswith(":") and len(value) > 1 for value in operands):
            yield danger_of(
                command, "deletes a branch or tag for everyone", "make sure it is merged"
            )


RULES: tuple[Rule, ...] = (by_pattern,)
