"""What a request for code needs to know beforehand: the house's ways, and the metrics there are."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from assistant.coding.house import HouseText, house_texts
from assistant.coding.language import dialect_of_request
from assistant.coding.promql.names import Metric
from assistant.coding.request import Attachment, CodeRequest
from knowledge.errors import KnowledgeError
from tools.code.report import Language
from tools.errors import ToolsError

if TYPE_CHECKING:
    from knowledge.base import KnowledgeBase
    from tools.metrics.backend import Family, MetricBackend

_METRICS_TIMEOUT_S = 5.0
_log = logging.getLogger(__name__)


def prepare_request(
    task: str,
    language: Language,
    attachments: Sequence[Attachment] = (),
    runbooks: KnowledgeBase | None = None,
    metrics: MetricBackend | None = None,
) -> CodeRequest:
    """The request with what is known beside it. Blocks; never fails for what cannot be asked."""
    house = () if runbooks is None else _house(runbooks, task, language)
    known = () if metrics is None or language != "promql" else _known(metrics)
    dialect = dialect_of_request(task)
    return CodeRequest(task, language, tuple(attachments), house, known, dialect)


def _house(runbooks: KnowledgeBase, task: str, language: Language) -> tuple[HouseText, ...]:
    try:
        return house_texts(runbooks, task, language)
    except KnowledgeError as error:
        _log.warning("no conventions of the house: %s", error.message)
        return ()


def _known(backend: MetricBackend) -> tuple[Metric, ...]:
    from tools.metrics.backend import Deadline
    from tools.window import Window

    deadline = Deadline.after(_METRICS_TIMEOUT_S)
    try:
        families = backend.families(backend.span(Window(), None, deadline), deadline)
    except ToolsError as error:
        _log.warning("the names of metrics are not known: %s", error.message)
        return ()
    return tuple(_metrics(families))


def _metrics(families: Iterable[Family]) -> Iterable[Metric]:
    for family in families:
        match family.kind:
            case "histogram":
                parts = [f"{family.name}_{part}" for part in ("bucket", "sum", "count")]
                yield from (Metric(name, kind="counter") for name in parts)
            case "counter" | "gauge":
                yield Metric(family.name, kind=family.kind)
            case _:
                yield Metric(family.name)
