"""Rules for configurations that show or pass on what they should not."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.code.documents.faults import line_text
from tools.code.nginx.parsing import Configuration, Directive
from tools.code.report import Danger

_OLD_TLS = ("SSLv2", "SSLv3", "TLSv1", "TLSv1.1")
# What a request says goes on unchecked.
_FROM_REQUEST = re.compile(
    r"\$(http_(?!host\b)\w+|arg_\w+|args|request_uri|uri|cookie_\w+|query_string)"
)
_STATUS = ("stub_status", "status", "api", "upstream_conf")


def configuration_dangers(configuration: Configuration, code: str) -> Iterator[Danger]:
    """All that the rules say of the configuration."""
    lines = code.splitlines()
    found = [*_locations(configuration.root), *_directives(configuration.root)]
    for one, what, advice in found:
        yield Danger(one.line, line_text(lines, one.line), what, advice)


Found = tuple[Directive, str, str]


def _locations(root: Directive) -> Iterator[Found]:
    for location in (one for one in root.below() if one.name == "location"):
        yield from _alias(location)
        yield from _status(location)
        yield from _listing(location)


def _alias(location: Directive) -> Iterator[Found]:
    """`location /i { alias /data/i/; }` serves /data/i/../ as /i../"""
    is_prefix = len(location.args) == 1 or location.args[:1] == ("^~",)
    prefix = location.args[-1] if location.args else ""
    for alias in location.find("alias"):
        if is_prefix and not prefix.endswith("/") and alias.args and alias.args[0].endswith("/"):
            what = f"serves the folder above, too: {prefix}../ leads out of {alias.args[0]}"
            yield location, what, f"location {prefix}/"


def _status(location: Directive) -> Iterator[Found]:
    for one in location.find(*_STATUS):
        is_bounded = location.find("allow", "deny", "auth_basic", "internal", "auth_request")
        if not is_bounded and not (one.name == "api" and not one.has_block and not one.args):
            yield one, "shows the server's state to everyone", "allow 127.0.0.1; deny all;"


def _listing(location: Directive) -> Iterator[Found]:
    for one in location.find("root", "alias"):
        if one.args and one.args[0].rstrip("/") in (
            "",
            "/etc",
            "/root",
            "/var",
            "/home",
            "/usr",
            "/proc",
        ):
            yield one, f"serves {one.args[0]} to the world", "a folder that has nothing else in it"


def _directives(root: Directive) -> Iterator[Found]:
    for one in root.below():
        if one.name == "autoindex" and one.args == ("on",):
            yield one, "lists every file of the folder to everyone", "autoindex off"
        elif one.name == "ssl_protocols" and (
            old := [word for word in one.args if word in _OLD_TLS]
        ):
            yield one, f"speaks {', '.join(old)}, which is broken", "ssl_protocols TLSv1.2 TLSv1.3"
        elif one.name in ("proxy_pass", "fastcgi_pass", "grpc_pass", "uwsgi_pass"):
            yield from _open_pass(one)
        elif one.name in ("return", "rewrite") and one.args:
            yield from _open_redirect(one)
        elif one.name == "client_max_body_size" and one.args == ("0",):
            yield (
                one,
                "takes bodies of any size: one request fills the disk",
                "client_max_body_size 10m",
            )
        elif one.name == "user" and one.args[:1] == ("root",):
            yield one, "serves as root", "user www-data"
        elif one.name == "add_header" and one.args[:2] == (
            "Access-Control-Allow-Origin",
            "$http_origin",
        ):
            yield one, "lets every site read the answers", "a map of the origins that may"
        elif (
            one.name == "root"
            and one.args
            and one.args[0].rstrip("/") in ("", "/etc", "/root", "/var")
        ):
            yield one, f"serves {one.args[0]} to the world", "a folder that has nothing else in it"


def _open_pass(one: Directive) -> Iterator[Found]:
    host = re.match(r"\w+://([^/]+)", one.args[0]) if one.args else None
    if (host and _FROM_REQUEST.search(host[1])) or (host and "$http_host" in host[1]):
        what = "passes requests on to whatever host the request names"
        yield one, what, "name the hosts in a map"


def _open_redirect(one: Directive) -> Iterator[Found]:
    target = one.args[-1] if one.name == "return" else one.args[1] if len(one.args) > 1 else ""
    is_redirect = (one.name == "return" and one.args[0].startswith("3")) or (
        one.args[-1] in ("redirect", "permanent") or target.startswith("http")
    )
    if is_redirect and re.search(r"\$(document_)?uri\b", target):
        what = "puts decoded text of the request into a header: a line end in it adds headers"
        yield one, what, "$request_uri"
    if is_redirect and re.match(r"\$(arg_|http_(?!host))", target):
        yield one, "sends visitors wherever the link says", "redirect to your own host"
