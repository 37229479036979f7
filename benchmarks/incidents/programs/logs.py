"""The log formats of this company's services; each team has its own."""

from __future__ import annotations

import json
import logging
import os
import sys
from datetime import UTC, datetime

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def open_log(name: str, style: str) -> logging.Logger:
    """The logger `name`, which writes to standard output: plain, log4j, klog, logfmt or json."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_FORMATS[style]())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    return logging.getLogger(name)


class _Plain(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")


class _Log4j(logging.Formatter):
    default_msec_format = "%s.%03d"

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-5s [%(threadName)s] %(name)s - %(message)s")


class _Klog(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC)
        level = "W" if record.levelno == logging.WARNING else record.levelname[0]
        place = f"{record.filename}:{record.lineno}"
        text = record.getMessage()
        pairs = "".join(f" {key}={json.dumps(value)}" for key, value in _extra(record).items())
        stamp = f"{moment:%m%d %H:%M:%S.%f}"
        return f"{level}{stamp} {os.getpid():7} {place}] {json.dumps(text)}{pairs}"


class _Logfmt(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        pairs = {
            "ts": _iso(record.created),
            "level": record.levelname.lower().replace("warning", "warn"),
            "msg": record.getMessage(),
            **_extra(record),
        }
        return " ".join(f"{key}={_quoted(value)}" for key, value in pairs.items())


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": _iso(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "msg": record.getMessage(),
            **_extra(record),
        }
        if record.exc_info:
            entry["stack"] = self.formatException(record.exc_info)
        return json.dumps(entry)


_FORMATS = {
    "plain": _Plain,
    "log4j": _Log4j,
    "klog": _Klog,
    "logfmt": _Logfmt,
    "json": _Json,
}


def _iso(created: float) -> str:
    moment = datetime.fromtimestamp(created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _extra(record: logging.LogRecord) -> dict[str, object]:
    return {key: value for key, value in vars(record).items() if key not in _STANDARD}


def _quoted(value: object) -> str:
    text = str(value)
    return json.dumps(text) if not text or set(text) & set(' "=') else text
