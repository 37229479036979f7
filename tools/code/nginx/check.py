"""The check of an nginx configuration: parsed, tried, judged, and what it serves and reaches."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.code.linting import Linter, run_linters, version_of
from tools.code.nginx.dangers import configuration_dangers
from tools.code.nginx.mistakes import configuration_problems
from tools.code.nginx.parsing import TOOL, Configuration, Directive, read_configuration
from tools.code.nginx.trial import TOOL as TRIAL
from tools.code.nginx.trial import nginx_version, tried
from tools.code.report import CodeReport

_PASS = re.compile(r"(?:\w+://)?([^/;]+)")
_DRY_RUN = "nginx -t -c /path/to/nginx.conf"


def check_nginx(code: str) -> CodeReport:
    """The report of a configuration, or of a server or location that would stand in one."""
    configuration = read_configuration(code)
    own = list(configuration_problems(configuration))
    trial = run_linters("", ())
    if not configuration.problems:
        trial = run_linters(code, (Linter(TRIAL, nginx_version, lambda _: tried(configuration)),))
    said = {one.line for one in own if one.severity == "error"}
    return CodeReport(
        "nginx",
        (*configuration.problems, *own, *(one for one in trial.problems if one.line not in said)),
        tuple(configuration_dangers(configuration, code)),
        tuple(_touched(configuration)),
        _DRY_RUN,
        (f"{TOOL} {version_of('crossplane')}", *trial.checked_by),
        (*trial.not_checked, *_not_read(configuration)),
    )


def _not_read(configuration: Configuration) -> Iterator[str]:
    names = [
        one.args[0] for one in configuration.root.below() if one.name == "include" and one.args
    ]
    if names:
        yield f"included files: {', '.join(names)}"


def _touched(configuration: Configuration) -> Iterator[str]:
    upstreams = {
        one.args[0] for one in configuration.root.below() if one.name == "upstream" and one.args
    }
    for one in configuration.root.below():
        yield from _of_directive(one, upstreams)


def _of_directive(one: Directive, upstreams: set[str]) -> Iterator[str]:
    first = one.args[0] if one.args else ""
    if one.name == "listen":
        yield f"listens on {first}"
    elif one.name in ("root", "alias"):
        yield f"serves files of {first}"
    elif one.name.endswith("_pass") and (found := _PASS.match(first)):
        if found[1] not in upstreams:
            yield f"host {found[1]}"
    elif one.name == "server" and not one.has_block and first:
        yield f"host {first}"
    elif one.name in ("access_log", "error_log") and first.startswith("/"):
        yield f"writes {first}"
