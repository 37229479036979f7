"""`KeptAnswer`: an answer with its evidence, as it is kept and given again; and which may be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import TypeAdapter

from assistant.agent.order import may_order
from assistant.events import ToolCall, TurnFinished
from tools.evidence import Evidence

# Tools whose result follows from what has a fingerprint. A tool that is not named here changes
# something, looks at something that has none, or is new.
REPEATABLE = frozenset(
    (
        "search_logs",
        "tail_logs",
        "analyze_logs",
        "count_logs",
        "compare_logs",
        "read_capture",
        "read_captures",
        "search_runbooks",
        "recall_incidents",
        "list_services",
        "survey_metrics",
        "query_metrics",
        "find_metrics",
    )
)


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer, without secrets; `evidence` is the session's ledger and `cited` ids in it."""

    answer: str
    evidence: tuple[Evidence, ...]
    cited: tuple[str, ...]

    def __post_init__(self) -> None:
        unknown = set(self.cited) - {item.id for item in self.evidence}
        if unknown:
            raise ValueError(f"cited without evidence: {', '.join(sorted(unknown))}")

    @property
    def cited_evidence(self) -> tuple[Evidence, ...]:
        """What the answer cites, in its order."""
        by_id = {item.id: item for item in self.evidence}
        return tuple(by_id[name] for name in self.cited)

    def to_json(self) -> bytes:
        """Raises ValueError for a text that is no Unicode."""
        return _FORM.dump_json(self)

    @classmethod
    def from_json(cls, text: bytes) -> KeptAnswer:
        """Raises ValueError."""
        return _FORM.validate_json(text)


_FORM = TypeAdapter(KeptAnswer)


def kept_answer(
    question: str, finished: TurnFinished, ledger: Iterable[Evidence], model: str
) -> KeptAnswer | None:
    """What to keep of a session's first turn; None when it must be worked on each time.

    `model` is the one that the key is made of: another may have stood in for it. Nothing is kept of
    a turn that did, proposed or was told to do anything, or in which a tool failed.
    """
    is_plain = finished.outcome == "answered" and not finished.approvals
    if not is_plain or finished.usage.model != model or may_order(question):
        return None
    if not finished.tool_calls or not all(map(_is_repeatable, finished.tool_calls)):
        return None
    cited = tuple(citation.id for citation in finished.citations)
    return KeptAnswer(finished.answer, tuple(ledger), cited)


def _is_repeatable(call: ToolCall) -> bool:
    return call.name in REPEATABLE and call.status in ("ok", "no_data")
