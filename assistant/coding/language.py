"""The language that a request asks for, by the words that people use for it."""

from __future__ import annotations

import re

from tools.code.report import Language

_KINDS = (
    r"(?:deployment|stateful ?set|daemon ?set|cron ?job|job|config ?map|secret|ingress|pod|service"
    r"|service ?account|role ?binding|network ?policy|pod ?disruption ?budget|pdb|hpa"
    r"|horizontal ?pod ?autoscaler|namespace)"
)
# The first that fits decides: what is special comes before what is common.
_WORDS: tuple[tuple[Language, str], ...] = (
    (
        "promql",
        r"promql|prometheus (?:query|expression|rule|alert)|recording rule|alert(?:ing)? expr\w*",
    ),
    ("ansible", r"ansible|playbook"),
    (
        "systemd",
        r"systemd[- ](?:unit|service|timer|file|config\w*)|unit file"
        r"|(?:service|timer|socket) unit|\w+\.(?:service|timer)",
    ),
    (
        "nginx",
        r"nginx(?:\.conf|[ -](?:config\w*|conf|server|location|site|vhost|virtual host|reverse"
        r" proxy|block|upstream))|(?:server|location|upstream) block"
        r"|(?:config\w*|conf|vhost) (?:file )?(?:for|of) nginx",
    ),
    (
        "kubernetes",
        rf"(?:kubernetes|k8s) (?:manifest|resource|object|ya?ml|{_KINDS})"
        rf"|(?:{_KINDS}|kubernetes|k8s) (?:ya?ml|manifest|spec)"
        rf"|(?:ya?ml|manifest) (?:for|of|with) (?:an? |the )?(?:kubernetes |k8s )?{_KINDS}",
    ),
    ("python", r"python3?|\w+\.py|pandas|pathlib"),
    ("sql", r"sql|(?:postgres\w*|mysql|mariadb|sqlite) (?:query|statement)|select statement"),
    ("bash", r"bash|shell|one-?liner|\w+\.sh"),
    ("kubernetes", r"network ?policy|pod ?disruption ?budget|horizontal ?pod ?autoscaler"),
    ("yaml", r"ya?ml"),
)
_PATTERNS = tuple(
    (language, re.compile(rf"(?<![\w-])(?:{words})(?![\w-])", re.IGNORECASE))
    for language, words in _WORDS
)
_FIRST_WORDS = re.compile(
    r"\s*(?:please |can you |could you )?(?:write|create|generate|make|give)?(?: me)?(?: an?| the)?"
    r" ?(?P<language>bash|shell|python|sql|promql)\b",
    re.IGNORECASE,
)


_DIALECTS = (
    ("mysql", re.compile(r"\b(?:mysql|mariadb)\b", re.IGNORECASE)),
    ("sqlite", re.compile(r"\bsqlite3?\b", re.IGNORECASE)),
    ("tsql", re.compile(r"\b(?:sql server|mssql|t-?sql)\b", re.IGNORECASE)),
    ("oracle", re.compile(r"\b(?:oracle|pl/?sql)\b", re.IGNORECASE)),
    ("clickhouse", re.compile(r"\bclickhouse\b", re.IGNORECASE)),
    ("bigquery", re.compile(r"\bbig ?query\b", re.IGNORECASE)),
)


def dialect_of_request(task: str) -> str:
    """The dialect of SQL that `task` names, "postgres" when it names none."""
    return next((name for name, words in _DIALECTS if words.search(task)), "postgres")


def language_of_request(task: str) -> Language:
    """The language that `task` names, "bash" when it names none.

    "a bash script that checks the playbook" asks for bash: the first words weigh most.
    """
    first = _FIRST_WORDS.match(task)
    named = first["language"] if first else task
    return next((language for language, words in _PATTERNS if words.search(named)), "bash")
