"""Rules for pods: images, limits, rights on the machine, and names that must fit each other."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.code.documents.loading import at, mappings
from tools.code.kubernetes.objects import Container, Object
from tools.code.report import Danger, Problem

_SECRET_NAME = re.compile(
    r"(?i)\w*(pass(word|wd)?|token|secret|api_?key|access_?key|private_?key)\w{0,3}"
)
_PLACEHOLDER = re.compile(r"(?i)^(|<.*|\$.*|\{\{.*|x+|change_?me.*|your[-_ ].*|/.*)$")
_MIGHTY = (
    "ALL",
    "SYS_ADMIN",
    "NET_ADMIN",
    "SYS_PTRACE",
    "SYS_MODULE",
    "DAC_READ_SEARCH",
    "SYS_RAWIO",
)
_HOST_PATHS = re.compile(
    r"/(etc|root|boot|proc|sys|dev|var/run|run|var/lib/(kubelet|docker|etcd))?(/.*)?"
)
_LEAST = "give the one right that it needs"
_UNITS = {
    "": 1.0,
    "k": 1e3,
    "Ki": 2**10,
    "M": 1e6,
    "Mi": 2**20,
    "G": 1e9,
    "Gi": 2**30,
    "T": 1e12,
    "Ti": 2**40,
    "m": 1e-3,
}


def pod_problems(owner: Object) -> Iterator[Problem]:
    """What the rules find in the pods of one object."""
    for container in owner.containers():
        yield from _image(container)
        yield from _limits(container)
        yield from _probes(container)
        yield from _mounts(container)
        yield from _doubled(container)
    yield from _same_names(owner)
    yield from _restart_policy(owner)


def _image(container: Container) -> Iterator[Problem]:
    image = container.get("image")
    if not isinstance(image, str) or "@" in image or "$" in image or "{{" in image:
        return
    name, _, tag = image.rpartition("/")[2].partition(":")
    if tag in ("", "latest"):
        message = f"{image} is whatever is newest when a pod starts: no way back, and no two alike"
        yield container.problem(
            ["image"], "warning", "image-tag", message, f"{name}:1.2.3, or a digest"
        )


def _limits(container: Container) -> Iterator[Problem]:
    if not container.is_initial and not container.get("resources", "limits", "memory"):
        message = f"{container.name} has no memory limit: a leak takes the node with it"
        yield container.problem(
            ["resources"], "warning", "no-limit", message, "resources.limits.memory"
        )
    if not container.is_initial and not container.get("resources", "requests"):
        message = f"{container.name} requests nothing: it is placed anywhere, and evicted first"
        yield container.problem(
            ["resources"], "warning", "no-request", message, "resources.requests"
        )
    for name in ("cpu", "memory"):
        request, limit = (container.get("resources", part, name) for part in ("requests", "limits"))
        low, high = _amount(request), _amount(limit)
        if low is not None and high is not None and low > high:
            message = f"requests more {name} than its limit: {request} over {limit}"
            yield container.problem(
                ["resources", "requests", name], "error", "request-over-limit", message
            )
        for part, value in (("requests", request), ("limits", limit)):
            if name == "memory" and isinstance(value, str) and value.endswith("m"):
                message = f"{value} are thousandths of a byte"
                fix = f"{value[:-1]}Mi"
                yield container.problem(["resources", part, name], "error", "unit", message, fix)


def _amount(value: object) -> float | None:
    found = (
        re.fullmatch(r"(\d+(?:\.\d+)?)([A-Za-z]{0,2})", str(value)) if value is not None else None
    )
    return float(found[1]) * _UNITS[found[2]] if found and found[2] in _UNITS else None


def _probes(container: Container) -> Iterator[Problem]:
    if (
        container.owner.kind in ("Deployment", "StatefulSet")
        and not container.is_initial
        and not container.get("readinessProbe")
        and container.get("ports")
    ):
        message = f"{container.name} has no readiness probe: it gets traffic before it can answer"
        yield container.problem([], "info", "no-readiness", message, "readinessProbe")
    names = {str(one.get("name")) for one in mappings(container.get("ports")) if one.get("name")}
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        port = container.get(probe, "httpGet", "port") or container.get(probe, "tcpSocket", "port")
        if isinstance(port, str) and not port.isdigit() and port not in names:
            message = f"no port of {container.name} is named {port}"
            yield container.problem(
                [probe], "error", "port-name", message, "name the port, or give its number"
            )


def _mounts(container: Container) -> Iterator[Problem]:
    template = container.owner.template
    volumes = {str(one.get("name")) for one in mappings(at(template, "spec", "volumes"))}
    if container.owner.kind == "StatefulSet":
        claims = mappings(container.owner.get("spec", "volumeClaimTemplates"))
        volumes |= {str(at(one, "metadata", "name")) for one in claims}
    for index, mount in enumerate(mappings(container.get("volumeMounts"))):
        if mount.get("name") and str(mount["name"]) not in volumes:
            message = f"mounts {mount['name']}, and no volume has that name"
            yield container.problem(
                ["volumeMounts", index], "error", "no-volume", message, "spec.volumes"
            )


def _doubled(container: Container) -> Iterator[Problem]:
    seen = set()
    for index, one in enumerate(mappings(container.get("env"))):
        if one.get("name") in seen:
            message = f"{one.get('name')} is set twice: the last one counts"
            yield container.problem(["env", index], "warning", "env-twice", message)
        seen.add(one.get("name"))


def _same_names(owner: Object) -> Iterator[Problem]:
    seen = set()
    for container in owner.containers():
        if container.name in seen:
            message = f"two containers are named {container.name}"
            yield container.problem(["name"], "error", "name-twice", message)
        seen.add(container.name)


def _restart_policy(owner: Object) -> Iterator[Problem]:
    path = owner.template_path
    if path is None or owner.kind == "Pod":
        return
    policy = at(owner.template, "spec", "restartPolicy")
    where = (*path, "spec", "restartPolicy")
    if owner.kind in ("Job", "CronJob") and policy not in ("Never", "OnFailure"):
        message = (
            f"a {owner.kind}'s pods need a restart policy of their own: the default is refused"
        )
        yield owner.problem(where, "error", "restart-policy", message, "restartPolicy: Never")
    elif owner.kind not in ("Job", "CronJob") and policy not in (None, "Always"):
        message = f"a {owner.kind}'s pods are always restarted: {policy} is refused"
        yield owner.problem(where, "error", "restart-policy", message, "restartPolicy: Always")


def pod_dangers(owner: Object) -> Iterator[Danger]:
    """Rights on the machine, its folders, and secrets in the open."""
    path = owner.template_path
    if path is None:
        return
    for key, what in (
        ("hostNetwork", "puts the pod on the node's own network"),
        ("hostPID", "shows the pod every process of the node"),
        ("hostIPC", "shares the node's memory with the pod"),
    ):
        if at(owner.template, "spec", key) is True:
            yield owner.danger((*path, "spec", key), what, _LEAST)
    for index, volume in enumerate(mappings(at(owner.template, "spec", "volumes"))):
        folder = at(volume, "hostPath", "path")
        if isinstance(folder, str) and _HOST_PATHS.fullmatch(folder):
            steps = (*path, "spec", "volumes", index, "hostPath", "path")
            what = f"opens the node's {folder} to the pod"
            yield owner.danger(steps, what, "use a volume claim, an emptyDir or a config map")
    for container in owner.containers():
        yield from _container_dangers(container)


def _container_dangers(container: Container) -> Iterator[Danger]:
    context = ("securityContext",)
    if container.get(*context, "privileged") is True:
        what = "gives the container all rights on the node"
        yield container.danger([*context, "privileged"], what, _LEAST)
    added = container.get(*context, "capabilities", "add")
    for name in added if isinstance(added, list) else []:
        if str(name).removeprefix("CAP_") in _MIGHTY:
            what = f"gives the container {name}, which is near to all rights on the node"
            yield container.danger([*context, "capabilities", "add"], what, _LEAST)
    for index, one in enumerate(mappings(container.get("env"))):
        value = one.get("value")
        if (
            _SECRET_NAME.fullmatch(str(one.get("name", "")))
            and isinstance(value, str)
            and not _PLACEHOLDER.match(value)
        ):
            what = f"{one['name']} stands in the manifest: whoever reads it has it"
            advice = "valueFrom.secretKeyRef, and change it"
            yield container.danger(["env", index, "value"], what, advice)
