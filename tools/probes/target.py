"""Targets: what to probe, and how, read from one line.

    https://api.internal:8443/health     HTTP
    db.internal:5432, tcp://…            TCP
    tls://mail.internal:465              the certificate
    api.internal, dns:api.internal?type=MX     DNS (in the form of RFC 4501)

A target may come from a model, so it is taken apart here, once and strictly: what is not one of
these forms is refused, and so are credentials, which a log would keep.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qs, quote, urlsplit

from tools.probes.allow import Address
from tools.probes.errors import InvalidTarget

Kind = Literal["auto", "http", "tcp", "dns", "tls"]
MAX_CHARS = 2000
_MAX_SHOWN_CHARS = 120
RECORD_TYPES = ("A", "AAAA", "CNAME", "MX", "SRV", "TXT", "NS")
_KINDS = {"http": "http", "https": "http", "tcp": "tcp", "tls": "tls", "dns": "dns"}
_PORTS = {"http": 80, "https": 443, "tls": 443}
_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_SAFE = "/:@!$&'()*+,;=%~-._"


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to probe. `host` is lower case, without brackets; `path` includes the query.

    `record_type` is DNS's, empty for addresses of either version.
    """

    kind: Literal["http", "tcp", "dns", "tls"]
    host: str
    port: int = 0
    scheme: str = ""
    path: str = ""
    record_type: str = ""

    @property
    def address(self) -> Address | None:
        """The host as an address; None when it is a name."""
        try:
            return ipaddress.ip_address(self.host)
        except ValueError:
            return None

    @property
    def authority(self) -> str:
        """`host:port` as it stands in a URL, without the scheme's own port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if _PORTS.get(self.scheme) == self.port else f"{host}:{self.port}"

    def __str__(self) -> str:
        """The target as it is shown: a query's values may be secrets, and are left out."""
        if self.kind == "dns":
            return f"dns:{self.host}{'?type=' + self.record_type if self.record_type else ''}"
        path, question, _ = self.path.partition("?")
        return f"{self.scheme}://{self.authority}{path}{question and '?…'}"


def parse_target(text: str, kind: Kind = "auto") -> Target:
    """The target that `text` names. Raises InvalidTarget.

    `kind` decides how it is probed, where that is not left to the text: the certificate, the port
    or the name of `https://host/path` can be asked about, too.
    """
    text = text.strip()
    if not text or len(text) > MAX_CHARS or re.search(r"[\s\x00-\x1f\x7f\\]", text):
        raise InvalidTarget(f"{without_secrets(text)!r} is not a target", _FORMS)
    if text.lower().startswith("dns:") and not text.lower().startswith("dns://"):
        text = f"dns://{text[4:]}"
    if "://" not in text:
        text = f"{_scheme_for(text, kind)}://{text}"
    return _from_url(text, kind)


_FORMS = (
    "write https://host/path, host:port, tls://host:port, "
    "or a name or dns:name?type=MX to ask DNS about it"
)


def _scheme_for(text: str, kind: Kind) -> str:
    if kind != "auto":
        return kind
    return "tcp" if re.search(r"(?:^|[^:]|\]):\d+$", text) else "dns"


def _from_url(text: str, kind: Kind) -> Target:
    try:
        url = urlsplit(text)
        port, name = url.port, url.hostname or ""
    except ValueError:
        raise InvalidTarget(f"{without_secrets(text)!r} is not a target", _FORMS) from None
    if "@" in url.netloc:
        raise InvalidTarget(
            "a target holds no user name or password", "leave them out; probes use no credentials"
        )
    written = _KINDS.get(url.scheme)
    chosen = written if kind == "auto" else kind
    if written is None or (chosen == "http" and written != "http"):
        raise InvalidTarget(f"{without_secrets(text)!r} is no target for a probe of {kind}", _FORMS)
    if written != "http" and url.path not in ("", "/"):
        raise InvalidTarget(
            f"{without_secrets(text)!r} has a path, but no scheme that has paths",
            "write http:// or https:// before it",
        )
    host = _host(name, text)
    match chosen:
        case "http":
            path = _path(url.path, url.query)
            return Target("http", host, port or _PORTS[url.scheme], url.scheme, path)
        case "dns":
            asked = _record_type(url.query, text) if written == "dns" else ""
            return Target("dns", host, scheme="dns", record_type=asked)
        case "tls":
            return Target("tls", host, port or _PORTS["tls"], "tls")
        case _:
            return Target("tcp", host, _port(port or _PORTS.get(url.scheme), text), "tcp")


def _port(port: int | None, text: str) -> int:
    if not port:
        raise InvalidTarget(f"{without_secrets(text)!r} names no port", "write host:port")
    return port


def _host(name: str, text: str) -> str:
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        pass
    try:
        host = name.rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        host = ""
    if not _NAME.fullmatch(host):
        raise InvalidTarget(f"{without_secrets(text)!r} names no host", _FORMS)
    return host


def _path(path: str, query: str) -> str:
    """The path and query, every character that does not belong there escaped."""
    asked = f"?{quote(query, safe=_SAFE + '?')}" if query else ""
    return f"{quote(path or '/', safe=_SAFE)}{asked}"


def _record_type(query: str, text: str) -> str:
    asked = parse_qs(query).get("type", [""])[0].upper()
    if asked and asked not in RECORD_TYPES:
        raise InvalidTarget(
            f"{without_secrets(text)!r} asks for an unknown record type",
            f"one of {', '.join(RECORD_TYPES)}",
        )
    return asked


def without_secrets(text: str) -> str:
    """The beginning of an address without credentials and query, on one line."""
    place = re.sub(r"[^/]*@", "", text.partition("?")[0])
    return "".join(c for c in place if c.isprintable())[:_MAX_SHOWN_CHARS]
