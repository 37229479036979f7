"""The service managers that the settings name, as what can act on services."""

from __future__ import annotations

from assistant.live import live_systems
from assistant.settings import Settings
from tools.services.control import ServiceControl
from tools.services.narrowed import NarrowedControl


def service_controls(settings: Settings) -> dict[str, ServiceControl]:
    """By name, in the order of the settings; nothing is asked of them yet."""
    found = [
        *_supervisor(settings),
        *_systemd(settings),
        *_docker(settings),
        *_kubernetes(settings),
    ]
    return {control.name: control for control in found}


def _supervisor(settings: Settings) -> list[ServiceControl]:
    if settings.services.supervisor is None:
        return []
    from tools.services.supervisor_control import SupervisorControl

    return [SupervisorControl(settings.services.supervisor.get_secret_value())]


def _systemd(settings: Settings) -> list[ServiceControl]:
    services = settings.services
    if not services.systemd and not services.systemd_user:
        return []
    from tools.services.systemd import SystemdControl

    found: list[ServiceControl] = []
    if services.systemd:
        found.append(NarrowedControl(SystemdControl(), services.systemd))
    if services.systemd_user:
        found.append(NarrowedControl(SystemdControl(is_user=True), services.systemd_user))
    return found


def _docker(settings: Settings) -> list[ServiceControl]:
    if not settings.services.docker:
        return []
    from tools.logs.sources.docker_containers import DockerTarget
    from tools.services.docker_control import DockerControl

    named = () if "*" in settings.services.docker else settings.services.docker
    return [DockerControl(DockerTarget(containers=named))]


def _kubernetes(settings: Settings) -> list[ServiceControl]:
    target = live_systems(settings).kubernetes
    if not settings.services.kubernetes or target is None:
        return []
    from tools.services.kube.control import KubernetesControl

    return [KubernetesControl(target)]
