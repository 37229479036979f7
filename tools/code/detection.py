"""Which language a piece of code is in, told by what somebody called it, else by how it looks.

Nothing is parsed here that could end this process; a wrong guess only gives a report that says so.
"""

from __future__ import annotations

import re

from tools.code.report import Language

_BY_NAME: dict[str, Language] = {
    **dict.fromkeys(("bash", "sh", "shell", "zsh", "ksh", "console", "shellscript"), "bash"),
    **dict.fromkeys(("python", "py", "python3", "pycon"), "python"),
    **dict.fromkeys(("sql", "psql", "postgres", "postgresql", "mysql", "mariadb", "sqlite"), "sql"),
    **dict.fromkeys(("promql", "prometheus"), "promql"),
    **dict.fromkeys(("kubernetes", "k8s", "kube", "manifest"), "kubernetes"),
    **dict.fromkeys(("ansible", "playbook"), "ansible"),
    **dict.fromkeys(("systemd", "service", "timer", "socket", "unit", "mount", "path"), "systemd"),
    **dict.fromkeys(("nginx", "nginxconf"), "nginx"),
}
_YAML_NAMES = ("yaml", "yml")

_SHEBANG = re.compile(r"#!.*?\b(bash|sh|dash|ksh|zsh|python)")
_UNIT = re.compile(r"^\[(Unit|Service|Timer|Socket|Install|Mount|Path)\]\s*$", re.MULTILINE)
_NGINX = re.compile(
    r"^\s*(server|http|events|upstream\s+\S+|location\s+[^{\n]+|map\s+\S+\s+\S+)\s*\{", re.MULTILINE
)
_SQL = re.compile(
    r"\s*(--[^\n]*\n\s*)*(SELECT\s|INSERT\s+INTO\b|UPDATE\s+\S+\s+SET\b|DELETE\s+FROM\b|WITH\s+\w+\s+AS\b|"
    r"(CREATE|ALTER|DROP)\s+(TABLE|INDEX|UNIQUE|VIEW|DATABASE|ROLE|USER|SCHEMA|EXTENSION|FUNCTION)\b|"
    r"TRUNCATE\s|GRANT\s|REVOKE\s|BEGIN\s*;|START\s+TRANSACTION|EXPLAIN\s|VACUUM\b|COPY\s+\w)",
    re.IGNORECASE,
)
_PROMQL = re.compile(
    r"\b(rate|irate|increase|delta|deriv|\w+_over_time|histogram_quantile|predict_linear|absent|changes|resets)"
    r"\s*\(|\[\d+[smhdwy](:\w*)?\]|^\s*(sum|avg|min|max|count|topk|bottomk|quantile)\b[^=\n]*[({]|"
    r"^\s*[a-zA-Z_:][\w:]*\s*(\{[^}\n]*\})?\s*([<>=!]=?|\+|/|\*)\s*(bool\s+)?[\d.]+\s*$|"
    r"^\s*[a-zA-Z_:][\w:]*\{[\w\s=~!\",.*|^$+-]*\}\s*$"
)
_PYTHON = re.compile(
    r"^\s*(import\s+\w|from\s+[\w.]+\s+import\s|def\s+\w+\(|class\s+\w+[(:]|with\s+.+:\s*$|for\s+\w+\s+in\s+.+:\s*$|"
    r"if\s+.+:\s*$|while\s+.+:\s*$|try:\s*$|print\(|@\w+)",
    re.MULTILINE,
)
_SHELL = re.compile(
    r"^\s*(sudo|echo|export|set\s+-|cd|rm|for\s+\w+\s+in\s.*(;|$)|if\s+\[|while\s+(read|\[|true|!)|kubectl|docker|"
    r"systemctl|find|grep|awk|sed|curl|tar|ssh|\w+=\$?[(\"'\w/])",
    re.MULTILINE,
)
_YAML = re.compile(r"^(---|- |[\w.\"'/-]+:(\s|$))", re.MULTILINE)
_PLAY = re.compile(
    r"^- (name|hosts|import_playbook|ansible\.builtin\.\w+|include_tasks):", re.MULTILINE
)
_PLAY_BODY = re.compile(
    r"^\s+(- )?(hosts|tasks|become|handlers|register|notify|when|loop|ansible\.\w+\.\w+|"
    r"(apt|yum|dnf|copy|template|file|service|systemd|command|shell|lineinfile|package|user|debug|uri|stat):)",
    re.MULTILINE,
)


def detect_language(code: str, hint: str = "") -> Language:
    """The language of `code`; a `hint` (a fence's word, a file's name) decides if it names one."""
    name = hint.strip().lower().rpartition(".")[2]
    if name in _BY_NAME:
        return _BY_NAME[name]
    if name in _YAML_NAMES:
        return _yaml_kind(code)
    return _by_looks(code)


def _by_looks(code: str) -> Language:
    if found := _SHEBANG.match(code):
        return "python" if found[1] == "python" else "bash"
    if _UNIT.search(code):
        return "systemd"
    if _SQL.match(code):
        return "sql"
    if _NGINX.search(code) and ";" in code:
        return "nginx"
    if _PYTHON.search(code) and _compiles(code):
        return "python"
    if _PROMQL.search(_without_comments(code)) and not _SHELL.search(code):
        return "promql"
    if _YAML.match(code.lstrip()) and not _SHELL.search(code):
        return _yaml_kind(code)
    if _yaml_kind(code) != "yaml":
        return _yaml_kind(code)
    return "bash"


def _yaml_kind(code: str) -> Language:
    if re.search(r"^\s*\"?apiVersion\"?:", code, re.MULTILINE) and re.search(
        r"^\s*\"?kind\"?:", code, re.M
    ):
        return "kubernetes"
    if _PLAY.search(code) and _PLAY_BODY.search(code):
        return "ansible"
    return "yaml"


def _without_comments(code: str) -> str:
    return re.sub(r"^\s*#.*\n", "", code, flags=re.MULTILINE)


def _compiles(code: str) -> bool:
    import ast

    try:
        ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
