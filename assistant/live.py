"""The live systems as a scope: the logs and service managers that the settings name."""

from __future__ import annotations

import glob
import logging
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from assistant.errors import SettingsError
from assistant.settings import Settings
from tools.errors import BackendUnavailable
from tools.scope import LogSource, Scope, ServiceBackend

if TYPE_CHECKING:
    from knowledge.base import KnowledgeBase

_log = logging.getLogger(__name__)


def live_scope(settings: Settings, now: datetime) -> Scope:
    """The logs and services of `settings` as they are at `now`."""
    services = service_backend(settings)
    logs = {**_service_logs(services), **configured_logs(settings.logs.sources)}
    return Scope(origin="live", now=now, logs=logs, services=services)


def service_backend(settings: Settings) -> ServiceBackend | None:
    """The service manager that the settings name, if any."""
    if settings.services.supervisor is None:
        return None
    from tools.services.supervisor import SupervisorBackend

    return SupervisorBackend(settings.services.supervisor.get_secret_value())


def configured_logs(sources: Mapping[str, Sequence[str]]) -> dict[str, LogSource]:
    """The log sources that the settings name, each with the files that exist now."""
    return {name: LogSource(name, _files(patterns)) for name, patterns in sources.items()}


def open_runbooks(settings: Settings) -> KnowledgeBase:
    """The knowledge base, of this machine or shared; cheap until something is asked of it.

    Raises SettingsError.
    """
    from knowledge.base import open_knowledge_base

    cache_dir = Path(platformdirs.user_cache_dir("midwatch"))
    url = settings.knowledge.chroma_url
    token = _secret("chroma_token_env", settings.knowledge.chroma_token_env) if url else ""
    return open_knowledge_base(settings.data.dir, cache_dir, url, token)


def runbook_threshold(settings: Settings) -> float:
    """The similarity below which a passage is no answer."""
    from knowledge.base import DEFAULT_MIN_SCORE

    chosen = settings.knowledge.min_score
    return DEFAULT_MIN_SCORE if chosen is None else chosen


def _secret(key: str, variable: str) -> str:
    """The value of the environment variable that [knowledge] `key` names, if it names one."""
    value = os.environ.get(variable, "") if variable else ""
    if variable and not value:
        raise SettingsError(
            f"[knowledge] {key} names ${variable}, which is not set", f"export {variable}=…"
        )
    return value


def _files(patterns: Sequence[str]) -> tuple[Path, ...]:
    """The files of `patterns`, oldest first.

    A pattern that is a plain path stays when nothing is there, to be named in the error.
    """
    found: list[Path] = []
    for pattern in patterns:
        expanded = str(Path(pattern).expanduser())
        if not glob.has_magic(expanded):
            found.append(Path(expanded))
            continue
        # pathlib's own glob takes no absolute patterns.
        matches = [Path(match) for match in glob.glob(expanded, recursive=True)]  # noqa: PTH207
        found += sorted((path for path in matches if path.is_file()), key=_changed_at)
    return tuple(dict.fromkeys(found))


def _changed_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _service_logs(services: ServiceBackend | None) -> dict[str, LogSource]:
    """The logs that the service manager keeps; none when it does not answer.

    That it does not answer is evidence too, and `list_services` says so in the answer.
    """
    if services is None:
        return {}
    from tools.services.sources import log_sources_of

    try:
        return log_sources_of(services.list_services())
    except BackendUnavailable as error:
        _log.info("no logs from the service manager: %s", error.message)
        return {}
