"""`nginx -t` on a neutral form of a configuration: the same directives, and nothing from outside.

To test a configuration nginx opens the files that it names, makes its folders, looks its hosts up
and binds its ports. The form that it is given here names no file but in a folder made for it, no
host but this one's own address, and listens on sockets in that folder. Directives stay on their
lines.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tools.code.nginx.parsing import Configuration, Directive
from tools.code.report import Problem, Severity
from tools.code.running import CheckerUnavailable, find_program, run_checker

TOOL = "nginx -t"
# Left out: what opens files or devices, runs code, looks up or binds.
_LEFT_OUT = re.compile(
    r"include|load_module|debug_connection|user|pid|lock_file|error_log|access_log|working_directory|env|daemon|"
    r"master_process|ssl_engine|resolver|debug_points|google_perftools_profiles|"
    r".*(_path|_file|_log|_certificate|_certificate_key|_trusted_certificate|_crl|_key|_dhparam|_dir|"
    r"_session_ticket_key|_bind|_password_file|_stapling\w*)$|ssl_.*|geoip_.*|perl\w*|js_.*|.*lua.*|"
    r"xslt_.*|image_filter.*|auth_basic_user_file|proxy_cache|fastcgi_cache|uwsgi_cache|scgi_cache|"
    r"set_real_ip_from|http2|http3|quic_.*|stream|mail|worker_rlimit_.*|worker_cpu_affinity|thread_pool"
)
_PASSES = re.compile(r"(proxy|grpc|fastcgi|uwsgi|scgi|memcached)_pass")
_FRAME = "pid {0}/pid; error_log stderr; "
_HTTP = (
    "access_log off; client_body_temp_path {0}/b; proxy_temp_path {0}/p; fastcgi_temp_path {0}/f; "
    "uwsgi_temp_path {0}/u; scgi_temp_path {0}/s; "
)
_FINDING = re.compile(r"\[(emerg|alert|crit|warn)\] (?:\d+#\d+: )?(.*)")
_PLACE = re.compile(r" in \S+:(\d+)$")
# Follows from what is left out here, or from this build of nginx.
_OF_THE_FORM = re.compile(
    r"unknown directive|no \"ssl_certificate|unknown \"\w+\" variable|zone .* is unknown|"
    r"could not build|"
    r"\"user\" directive makes sense|test failed|zero size shared memory|unknown log format|"
    r"conflicting server name|mkdir|chown|bind\(\)|open\(\)"
)


def tried(configuration: Configuration) -> Iterator[Problem]:
    """What nginx itself says; raises CheckerUnavailable."""
    program = find_program("nginx")
    with tempfile.TemporaryDirectory() as made:
        path = Path(made) / "nginx.conf"
        path.write_text(neutral_text(configuration, made), errors="replace")
        run = run_checker([program, "-t", "-p", made, "-c", str(path)], folder=Path(made))
    for line in run.errors.splitlines():
        found = _FINDING.search(line)
        if found and not _OF_THE_FORM.search(found[2]):
            place = _PLACE.search(found[2])
            number = int(place[1]) if place else None
            severity: Severity = "warning" if found[1] == "warn" else "error"
            yield Problem(
                number, None, severity, "nginx", _PLACE.sub("", found[2]).replace(made, ""), TOOL
            )


def neutral_text(configuration: Configuration, folder: str) -> str:
    """The neutral form, each directive on its line."""
    if not re.fullmatch(r"[\w/.-]+", folder):
        raise CheckerUnavailable("the folder for temporary files has an odd name")
    names = {
        one.args[0] for one in configuration.root.below() if one.name == "upstream" and one.args
    }
    form = _Form(folder, frozenset(names))
    form.write(_FRAME.format(folder))
    if not configuration.root.find("events"):
        form.write("events {} ")
    form.write_all(configuration.root.block)
    return form.text


class _Form:
    """The text as it grows; `line` is the one that the next directive would stand on."""

    def __init__(self, folder: str, upstreams: frozenset[str]) -> None:
        self.folder = folder
        self.upstreams = upstreams
        self.text = ""
        self.line = 1
        self.sockets = 0

    def write(self, text: str) -> None:
        self.text += text
        self.line += text.count("\n")

    def write_all(self, directives: tuple[Directive, ...]) -> None:
        for one in directives:
            if _LEFT_OUT.fullmatch(one.name):
                continue
            args = self._neutral(one)
            self.write("\n" * max(0, one.line - self.line))
            words = " ".join(map(_quoted, args))
            # The parser takes the brackets of a condition away.
            self.write(f"{_quoted(one.name)} {f'({words})' if one.name == 'if' else words}")
            if not one.has_block:
                self.write("; ")
                continue
            self.write(" { " + (_HTTP.format(self.folder) if one.name == "http" else ""))
            self.write_all(one.block)
            self.write("} ")

    def _neutral(self, one: Directive) -> tuple[str, ...]:
        if one.name == "listen":
            self.sockets += 1
            kept = [word for word in one.args[1:] if word in ("default_server", "proxy_protocol")]
            return (f"unix:{self.folder}/{self.sockets}", *kept)
        if _PASSES.fullmatch(one.name) and one.args:
            return (self._local(one.args[0]), *one.args[1:])
        if one.name == "server" and not one.has_block and one.args:
            return (
                "127.0.0.1:9",
                *(word for word in one.args[1:] if not word.startswith(("resolve", "service="))),
            )
        return one.args

    def _local(self, target: str) -> str:
        """The target with this machine's address for its host."""
        found = re.fullmatch(r"(\w+://)?([^/$]+)(/.*)?", target)
        if found is None or found[2] in self.upstreams or found[2] == "unix:":
            return target
        return f"{found[1] or ''}127.0.0.1:9{found[3] or ''}"


def _quoted(word: str) -> str:
    """The word as nginx reads it back: with its backslashes, and within what it stands in."""
    if word and not re.search(r"[\s;{}\"'#()]|\\$", word):
        return word
    escaped = re.sub(
        r'(\\.)|"|\\$', lambda found: found[1] or "\\" + found[0], word, flags=re.DOTALL
    )
    return f'"{escaped}"'


def nginx_version() -> str:
    """The version of nginx; raises CheckerUnavailable."""
    run = run_checker([find_program("nginx"), "-v"])
    found = re.search(r"nginx/(\S+)", run.errors)
    return found[1] if found else "of unknown version"
