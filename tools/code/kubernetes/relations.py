"""Rules for objects that must fit each other, and for what reaches further than one workload."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Sequence

from tools.code.documents.loading import at, mappings
from tools.code.kubernetes.objects import Object
from tools.code.report import Danger, Problem, Severity

_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")
_EVERYONE = (
    "system:anonymous",
    "system:unauthenticated",
    "system:authenticated",
    "system:serviceaccounts",
)
_CRON_FIELD = r"(\*|[\d*/,\-a-zA-Z]+)"
_CRON = re.compile(
    rf"(TZ=\S+ )?({_CRON_FIELD}( {_CRON_FIELD}){{4}}|@(yearly|monthly|weekly|daily|hourly|"
    rf"midnight|annually))"
)


def relation_problems(objects: Sequence[Object]) -> Iterator[Problem]:
    """What of the objects does not fit together."""
    for one in objects:
        yield from _selector(one)
        yield from _service(one, objects)
        yield from _schedule(one)
        yield from _secret_data(one)
        yield from _budget(one, objects)
        yield from _scaling(one, objects)
        yield from _namespace(one)
    yield from _same_objects(objects)


def _selector(one: Object) -> Iterator[Problem]:
    """The API refuses a workload whose selector does not match its own pods."""
    labels = at(one.template, "metadata", "labels") or {}
    wanted = one.get("spec", "selector", "matchLabels")
    if one.kind in _WORKLOADS and isinstance(wanted, dict) and isinstance(labels, dict):
        for key, value in wanted.items():
            if labels.get(key) != value:
                message = f"selects {key}={value}, and the pods have {key}={labels.get(key)}"
                steps = ("spec", "selector", "matchLabels", str(key))
                yield one.problem(
                    steps, "error", "selector", message, "the same in template.metadata.labels"
                )


def _service(one: Object, objects: Sequence[Object]) -> Iterator[Problem]:
    selector = one.get("spec", "selector")
    workloads = [other for other in objects if other.template is not None and _meet(one, other)]
    if one.kind != "Service" or not isinstance(selector, dict) or not workloads:
        return
    chosen = [other for other in workloads if selector.items() <= _pod_labels(other).items()]
    if not chosen:
        message = f"{one.name} selects no pods of this file: {_told(selector)}"
        yield one.problem(
            ("spec", "selector"), "warning", "service-selector", message, "the pods' labels"
        )
        return
    ports = [
        port
        for other in chosen
        for box in other.containers()
        for port in mappings(box.get("ports"))
    ]
    for index, port in enumerate(mappings(one.get("spec", "ports"))):
        target = port.get("targetPort", port.get("port"))
        known = {value for each in ports for value in (each.get("name"), each.get("containerPort"))}
        if ports and target not in known:
            severity: Severity = "error" if isinstance(target, str) else "warning"
            message = f"no container listens on {target}"
            steps = ("spec", "ports", index)
            yield one.problem(
                steps, severity, "target-port", message, "targetPort: a container's port"
            )


def _meet(one: Object, other: Object) -> bool:
    return not one.namespace or not other.namespace or one.namespace == other.namespace


def _pod_labels(one: Object) -> dict[str, object]:
    labels = at(one.template, "metadata", "labels")
    return labels if isinstance(labels, dict) else {}


def _told(labels: dict[str, object]) -> str:
    return ", ".join(f"{key}={value}" for key, value in labels.items())


def _schedule(one: Object) -> Iterator[Problem]:
    schedule = one.get("spec", "schedule")
    if one.kind != "CronJob" or not isinstance(schedule, str):
        return
    if not _CRON.fullmatch(schedule.strip()):
        message = f"{schedule!r} is no schedule: minute hour day month weekday"
        yield one.problem(("spec", "schedule"), "error", "schedule", message, '"0 3 * * *"')
    elif schedule.startswith("* ") and not schedule.startswith("* * * * *"):
        message = f"{schedule!r} runs every minute of that hour"
        yield one.problem(("spec", "schedule"), "warning", "schedule", message, f"0{schedule[1:]}")
    if one.get("spec", "concurrencyPolicy") in (None, "Allow"):
        message = "a run that takes too long overlaps with the next"
        yield one.problem(("spec",), "info", "concurrency", message, "concurrencyPolicy: Forbid")


def _secret_data(one: Object) -> Iterator[Problem]:
    data = one.get("data")
    for key, value in data.items() if one.kind == "Secret" and isinstance(data, dict) else ():
        try:
            base64.b64decode(str(value), validate=True)
        except (binascii.Error, ValueError):
            message = f"{key} is not base64"
            yield one.problem(
                ("data", str(key)), "error", "base64", message, "stringData takes plain text"
            )


def _budget(one: Object, objects: Sequence[Object]) -> Iterator[Problem]:
    """A budget that lets no pod go: a node cannot be drained."""
    if one.kind != "PodDisruptionBudget":
        return
    least = one.get("spec", "minAvailable")
    if least is None:
        return
    labels = one.get("spec", "selector", "matchLabels") or {}
    for other in objects:
        replicas = other.get("spec", "replicas")
        is_meant = (
            isinstance(labels, dict) and labels and labels.items() <= _pod_labels(other).items()
        )
        if is_meant and (
            least == replicas or least == "100%" or (least == 1 and replicas in (None, 1))
        ):
            message = f"lets no pod of {other.name} go: its node cannot be drained"
            yield one.problem(
                ("spec", "minAvailable"), "warning", "budget", message, "maxUnavailable: 1"
            )


def _scaling(one: Object, objects: Sequence[Object]) -> Iterator[Problem]:
    if one.kind != "HorizontalPodAutoscaler":
        return
    low, high = one.get("spec", "minReplicas"), one.get("spec", "maxReplicas")
    if isinstance(low, int) and isinstance(high, int) and low > high:
        message = f"minReplicas {low} is more than maxReplicas {high}"
        yield one.problem(("spec", "minReplicas"), "error", "replicas", message)
    target = one.get("spec", "scaleTargetRef", "name")
    for other in objects:
        if (
            other.name == target
            and other.kind in _WORKLOADS
            and other.get("spec", "replicas") is not None
        ):
            message = f"each apply sets {target} back to its replicas, against the autoscaler"
            yield other.problem(
                ("spec", "replicas"), "warning", "replicas", message, "leave replicas out"
            )


def _namespace(one: Object) -> Iterator[Problem]:
    is_placed = one.template is not None or one.kind in (
        "Service",
        "ConfigMap",
        "Secret",
        "Ingress",
    )
    if is_placed and not one.namespace:
        message = f"{one.kind} {one.name} goes to whatever namespace happens to be set"
        yield one.problem(
            ("metadata",), "info", "no-namespace", message, "metadata.namespace, or kubectl -n"
        )


def _same_objects(objects: Sequence[Object]) -> Iterator[Problem]:
    seen = set()
    for one in objects:
        key = (one.kind, one.namespace, one.name)
        if one.name and key in seen:
            message = f"{one.kind} {one.name} stands twice in the file: the last one counts"
            yield one.problem(("metadata", "name"), "warning", "object-twice", message)
        seen.add(key)


def relation_dangers(objects: Sequence[Object]) -> Iterator[Danger]:
    """What reaches further than one workload."""
    for one in objects:
        yield from _roles(one)
        yield from _bindings(one)
        if one.kind in _WORKLOADS and one.get("spec", "replicas") == 0:
            what = "takes the workload down to no replica"
            yield one.danger(("spec", "replicas"), what, "make sure that nothing needs it")


def _roles(one: Object) -> Iterator[Danger]:
    if one.kind not in ("ClusterRole", "Role"):
        return
    for index, rule in enumerate(mappings(one.get("rules"))):
        verbs, resources = rule.get("verbs") or [], rule.get("resources") or []
        if "*" in verbs and "*" in resources:
            yield one.danger(
                ("rules", index), "allows everything on everything", "name verbs and resources"
            )
        elif (
            "secrets" in resources
            and {"*", "list", "get"} & set(map(str, verbs))
            and one.kind == "ClusterRole"
            and not rule.get("resourceNames")
        ):
            what = "reads the secrets of every namespace"
            yield one.danger(("rules", index), what, "a Role in one namespace, with resourceNames")


def _bindings(one: Object) -> Iterator[Danger]:
    if one.kind not in ("ClusterRoleBinding", "RoleBinding"):
        return
    if one.get("roleRef", "name") == "cluster-admin":
        what = "makes its subjects masters of the cluster"
        yield one.danger(("roleRef", "name"), what, "a role of its own with what it needs")
    for index, subject in enumerate(mappings(one.get("subjects"))):
        if subject.get("name") in _EVERYONE:
            yield one.danger(
                ("subjects", index), f"gives the role to {subject['name']}", "name who needs it"
            )
