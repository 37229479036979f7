"""Examples: how this team writes a command, a script or a query, for whoever writes another one.

The code blocks of the runbooks that fit a task, in the wanted language, and what the team's own
conventions say. They are context for code generation and never run from here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from knowledge.base import KnowledgeBase, Passage
from knowledge.catalog import Filter

_PASSAGES = 12
# Examples need not answer the task, only be about its things.
_MIN_SCORE = 0.1
_MAX_CODE_CHARS = 1_200

_RUNBOOKS = Filter(kinds=("runbook", "alert"))
_CONVENTIONS = re.compile(
    r"convention|style ?guide|guideline|standard|house rule|best practice", re.I
)
_FENCE = re.compile(
    r"^(?P<mark>`{3,}|~{3,})[ \t]*(?P<info>[^\n`]*)\n(?P<code>.*?)^(?P=mark)`*~*[ \t]*$",
    re.DOTALL | re.MULTILINE,
)
_INDENT = re.compile(r"^[ \t]+(?=(?:`{3,}|~{3,}))", re.MULTILINE)

_LANGUAGES = {
    "bash": "bash sh shell console terminal zsh shell-session",
    "python": "python py python3",
    "sql": "sql mysql postgres postgresql psql plsql",
    "promql": "promql prometheus",
    "yaml": "yaml yml kubernetes k8s ansible helm",
    "nginx": "nginx",
    "ini": "ini systemd toml conf",
}
_BY_NAME = {name: language for language, names in _LANGUAGES.items() for name in names.split()}


@dataclass(frozen=True, slots=True)
class Example:
    """A code block, verbatim; `language` as `language_of` names it, "" when nobody said it."""

    code: str
    language: str
    path: str
    heading: str
    line: int


@dataclass(frozen=True, slots=True)
class House:
    """What a team has to say to whoever writes code for it, most fitting first."""

    examples: tuple[Example, ...]
    conventions: tuple[Passage, ...]


def language_of(name: str) -> str:
    """One name for a language that has several (`sh`, `console`: `bash`); unknown ones stay."""
    word = name.strip().lower().split(maxsplit=1)[0] if name.strip() else ""
    word = word.strip("{}.").split(",")[0]
    return _BY_NAME.get(word, word)


def house_of(base: KnowledgeBase, task: str, language: str, k: int = 3) -> House:
    """Up to `k` examples for `task` in `language`, and up to `k` passages of conventions.

    Blocks without a language serve too, behind the others. Raises StoreUnavailable,
    EmbeddingUnavailable.
    """
    wanted = language_of(language)
    found = base.search(task, _PASSAGES, _MIN_SCORE, _RUNBOOKS)
    examples = [example for passage in found for example in examples_in(passage)]
    fitting = [example for example in examples if example.language == wanted]
    unnamed = [example for example in examples if not example.language]
    return House(
        tuple(_distinct([*fitting, *unnamed]))[:k], tuple(_conventions(base, task, language))[:k]
    )


def examples_in(passage: Passage) -> Iterator[Example]:
    """The fenced code blocks of a passage, in their order."""
    text = _INDENT.sub("", passage.text)
    for match in _FENCE.finditer(text):
        code = match["code"].rstrip()
        if code.strip() and len(code) <= _MAX_CODE_CHARS:
            line = passage.line + text.count("\n", 0, match.start("code"))
            yield Example(code, language_of(match["info"]), passage.path, passage.heading, line)


def _conventions(base: KnowledgeBase, task: str, language: str) -> Iterator[Passage]:
    query = f"{language} conventions and style guide: {task}"
    for passage in base.search(query, _PASSAGES, _MIN_SCORE, _RUNBOOKS):
        if _CONVENTIONS.search(f"{passage.path} {passage.heading}"):
            yield passage


def _distinct(examples: Iterable[Example]) -> list[Example]:
    return list({" ".join(example.code.split()): example for example in examples}.values())
