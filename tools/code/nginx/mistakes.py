"""Rules for configurations that load, and answer something else than meant."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tools.code.nginx.parsing import Configuration, Directive
from tools.code.report import Problem, Severity, own_problem

# What is safe inside an `if`; other directives make a location of their own of it.
_SAFE_IN_IF = ("return", "rewrite", "set", "break", "access_log", "limit_rate")
_INHERITED = ("add_header", "proxy_set_header", "fastcgi_param")


def configuration_problems(configuration: Configuration) -> Iterator[Problem]:
    """All that the rules find in the configuration."""
    for server in _all(configuration, "server"):
        if server.has_block:
            yield from _server(server)
    for location in _all(configuration, "location"):
        yield from _location(location)
        yield from _ifs(location)
    yield from _inheritance(configuration.root, {})
    yield from _names(configuration)
    yield from _upstreams(configuration)


def _all(configuration: Configuration, name: str) -> list[Directive]:
    return [one for one in configuration.root.below() if one.name == name]


def _problem(one: Directive, severity: Severity, code: str, message: str, fix: str = "") -> Problem:
    return own_problem(one.line, severity, code, message, fix)


def _server(server: Directive) -> Iterator[Problem]:
    seen: dict[tuple[str, ...], int] = {}
    for location in server.find("location"):
        if location.args in seen:
            message = (
                f"location {' '.join(location.args)} stands twice (line {seen[location.args]})"
            )
            yield _problem(location, "error", "location-twice", message)
        seen[location.args] = location.line
    for listen in server.find("listen"):
        if (
            listen.args
            and listen.args[0].endswith("443")
            and not {"ssl", "quic"} & set(listen.args)
            and not server.find("ssl")
        ):
            message = "port 443 without ssl: browsers get an error"
            yield _problem(listen, "warning", "no-ssl", message, f"listen {listen.args[0]} ssl")
    for ssl in server.find("ssl"):
        yield _problem(ssl, "error", "ssl-on", "ssl is a parameter of listen now", "listen 443 ssl")


def _location(location: Directive) -> Iterator[Problem]:
    for one in location.find("proxy_pass"):
        yield from _pass(location, one)
    pattern = location.args[-1] if location.args else ""
    is_regex = location.args[:1] in (("~",), ("~*",))
    if is_regex and re.search(r"(?<!\\)\.(php|html?|jpe?g|png|css|js|git|env)\b", pattern):
        message = "a dot in a pattern is any character"
        yield _problem(
            location, "warning", "dot", message, re.sub(r"(?<!\\)\.(?=\w)", r"\\.", pattern)
        )
    if location.find("root") and location.find("alias"):
        message = "root and alias in one location"
        yield _problem(location, "error", "root-and-alias", message, "one of them")
    for one in location.find("try_files"):
        if one.args and location.find("proxy_pass") and not one.args[-1].startswith("@"):
            message = "proxy_pass is not reached after try_files"
            yield _problem(
                one, "warning", "try-files", message, "try_files $uri @name, and a location @name"
            )


def _pass(location: Directive, one: Directive) -> Iterator[Problem]:
    target = one.args[0] if one.args else ""
    found = re.fullmatch(r"\w+://([^/]+)(/.*)?", target)
    if found is None:
        if target and "://" not in target and not target.startswith("$"):
            yield _problem(one, "error", "no-scheme", f"{target} has no scheme", f"http://{target}")
        return
    uri = found[2]
    is_plain = location.args and not location.args[0].startswith(("~", "@"))
    if uri is not None and not is_plain and "$" not in target:
        message = "a path in proxy_pass is refused in a location by pattern or by name"
        yield _problem(
            one, "error", "proxy-path", message, f"proxy_pass {target.removesuffix(uri)}"
        )
    elif uri is not None and is_plain and "=" not in location.args and "$" not in target:
        prefix = location.args[-1]
        if prefix.endswith("/") != uri.endswith("/"):
            message = (
                f"{prefix}x goes to {uri}{'/' if not prefix.endswith('/') else ''}x "
                f"joined without care for the slash"
            )
            fix = "a slash at the end of both, or of neither"
            yield _problem(one, "warning", "proxy-slash", message, fix)
    if "$" in found[1] and re.search(r"[a-zA-Z]", found[1].replace("$", "")):
        message = "a host in a variable is looked up for each request, which needs a resolver"
        yield _problem(one, "info", "resolver", message, "resolver, or an upstream")


def _ifs(location: Directive) -> Iterator[Problem]:
    for condition in location.find("if"):
        for one in condition.block:
            if one.name not in _SAFE_IN_IF:
                message = (
                    f"{one.name} in an if of a location: what else stands in the location is lost"
                )
                fix = "a map, try_files, or a location of its own"
                yield _problem(one, "warning", "if", message, fix)
        if re.search(r"!?-[fde]\b", " ".join(condition.args)):
            yield _problem(condition, "info", "if", "asks for a file by itself", "try_files")


def _inheritance(one: Directive, above: dict[str, Directive]) -> Iterator[Problem]:
    """`add_header` in a location takes away every one that the server has."""
    for name in _INHERITED:
        own, outer = one.find(name), above.get(name)
        if own and outer is not None and one.name in ("location", "server", "if"):
            lost = outer.args[0] if outer.args else name
            message = (
                f"this {name} takes away those of the block around it: {lost} (line {outer.line})"
            )
            yield _problem(
                own[0], "warning", "inheritance", message, "repeat them here, or include them"
            )
    inside = {**above, **{name: one.find(name)[0] for name in _INHERITED if one.find(name)}}
    for part in one.block:
        if part.has_block:
            yield from _inheritance(part, inside)


def _names(configuration: Configuration) -> Iterator[Problem]:
    seen: dict[tuple[str, str], int] = {}
    for server in _all(configuration, "server"):
        names = [name for one in server.find("server_name") for name in one.args] or [""]
        listens = [one.args[0] for one in server.find("listen") if one.args] or ["80"]
        for key in ((listen, name) for listen in listens for name in names):
            if key in seen and server.has_block:
                message = (
                    f"{key[1] or 'no name'} on {key[0]} is served at line {seen[key]}: "
                    f"this one is never used"
                )
                yield _problem(server, "warning", "name-twice", message, "another server_name")
            seen[key] = server.line
    for one in configuration.root.below():
        if one.name == "error_log" and one.args[:1] == ("off",):
            message = "writes to a file with the name off"
            yield _problem(one, "warning", "error-log", message, "error_log /dev/null crit")
        if (
            one.name == "listen"
            and len(one.args) > 1
            and "http2" in one.args
            and "ssl" not in one.args
        ):
            yield _problem(
                one, "info", "http2", "browsers speak HTTP/2 only over TLS", "listen 443 ssl"
            )


def _upstreams(configuration: Configuration) -> Iterator[Problem]:
    known = {one.args[0]: one for one in _all(configuration, "upstream") if one.args}
    for upstream in known.values():
        if not upstream.find("server", "include"):
            yield _problem(
                upstream, "error", "no-server", "the upstream has no server", "server HOST:PORT;"
            )
        if upstream.find("keepalive"):
            yield from _keepalive(configuration, upstream)
    zones = {
        word.partition("=")[2].partition(":")[0]
        for one in configuration.root.below()
        if one.name in ("limit_req_zone", "limit_conn_zone", "proxy_cache_path")
        for word in one.args
        if word.startswith(("zone=", "keys_zone="))
    }
    for one in _all(configuration, "limit_req"):
        names = [word.partition("=")[2] for word in one.args if word.startswith("zone=")]
        if configuration.is_whole and names and names[0] not in zones:
            message = f"there is no zone {names[0]}"
            yield _problem(one, "error", "zone", message, "limit_req_zone … zone=…:10m rate=…")


def _keepalive(configuration: Configuration, upstream: Directive) -> Iterator[Problem]:
    versions: Sequence[Directive] = _all(configuration, "proxy_http_version")
    if not any(one.args[:1] == ("1.1",) for one in versions):
        message = "keepalive does nothing while requests are passed on as HTTP/1.0"
        fix = 'proxy_http_version 1.1; proxy_set_header Connection "";'
        yield _problem(upstream.find("keepalive")[0], "warning", "keepalive", message, fix)
