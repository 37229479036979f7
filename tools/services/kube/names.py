"""`namespace/kind/name`: what a service of Kubernetes is called, and where the API has its kind.

The parts become parts of URLs, so what breaks Kubernetes' own rules for names is no name here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tools.errors import UnknownService
from tools.services.names import shown

# RFC 1123, as Kubernetes has it: namespaces are labels, other names are subdomains.
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
_PART = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = re.compile(rf"{_PART}(\.{_PART})*", re.ASCII)
_MAX_SUBDOMAIN_CHARS = 253


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of object: its name in a service's name, in words of the API, and where it lives."""

    word: str
    title: str
    api: str
    plural: str

    @property
    def resource(self) -> str:
        """The resource as RBAC and kubectl name it: `deployments.apps`."""
        group = self.api.removeprefix("/apis/").partition("/")[0]
        return f"{self.plural}.{group}" if self.api.startswith("/apis/") else self.plural


_APPS = "/apis/apps/v1"
DEPLOYMENT = Kind("deployment", "Deployment", _APPS, "deployments")
STATEFULSET = Kind("statefulset", "StatefulSet", _APPS, "statefulsets")
DAEMONSET = Kind("daemonset", "DaemonSet", _APPS, "daemonsets")
POD = Kind("pod", "Pod", "/api/v1", "pods")
WORKLOADS = (DEPLOYMENT, STATEFULSET, DAEMONSET)
_KINDS = {kind.word: kind for kind in (*WORKLOADS, POD)}


@dataclass(frozen=True, slots=True)
class ServiceName:
    """The name of one workload or pod, taken apart. Its text is the name again."""

    namespace: str
    kind: Kind
    name: str

    @classmethod
    def parse(cls, text: str) -> ServiceName:
        """The name that `text` is, letter for letter. Raises UnknownService when it is none."""
        namespace, _, rest = text.partition("/")
        word, _, name = rest.partition("/")
        kind = _KINDS.get(word)
        if kind is None or not _LABEL.fullmatch(namespace) or not is_object_name(name):
            raise unknown(text)
        return cls(namespace, kind, name)

    def __str__(self) -> str:
        return f"{self.namespace}/{self.kind.word}/{self.name}"

    @property
    def path(self) -> str:
        """Where the object itself stands in the API."""
        return f"{self.kind.api}/namespaces/{self.namespace}/{self.kind.plural}/{self.name}"


def is_object_name(text: str) -> bool:
    """Whether an object may have this name."""
    return len(text) <= _MAX_SUBDOMAIN_CHARS and _SUBDOMAIN.fullmatch(text) is not None


def unknown(service: str) -> UnknownService:
    """The error for a name that no service has."""
    return UnknownService(
        f"kubernetes has no service named {shown(service)}",
        "names are namespace/kind/name, as midwatch services list shows them",
    )
