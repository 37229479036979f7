"""Programs that run the rest of their arguments: `sudo -u x nice rm -rf y` removes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tools.code.shell.words import Word

# Each with its options that take the next word.
WRAPPERS: dict[str, tuple[str, ...]] = {
    "sudo": ("u", "g", "h", "p", "C", "D", "T", "R", "--user", "--group", "--host", "--chdir"),
    "doas": ("u", "C"),
    "env": ("u", "C", "S", "--unset", "--chdir"),
    "nohup": (),
    "nice": ("n", "--adjustment"),
    "ionice": ("c", "n", "p"),
    "timeout": ("s", "k", "--signal", "--kill-after"),
    "time": ("f", "o"),
    "command": (),
    "builtin": (),
    "exec": ("a",),
    "setsid": (),
    "stdbuf": ("i", "o", "e"),
    "xargs": ("I", "n", "P", "L", "d", "a", "E", "s", "--max-args", "--max-procs", "--delimiter"),
    "parallel": ("j", "n", "I", "a", "--jobs"),
    "watch": ("n", "--interval"),
    "busybox": (),
    "chroot": (),
    "nsenter": ("t", "S", "G", "--target"),
    "flock": ("w", "E"),
    "systemd-run": ("p", "u", "--unit", "--slice", "--property"),
    "chronic": (),
    "unbuffer": (),
}
# Wrappers whose first word of their own comes before the command (`timeout 5 rm`).
_WITH_OPERAND = ("timeout", "chroot", "flock")
# These take assignments before the command (`env A=1 rm`).
_WITH_ASSIGNMENTS = ("env", "sudo", "doas")
_ASSIGNMENT = re.compile(r"\w+=")


def unwrap(words: Sequence[Word]) -> tuple[tuple[str, ...], list[Word]]:
    """The wrappers before a command, and the words that are left."""
    wrappers: list[str] = []
    left = list(words)
    while len(left) > 1 and (name := base_name(left[0])) in WRAPPERS:
        rest = _after_wrapper(name, left[1:])
        if not rest:
            break
        wrappers.append(name)
        left = rest
    return tuple(wrappers), left


def base_name(word: Word) -> str:
    """A program's name without its folder, and without the backslash that evades an alias."""
    return word.value.rpartition("/")[2] or word.value


def _after_wrapper(name: str, words: list[Word]) -> list[Word]:
    with_value = WRAPPERS[name]
    while words and words[0].value.startswith("-"):
        option = words.pop(0).value
        if option == "--":
            break
        key = option if option.startswith("--") else option[-1:]
        if key in with_value and words and "=" not in option:
            words.pop(0)
    while name in _WITH_ASSIGNMENTS and words and _ASSIGNMENT.match(words[0].value):
        words.pop(0)
    return words[1:] if name in _WITH_OPERAND else words
