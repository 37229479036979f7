"""The live systems as a scope: the logs, services, metrics and targets that the settings name."""

from __future__ import annotations

import glob
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from assistant.errors import SettingsError
from assistant.settings import MetricsSettings, ProbesSettings, Settings
from tools.errors import BackendUnavailable
from tools.scope import LogSource, ProbePlan, Scope, ServiceBackend
from tools.window import Window

if TYPE_CHECKING:
    from knowledge.base import KnowledgeBase
    from tools.logs.sources.live import LiveSystems
    from tools.logs.sources.origin import Haul
    from tools.metrics.backend import MetricBackend

_log = logging.getLogger(__name__)


def live_scope(settings: Settings, now: datetime) -> Scope:
    """What `settings` name, as it is at `now`. Logs that are not files come by `fetch_logs`."""
    managers = service_backends(settings)
    logs = {**_service_logs(managers), **configured_logs(settings.logs.sources)}
    return Scope(
        origin="live",
        now=now,
        logs=logs,
        services=tuple(managers),
        metrics=metric_backend(settings.metrics),
        probes=probe_plan(settings.probes),
        has_host=settings.host.look,
        depends_on=settings.services.depends_on,
    )


def service_backends(settings: Settings) -> list[ServiceBackend]:
    """What the settings name that knows the states of services; nothing is asked of it yet."""
    from assistant.acting.controls import service_controls

    controls = service_controls(settings)
    found: list[ServiceBackend] = [*controls.values()]
    if settings.logs.docker or settings.kubernetes.namespaces:
        from tools.logs.sources.live import service_backends as live_backends

        listed = live_backends(live_systems(settings))
        found += [backend for backend in listed if backend.name not in controls]
    return found


def live_systems(settings: Settings) -> LiveSystems:
    """The systems that keep logs of their own: the journal, containers, pods."""
    from tools.logs.sources.docker_containers import DockerTarget
    from tools.logs.sources.journal import JournalTarget
    from tools.logs.sources.kube_cluster import KubernetesTarget
    from tools.logs.sources.live import LiveSystems

    logs, pods = settings.logs, settings.kubernetes
    return LiveSystems(
        journal=JournalTarget(units=_named(logs.journal)) if logs.journal else None,
        docker=DockerTarget(containers=_named(logs.docker)) if logs.docker else None,
        kubernetes=KubernetesTarget(pods.namespaces, pods.selector, pods.context, pods.kubeconfig)
        if pods.namespaces
        else None,
    )


def has_live_logs(settings: Settings) -> bool:
    """Whether any logs have to be fetched before they can be read."""
    return bool(settings.logs.journal or settings.logs.docker or settings.kubernetes.namespaces)


def fetch_logs(
    settings: Settings, window: Window, folder: Path, is_cancelled: Callable[[], bool]
) -> Haul:
    """The logs of `window` that are not files, as files in `folder`; see `fetch_live`."""
    from tools.logs.sources.live import fetch_live, origins
    from tools.logs.sources.watch import FetchLimits, FetchWatch

    limits = FetchLimits(timeout_s=settings.logs.fetch_timeout_s)
    watch = FetchWatch(limits, is_cancelled=is_cancelled)
    return fetch_live(origins(live_systems(settings)), window, folder, limits, watch)


def metric_backend(settings: MetricsSettings) -> MetricBackend | None:
    """The metrics server that the settings name, if any. Raises SettingsError."""
    if not settings.prometheus:
        return None
    from tools.metrics.http_api import Access
    from tools.metrics.prometheus import PrometheusMetrics

    return PrometheusMetrics(
        Access(
            settings.prometheus,
            token=_secret("metrics", "token_env", settings.token_env),
            user=settings.user,
            password=_secret("metrics", "password_env", settings.password_env),
            ca_file=settings.ca_file,
            tenant=settings.tenant,
        )
    )


def probe_plan(settings: ProbesSettings) -> ProbePlan | None:
    """Where probes may go; None when they are off."""
    if not settings.allow:
        return None
    from tools.probes.allow import AllowList

    allow = AllowList.parse(settings.allow)
    return ProbePlan(allow, settings.checks, settings.timeout_s, settings.ca_file)


def _named(patterns: Sequence[str]) -> tuple[str, ...]:
    """The patterns, of which `*` means all: none at all."""
    return () if "*" in patterns else tuple(patterns)


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
    variable = settings.knowledge.chroma_token_env
    token = _secret("knowledge", "chroma_token_env", variable) if url else ""
    return open_knowledge_base(settings.data.dir, cache_dir, url, token)


def runbook_threshold(settings: Settings) -> float:
    """The similarity below which a passage is no answer."""
    from knowledge.base import DEFAULT_MIN_SCORE

    chosen = settings.knowledge.min_score
    return DEFAULT_MIN_SCORE if chosen is None else chosen


def _secret(section: str, key: str, variable: str) -> str:
    """The value of the environment variable that `key` in `section` names, if it names one."""
    value = os.environ.get(variable, "") if variable else ""
    if variable and not value:
        raise SettingsError(
            f"[{section}] {key} names ${variable}, which is not set", f"export {variable}=…"
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


def _service_logs(managers: Sequence[ServiceBackend]) -> dict[str, LogSource]:
    """The log files that service managers name; none of one that does not answer.

    That it does not answer is evidence too, and `list_services` says so in the answer.
    """
    from tools.services.sources import log_sources_of

    found: dict[str, LogSource] = {}
    for manager in managers:
        try:
            found |= log_sources_of(manager.list_services())
        except BackendUnavailable as error:
            _log.info("no logs from %s: %s", manager.name, error.message)
    return found
