"""A request's own names and numbers, put in where an idiom has words in capitals.

Code finds them where the request is plain about them; what it is not sure of stays in capitals for
the model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from assistant.coding.look import Looked

# As much as is shown to the model; on more the patterns below would take their time.
_MAX_TASK_CHARS = 4_000
_PATH = r"[A-Za-z0-9_][\w-]*(?:[./][\w-]+)*"
# Neither a host with its port nor a pattern; an ending has a letter, so that versions are none.
_FILE = re.compile(r"(?<![\w./*:@{-])(?:\./)?([\w-]+(?:[./][\w-]+)*\.[a-z]\w{0,9})(?![\w/:]|\.\w)")
# Words that follow "folder" or "below" and are no name.
_NO_NAME = (
    r"(?!(?:with|of|in|and|or|as|that|to|into|on|for|has|is|are|by|from|below|under|whose|which|it"
    r"|the|a|an|each|every|all|them|this|it|folders?|director(?:y|ies)|named|called|\w+ly|\d+)\b)"
)
_FOLDER = re.compile(
    rf"\b(?:folder|directory) (?:named |called )?{_NO_NAME}({_PATH})"
    rf"|\b(?:below|under|inside|beneath) (?:the )?{_NO_NAME}({_PATH})"
    rf"|\bthe {_NO_NAME}({_PATH}) (?:folder|directory)\b"
)
# A name that itself stands for others: NAME.tar.gz, db-YYYY-MM-DD.sql.
_STANDS_FOR_OTHERS = re.compile(r"(?<![A-Z])(?:NAME|[YMD]{2,4}|[NX]+)(?![A-Z])")
_NUMBER_WORDS = {
    word: str(number)
    for number, word in enumerate(
        ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"), start=2
    )
}
_NUMBER = rf"(\d+|{'|'.join(_NUMBER_WORDS)})"
_TIME = r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d)?"
_REPLACE = r"\breplace (?:every |each |all )?(?:occurrences? of )?(?:the \w+ )?"
_OF_CASE = ("LEVEL", "KEY", "VALUE", "PATTERN")
_BY_PATTERN: Mapping[str, re.Pattern[str]] = {
    name: re.compile(pattern, re.IGNORECASE if name not in _OF_CASE else 0)
    for name, pattern in {
        "DAYS": rf"\b{_NUMBER} days",
        "HOURS": rf"\b{_NUMBER} hours",
        "SIZE": r"\b(\d+ ?(?:[kKMG](?:i?B)?|bytes|kilobytes|megabytes|gigabytes))\b",
        "TEMPLATE": r"(?<![\w*])([\w./-]*(?:templ|tmpl|tpl)(?:[\w./-]*\w)?)",
        "MINUTES": rf"\b{_NUMBER} minutes",
        "PERCENT": r"\b(\d+) ?(?:%|percent)",
        "LINES": rf"\b{_NUMBER} lines",
        "KEEP": rf"\b(?:the|only|keep|last) {_NUMBER} (?:old |most )?(?!days|hours|minutes)\w",
        "N": rf"\b(?:top|first) {_NUMBER} (?!days|hours|minutes)\w"
        rf"|\bthe {_NUMBER} (?=[^.]{{0,40}}\b(?:\w+est|most|top)\b)",
        "LEAST": rf"\bat least {_NUMBER}\b",
        "WAS": r"\bfrom \.(\w+) to \.\w+",
        "BECOMES": r"\bfrom \.\w+ to \.(\w+)",
        "ARCHIVE": r"(?<![\w*])([\w./-]+\.(?:tar\.\w+|tgz|tar))\b(?!\.\w)",
        "TEXT": rf"{_REPLACE}(\S+) (?:by|with) \S",
        "INSTEAD": rf"{_REPLACE}\S+ (?:by|with) ([^\s,]*[^\s,.])",
        "LINE": r"\bline (?:'([^']+)'|\"([^\"]+)\")",
        "LEVEL": r"\b(ERROR|WARN(?:ING)?|INFO|DEBUG|FATAL|CRITICAL)\b",
        "USER": r"\buser (?!id\b|name\b|and\b|who\b|with\b)(\w+)",
        "SHELL": r"\bshell (?:is |of )?(/[\w/]+)",
        "COMMAND": r"(?<!\S)(\./[\w./-]*\w)",
        "LINK": rf"\b(?:sym(?:bolic )?)?link (?:named |called )?{_NO_NAME}({_PATH})",
        "TARGET": rf"\b(?:to|into) (?:the |a )?(?:new )?(?:folder|directory) {_NO_NAME}({_PATH})"
        rf"|\bpoints? (?:to|at) (?:the )?{_NO_NAME}({_PATH})",
        "LOCK": r"\b([\w-]+\.lock)\b",
        "KEY": r"\b[Ss]et (?:the )?([\w.]+) to |\b(?:key|setting|option|variable) (\w+[_.]\w+)",
        "VALUE": r"\b[Ss]et (?:the )?[\w.]+ to ([^\s,]*[^\s,.])",
        "FROM": rf"({_TIME})",
        "UNTIL": rf"{_TIME}.*?({_TIME})",
        "PATTERN": r"\b(?:contain|match|say)(?:s|es|ing)? \"([^\"]+)\""
        r"|\b(?:contain|match|say)(?:s|es|ing)? ([A-Z]{3,})\b|\"([^\"]{4,}?) ?\.\.\.",
        "BACKUP": r"(?<![\w*])([\w./-]+\.(?:bak|old|orig|backup))\b",
        "OUT": rf"\b(?:to|into|as) (?:the |a )?(?:new )?(?:file )?({_FILE.pattern})",
    }.items()
}
_SIZE_UNITS = {"b": "c", "k": "k", "m": "M", "g": "G"}
_EXAMPLE = re.compile(r"\b(?:like|such as|e\.g\.|for example),? \"?[\w./-]+")
_WRITTEN_GLOB = re.compile(r"(?<![\w*/])[\w.-]*\*[\w.*-]*\w")
_ENDING = re.compile(r"(?<!\S)(\.\w+) files?\b|\bend(?:s|ing)? (?:in|on|with) (\.\w+)")
_NEEDLESS = re.compile(r" \| sed -n '1,Np'| > OUT\b|^.*\bBACKUP\b.*\n", re.MULTILINE)
_FIRST_OF_TWO = ("OLD", "ONE", "FIRST")
_SECOND_OF_TWO = ("NEW", "OTHER", "SECOND")


def filled(code: str, task: str, looked: Sequence[Looked] = ()) -> str:
    """`code` with what `task` says in place of its words in capitals.

    What was looked at is certainly a name. Where the task wants no certain number of lines, no
    file or no copy, nothing cuts or saves them.
    """
    for name, value in values_of(task, looked).items():
        code = _put_in(code, name, value)
    return _NEEDLESS.sub("", code)


def _put_in(code: str, name: str, value: str) -> str:
    # As a function, so that no backslash in the value means anything.
    return re.sub(_place(name), lambda _: value, code)


def _place(name: str) -> str:
    """Where a word in capitals stands for something: not in a longer word, no variable."""
    if name == "N":
        return r"(?<=1,)N(?=p)"
    inside = rf"(?<=[^\sA-Za-z_$;])(?<!\$\{{){name}(?![A-Za-z_])"
    return rf"{inside}|(?:(?<=[\s;])|\A){name}(?![A-Za-z_=])"


def files_read(task: str) -> tuple[str, ...]:
    """The files that `task` names, but for the one that it wants written."""
    names = _FILE.findall(_EXAMPLE.sub("", task[:_MAX_TASK_CHARS]))
    files = [name for name in names if not _STANDS_FOR_OTHERS.search(name)]
    out = _first(_BY_PATTERN["OUT"], task)
    return tuple(dict.fromkeys(name for name in files if name != out)) or tuple(files[:1])


def values_of(task: str, looked: Sequence[Looked] = ()) -> dict[str, str]:
    """What `task` says for the words in capitals of the idioms, where it is plain about them."""
    found = {name: _first(pattern, task) for name, pattern in _BY_PATTERN.items()}
    out, backup = found["OUT"], found["BACKUP"]
    seen = [one.name for one in looked if one.kind == "file" and one.name not in (out, backup)]
    folders = [one.name for one in looked if one.kind == "folder"]
    read = seen or files_read(task)
    found["FILE"] = read[0] if read else ""
    found["FILES"] = " ".join(read)
    found["SIZE"] = _size(found["SIZE"])
    if found["TEMPLATE"]:
        found["VALUES"] = next((name for name in read if name != found["TEMPLATE"]), "")
    found["NAMES"] = _glob(task)
    found["DIR"] = folders[0] if folders else _first(_FOLDER, task)
    if len(read) > 1:
        found.update(dict.fromkeys(_FIRST_OF_TWO, read[0]))
        found.update(dict.fromkeys(_SECOND_OF_TWO, read[1]))
    return {name: value for name, value in found.items() if value}


def _first(pattern: re.Pattern[str], task: str) -> str:
    match = pattern.search(task[:_MAX_TASK_CHARS])
    value = next((group for group in match.groups() if group), "") if match else ""
    return _NUMBER_WORDS.get(value.lower(), value)


def _size(written: str) -> str:
    """A size as find takes it: "10 MB" is 10M, "500 bytes" 500c."""
    number, unit = re.sub(r"\D", "", written), re.sub(r"[\d ]", "", written).lower()
    return f"{number}{_SIZE_UNITS[unit[0]]}" if unit else ""


def _glob(task: str) -> str:
    """The pattern of names that the task writes as `*.log`, `db-YYYY-MM-DD.sql` or `.tmp files`."""
    task = task[:_MAX_TASK_CHARS]
    if written := _WRITTEN_GLOB.search(task):
        return written[0]
    if ending := _ENDING.search(task):
        return f"*{ending[1] or ending[2]}"
    names = (name for name in _FILE.findall(task) if _STANDS_FOR_OTHERS.search(name))
    name = min(names, key=len, default="")
    digits = re.sub(r"YYYY|MM|DD|N+|X+(?![a-z])", lambda found: "[0-9]" * len(found[0]), name)
    return re.sub(r"(?<![A-Z])NAME(?![A-Z])", "*", digits if "NAME" not in name else name)
