"""The check of a manifest: each object, the objects together, what applying them touches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tools.code.documents.check import unreadable, yaml_tool
from tools.code.documents.faults import yaml_problems
from tools.code.documents.loading import DocumentUnreadable, read_documents
from tools.code.kubernetes.objects import Object, read_objects
from tools.code.kubernetes.pods import pod_dangers, pod_problems
from tools.code.kubernetes.relations import relation_dangers, relation_problems
from tools.code.kubernetes.schemas import (
    TOOL,
    NoSchema,
    is_of_the_api,
    newest_version,
    schema_problems,
)
from tools.code.linting import version_of
from tools.code.report import CodeReport, Problem
from tools.code.running import CheckerUnavailable

_DRY_RUN = "kubectl apply --dry-run=server -f manifest.yaml\nkubectl diff -f manifest.yaml"


def check_kubernetes(code: str, version: str = "") -> CodeReport:
    """The report of a manifest for a Kubernetes `version` ("1.31"), by default the newest known."""
    try:
        documents = read_documents(code)
    except DocumentUnreadable as error:
        return unreadable("kubernetes", error.problem)
    objects = read_objects(documents, code)
    wanted = version.lstrip("v") or newest_version()
    problems, not_checked = _schemas(objects, wanted)
    dangers = [danger for one in objects for danger in pod_dangers(one)]
    return CodeReport(
        "kubernetes",
        (*yaml_problems(documents), *problems, *_all_rules(objects)),
        (*dangers, *relation_dangers(objects)),
        tuple(_touched(objects)),
        _DRY_RUN if objects else "",
        (yaml_tool(), f"{TOOL} {version_of(TOOL)} (Kubernetes {wanted})"),
        tuple(not_checked),
    )


def _all_rules(objects: Sequence[Object]) -> Iterator[Problem]:
    for one in objects:
        yield from pod_problems(one)
    yield from relation_problems(objects)


def _schemas(objects: Sequence[Object], version: str) -> tuple[list[Problem], list[str]]:
    problems: list[Problem] = []
    not_checked: list[str] = []
    for one in objects:
        missing = [key for key in ("apiVersion", "kind") if not isinstance(one.get(key), str)]
        if missing:
            problems.append(one.problem((), "error", "no-kind", f"{' and '.join(missing)} missing"))
            continue
        try:
            problems.extend(schema_problems(one, version))
        except NoSchema:
            told = f"{one.kind} of {one.get('apiVersion')}"
            if is_of_the_api(one.get("apiVersion")):
                message = f"Kubernetes {version} has no {told}"
                problems.append(one.problem(("apiVersion",), "error", "no-such-kind", message))
            else:
                not_checked.append(f"{told}: its schema is the cluster's own")
        except CheckerUnavailable as error:
            not_checked.append(f"{TOOL}: {error}")
    return problems, not_checked


def _touched(objects: Sequence[Object]) -> Iterator[str]:
    for one in objects:
        where = f" in namespace {one.namespace}" if one.namespace else ""
        yield f"creates or changes {one.kind} {one.name}{where}"
        for container in one.containers():
            image = container.get("image")
            if isinstance(image, str):
                yield f"runs image {image}"
