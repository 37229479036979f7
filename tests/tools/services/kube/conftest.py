"""A small API server of Kubernetes: it keeps objects, and answers as the real one does.

It knows lists with selectors, merge patches with `resourceVersion`, the scale subresource, deletion
with preconditions, logs, and permissions; it runs nothing: what becomes of pods, tests say.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

_PATH = re.compile(
    r"(?P<api>/api/v1|/apis/apps/v1)/namespaces/(?P<namespace>[^/]+)/(?P<plural>[a-z]+)"
    r"(?:/(?P<name>[^/]+))?(?:/(?P<sub>scale|log))?"
)
_REQUIREMENT = re.compile(
    r"\s*(!?)([^\s!=,()]+)\s*(?:(=|!=|in|notin)\s*(\(.*?\)|[^,\s]*))?\s*(?:,|$)"
)
_PATCHES = ("application/strategic-merge-patch+json", "application/merge-patch+json")

Key = tuple[str, str, str]
Json = dict[str, Any]


class Refused(Exception):
    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = {
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "message": message,
            "reason": reason,
            "code": code,
        }


@dataclass
class KubeApi:
    """The objects by plural, namespace and name; `forbidden` pairs are (verb, resource)."""

    objects: dict[Key, Json] = field(default_factory=dict)
    logs: dict[tuple[str, str, bool], bytes] = field(default_factory=dict)
    forbidden: set[tuple[str, str]] = field(default_factory=set)
    refusals: list[tuple[int, str]] = field(default_factory=list)
    before_order: Callable[[], None] = lambda: None
    version: int = 1000
    uids: int = 0

    def add(self, plural: str, name: str, namespace: str = "shop", **parts: Any) -> Json:
        """Make an object anew, with a uid and a version that no other has had."""
        self.uids += 1
        labels = {"app": "shop"} | parts.pop("labels", {})
        metadata = {
            "name": name,
            "namespace": namespace,
            "uid": f"uid-{self.uids}",
            "generation": 1,
            "labels": labels,
        } | parts.pop("metadata", {})
        made = {"metadata": metadata, "spec": {}, "status": {"observedGeneration": 1}} | parts
        self.objects[plural, namespace, name] = made
        self.touch(made)
        return made

    def touch(self, one: Json) -> None:
        """Give the object a new version, as each change does."""
        self.version += 1
        one["metadata"]["resourceVersion"] = str(self.version)

    def answer(self, request: Any) -> tuple[int, bytes]:
        try:
            status, body = self._answer(request)
        except Refused as refused:
            return refused.status["code"], json.dumps(refused.status).encode()
        return status, body if isinstance(body, bytes) else json.dumps(body).encode()

    def _answer(self, request: Any) -> tuple[int, Any]:
        if request.authorization != "Bearer s3cret-token":
            raise Refused(401, "Unauthorized", "Unauthorized")
        found = _PATH.fullmatch(unquote(request.path))
        if found is None:
            raise Refused(404, "NotFound", "the server could not find the requested resource")
        key = (found["plural"], found["namespace"], found["name"] or "")
        is_apps = found["api"].endswith("apps/v1")
        resource = f"{found['plural']}.apps" if is_apps else found["plural"]
        resource += f"/{found['sub']}" if found["sub"] else ""
        verb = {"GET": "get" if found["name"] else "list"}.get(
            request.method, request.method.lower()
        )
        if (verb, resource) in self.forbidden:
            raise Refused(
                403,
                "Forbidden",
                f'{resource} "{key[2]}" is forbidden: User "ops" cannot {verb} resource '
                f'"{found["plural"]}" in the namespace "{key[1]}"',
            )
        if request.method == "GET":
            return 200, self._log(key, request) if found["sub"] else self._list(key, request)
        return 200, self._order(request, key, found["sub"] or "")

    def _list(self, key: Key, request: Any) -> Json:
        if key[2]:
            raise Refused(405, "MethodNotAllowed", "no test asks for single objects")
        items = [
            one for (plural, space, _), one in self.objects.items() if (plural, space) == key[:2]
        ]
        wanted = request.query.get("fieldSelector", "")
        if wanted:
            (name,) = re.fullmatch(r"metadata\.name=([^,=]+)", wanted).groups()  # type: ignore[union-attr]
            items = [one for one in items if one["metadata"]["name"] == name]
        selector = request.query.get("labelSelector", "")
        items = [one for one in items if _selects(selector, one["metadata"]["labels"])]
        return {"kind": "List", "metadata": {"resourceVersion": str(self.version)}, "items": items}

    def _log(self, key: Key, request: Any) -> bytes:
        is_previous = request.query.get("previous") == "true"
        body = self.logs.get((key[2], request.query["container"], is_previous))
        if body is None:
            raise Refused(400, "BadRequest", "previous terminated container not found")
        lines = body.splitlines(keepends=True)
        return b"".join(lines[-int(request.query["tailLines"]) :])

    def _order(self, request: Any, key: Key, sub: str) -> Json:
        self.before_order()
        if self.refusals:
            code, message = self.refusals.pop(0)
            raise Refused(code, "", message)
        one = self.objects.get(key)
        if one is None:
            raise Refused(404, "NotFound", f'{key[0]} "{key[2]}" not found')
        body = json.loads(request.body)
        if request.method == "DELETE":
            return self._delete(key, one, body)
        return self._patch(request, one, body, sub)

    def _delete(self, key: Key, one: Json, options: Json) -> Json:
        uid = options.get("preconditions", {}).get("uid")
        if uid is not None and uid != one["metadata"]["uid"]:
            raise Refused(409, "Conflict", f"the UID in the precondition ({uid}) does not match")
        del self.objects[key]
        return one

    def _patch(self, request: Any, one: Json, change: Json, sub: str) -> Json:
        # The scale subresource has no strategic merge.
        if request.method != "PATCH" or request.content_type not in _PATCHES[bool(sub) :]:
            raise Refused(415, "UnsupportedMediaType", f"not supported: {request.content_type}")
        version = change.get("metadata", {}).pop("resourceVersion", None)
        if version is not None and version != one["metadata"]["resourceVersion"]:
            raise Refused(409, "Conflict", "the object has been modified")
        if sub == "scale" and set(change["spec"]) != {"replicas"}:
            raise Refused(422, "Invalid", "a scale has only replicas")
        before = json.dumps(one["spec"])
        _merge(one, change)
        if json.dumps(one["spec"]) != before:
            one["metadata"]["generation"] += 1
            self.touch(one)
        return one


def _merge(into: Json, change: Json) -> None:
    for key, value in change.items():
        if isinstance(value, dict):
            _merge(into.setdefault(key, {}), value)
        else:
            into[key] = value


def _selects(selector: str, labels: dict[str, str]) -> bool:
    return all(_holds(labels, *found) for found in _REQUIREMENT.findall(selector) if any(found))


def _holds(labels: dict[str, str], negation: str, key: str, operator: str, value: str) -> bool:
    values = value.strip("()").split(",")
    match operator:
        case "":
            return (key in labels) is not bool(negation)
        case "=" | "in":
            return labels.get(key) in values
    return labels.get(key) not in values


@pytest.fixture
def api(kubernetes: Any) -> KubeApi:
    """The API server that `kubeconfig` names, without any object yet."""
    server = KubeApi()
    kubernetes.speaker = server.answer
    return server


@pytest.fixture
def deployment(api: KubeApi) -> Json:
    """`shop/deployment/web`: two pods asked for and two ready, made by its ReplicaSet."""
    made = api.add(
        "deployments",
        "web",
        spec={
            "replicas": 2,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}},
        },
        status={
            "observedGeneration": 1,
            "replicas": 2,
            "updatedReplicas": 2,
            "readyReplicas": 2,
            "availableReplicas": 2,
            "conditions": [
                {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}
            ],
        },
        labels={"app": "web"},
    )
    replica_set = api.add("replicasets", "web-7f9f", spec={"replicas": 2}, labels={"app": "web"})
    for name in ("web-7f9f-aaaaa", "web-7f9f-bbbbb"):
        add_pod(api, name, replica_set, "ReplicaSet", {"app": "web", "pod-template-hash": "7f9f"})
    return made


def add_pod(api: KubeApi, name: str, maker: Json | None, kind: str, labels: dict[str, str]) -> Json:
    owners = []
    if maker is not None:
        named = {key: maker["metadata"][key] for key in ("name", "uid")}
        version = "v1" if kind == "ReplicationController" else "apps/v1"
        owners = [named | {"apiVersion": version, "kind": kind, "controller": True}]
    running = {
        "name": "app",
        "ready": True,
        "restartCount": 0,
        "state": {"running": {"startedAt": "2026-03-01T11:00:00Z"}},
    }
    return api.add(
        "pods",
        name,
        metadata={"ownerReferences": owners},
        labels=labels,
        status={
            "phase": "Running",
            "startTime": "2026-03-01T10:59:00Z",
            "containerStatuses": [running],
        },
    )


@pytest.fixture
def new_pod(api: KubeApi) -> Callable[..., Json]:
    """Makes a pod: its name, what made it (or None) and of which kind that is, its labels."""

    def make(name: str, maker: Json | None = None, kind: str = "ReplicaSet", **labels: str) -> Json:
        return add_pod(api, name, maker, kind, labels)

    return make


@pytest.fixture
def shop(kubeconfig: Path) -> Any:
    """The namespace `shop` of that API server."""
    from tools.logs.sources.kube_cluster import KubernetesTarget

    return KubernetesTarget(("shop",), kubeconfig=kubeconfig)
