"""Lists of the Kubernetes API, several namespaces at a time and page by page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from tools.errors import BackendUnavailable
from tools.logs.sources.kube_cluster import Cluster, ClusterRefused
from tools.logs.sources.parallel import run_all
from tools.logs.sources.watch import FetchWatch

_PAGE_SIZE = 250
_MAX_PAGES = 20
_CORE = "/api/v1"


@dataclass(frozen=True, slots=True)
class Listing:
    """The items of a list as JSON, and notes on what is missing from it."""

    items: tuple[Any, ...] = ()
    notes: tuple[str, ...] = ()


def list_items(
    cluster: Cluster,
    namespaces: Sequence[str],
    kind: str,
    query: Mapping[str, str],
    watch: FetchWatch,
    api: str = _CORE,
) -> Listing:
    """The `kind` (`pods`, `events`) of all namespaces, in their order; `api` is where it lives.

    A namespace that cannot be listed is a note; raises BackendUnavailable when none can.
    """
    jobs = [partial(_list_one, cluster, name, kind, query, api) for name in namespaces]
    results = run_all(jobs, watch)
    failures = [result for result in results if isinstance(result, BackendUnavailable)]
    listings = [result for result in results if isinstance(result, Listing)]
    if failures and not listings:
        raise failures[0]
    notes = [failure.message for failure in failures]
    if None in results:
        notes.append(f"{kind} of {results.count(None)} namespaces: {watch.stop_reason()}")
    if not listings:
        raise BackendUnavailable(f"no {kind} were listed: {watch.stop_reason()}", "try again")
    items = tuple(item for listing in listings for item in listing.items)
    return Listing(items, (*notes, *(note for listing in listings for note in listing.notes)))


def _list_one(
    cluster: Cluster, namespace: str, kind: str, query: Mapping[str, str], api: str
) -> Listing | BackendUnavailable:
    items: list[Any] = []
    page_query: dict[str, str | int | bool] = {**query, "limit": _PAGE_SIZE}
    for _ in range(_MAX_PAGES):
        try:
            page = cluster.json(f"{api}/namespaces/{namespace}/{kind}", page_query)
            page_items, following = _page(page)
        except ClusterRefused as error:
            if not items:
                return _refused(namespace, kind, api, error)
            return _cut(namespace, kind, items, error.message)
        except BackendUnavailable as error:
            return _cut(namespace, kind, items, error.message) if items else error
        items += page_items
        if not following:
            return Listing(tuple(items))
        page_query["continue"] = following
    return _cut(namespace, kind, items, "there are too many")


def _page(answer: Any) -> tuple[list[Any], str]:
    """The items of a page and the mark of the next one. Raises BackendUnavailable."""
    try:
        metadata = answer.get("metadata") or {}
        return list(answer["items"] or []), str(metadata.get("continue") or "")
    except (KeyError, TypeError, AttributeError) as error:
        raise BackendUnavailable(
            "what answers is not a Kubernetes API server", "check [kubernetes] context"
        ) from error


def _refused(namespace: str, kind: str, api: str, error: ClusterRefused) -> BackendUnavailable:
    hint = "check the namespaces and the selector"
    if error.status == 403:
        needs = f"get and list for {kind} and pods/log" if api == _CORE else f"list for {kind}"
        hint = f"this login needs {needs} in {namespace}"
    return BackendUnavailable(
        f"{kind} of the namespace {namespace} cannot be listed: {error.message}", hint
    )


def _cut(namespace: str, kind: str, items: Sequence[Any], why: str) -> Listing:
    note = f"only the first {len(items)} {kind} of the namespace {namespace} were listed: {why}"
    return Listing(tuple(items), (note,))
