"""`generate_code`: a request in, checked code out.

The model writes, tools put right what they can, checks judge, and errors go back to the model at
most twice, as do demands of the request that left no trace. The attempt with the fewest errors is
the answer, which need not be the last one. All of it only writes text: whether it is ever run is
decided elsewhere, by a person.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from assistant.chat.continuation import (
    ChatModel,
    Continuation,
    Enough,
    Said,
    WriteCost,
    Written,
    continue_turn,
    model_name,
)
from assistant.coding.demands import unmet_demands
from assistant.coding.extraction import code_alone
from assistant.coding.generated import Generated
from assistant.coding.idioms import left_over
from assistant.coding.promql.grammar import query_grammar
from assistant.coding.promql.intent import read_intent
from assistant.coding.promql.names import metrics_for
from assistant.coding.repair import repair
from assistant.coding.request import CodeRequest, correction, errors_of, first_message
from assistant.coding.runaway import LineWatch
from assistant.coding.styles import STYLES
from assistant.engine.errors import ContextOverflow
from assistant.events import TurnUsage
from tools.code.check import check_code
from tools.code.report import CodeReport, Language, Problem, own_problem

MAX_ROUNDS = 3
_CLOSING = "\n```"
# Whoever asks for one of these is told of the danger, and still gets what was asked for.
_ASKS_TO_DESTROY = re.compile(
    r"\b(?:delet|remov|drop|truncat|purg|wip|prun|clean|clear|kill|terminat|overwrit|forc|evict"
    r"|rotat|empt|reset|restart|stop|uninstall)\w*",
    re.IGNORECASE,
)

Check = Callable[[Language, str, str], CodeReport]
"""What judges the code: language, code and the dialect of SQL in, a report out."""


@dataclass(frozen=True, slots=True)
class CodeProgress:
    """What is being done: `round` counts from 1, `num_lines` are those written so far in it."""

    stage: Literal["writing", "checking"]
    round: int
    num_lines: int = 0


OnProgress = Callable[[CodeProgress], None]


@dataclass(frozen=True, slots=True)
class _Attempt:
    code: str
    is_whole: bool
    report: CodeReport
    fixes: tuple[str, ...]

    unmet: tuple[Problem, ...] = ()

    @property
    def badness(self) -> tuple[int, int, int]:
        """Errors first, then demands that are not met, then dangers; no code at all is worst."""
        if not self.code.strip():
            return (1_000, 0, 0)
        num_errors = len(errors_of(self.report)) + (not self.is_whole)
        return (num_errors, len(self.unmet), len(self.report.dangers))


@dataclass(slots=True)
class _Work:
    """A request being worked on: the conversation, the attempts, and what they cost."""

    request: CodeRequest
    conversation: list[Said]
    attempts: list[_Attempt] = field(default_factory=list)
    costs: list[WriteCost] = field(default_factory=list)


def check_with_tools(language: Language, code: str, dialect: str) -> CodeReport:
    """The checks of `tools.code`."""
    return check_code(language, code, dialect=dialect)


async def generate_code(
    request: CodeRequest,
    model: ChatModel,
    *,
    check: Check = check_with_tools,
    on_progress: OnProgress = lambda _: None,
) -> Generated:
    """The best of at most three attempts. Raises as the model does (EngineError, …).

    `check` runs in a thread. Cancelling ends the generation; nothing is left behind.
    """
    started = time.monotonic()
    style = STYLES[request.language]
    work = _Work(request, [Said("system", style.system), Said("user", first_message(request))])
    for number in range(1, MAX_ROUNDS + 1):
        try:
            written = await _write(work, model, number, on_progress)
        except ContextOverflow:
            # There is no room to correct it: what was written so far counts.
            if not work.attempts:
                raise
            break
        on_progress(CodeProgress("checking", number))
        attempt = await asyncio.to_thread(_checked, request, written, check)
        is_repeated = any(attempt.code == earlier.code for earlier in work.attempts)
        work.attempts.append(attempt)
        # A model at temperature 0 that repeats itself will do so again.
        if is_repeated or not _wants_another(attempt, request, number):
            break
        _send_back(work, attempt)
    return _best(work, model, time.monotonic() - started)


async def _write(work: _Work, model: ChatModel, number: int, on_progress: OnProgress) -> Written:
    on_progress(CodeProgress("writing", number))
    lines = LineWatch()

    def watch(text: str) -> None:
        lines.push(text)
        if "\n" in text:
            on_progress(CodeProgress("writing", number, lines.num_lines))
        if lines.is_circling:
            raise Enough

    written = await continue_turn(model, work.conversation, _continuation(work.request), watch)
    work.costs.append(written.cost)
    return written


def _continuation(request: CodeRequest) -> Continuation:
    style = STYLES[request.language]
    grammar = _query_grammar(request) if request.language == "promql" else None
    return Continuation(style.beginning, style.max_tokens, (_CLOSING,), grammar)


def _query_grammar(request: CodeRequest) -> str:
    metrics = metrics_for(request.task, request.metrics)
    return query_grammar(read_intent(request.task, metrics))


def _checked(request: CodeRequest, written: Written, check: Check) -> _Attempt:
    repaired = repair(request.language, code_alone(written.text))
    report = check(request.language, repaired.code, request.dialect)
    forgotten = tuple(_placeholders(request, repaired.code))
    unmet = unmet_demands(request.task, repaired.code) if request.language == "bash" else ()
    report = replace(report, problems=(*forgotten, *report.problems, *unmet))
    return _Attempt(repaired.code, written.is_whole, report, repaired.fixes, unmet)


def _placeholders(request: CodeRequest, code: str) -> Iterator[Problem]:
    """An error for each word of an idiom where a name of the task should stand."""
    lines = code.splitlines()
    for word in left_over(code, request.task, request.language):
        line = next((n for n, text in enumerate(lines, 1) if word in text), None)
        message = f"{word} stands for a name or number of the task: write that in its place"
        yield own_problem(line, "error", "placeholder", message)


def _wants_another(attempt: _Attempt, request: CodeRequest, number: int) -> bool:
    """Whether the model is asked again: for what is wrong or left out, once for a danger.

    For a danger only where nobody asked for it.
    """
    num_errors, num_unmet, num_dangers = attempt.badness
    if num_errors or num_unmet:
        return True
    return num_dangers > 0 and number == 1 and not _ASKS_TO_DESTROY.search(request.task)


def _send_back(work: _Work, attempt: _Attempt) -> None:
    language = work.request.language
    fence = STYLES[language].beginning.partition("\n")[0]
    problems = correction(
        language, attempt.code, attempt.report, attempt.unmet, is_whole=attempt.is_whole
    )
    work.conversation += [
        Said("assistant", f"{fence}\n{attempt.code}```"),
        Said("user", problems),
    ]


def _best(work: _Work, model: ChatModel, total_s: float) -> Generated:
    best = min(work.attempts, key=lambda attempt: attempt.badness)
    return Generated(
        language=work.request.language,
        code=best.code,
        report=best.report,
        rounds=len(work.attempts),
        fixes=best.fixes,
        house=work.request.house,
        looked=tuple(one.name for one in work.request.looked),
        is_whole=best.is_whole,
        usage=_usage(work.costs, model, total_s),
    )


def _usage(costs: Sequence[WriteCost], model: ChatModel, total_s: float) -> TurnUsage:
    return TurnUsage(
        model=model_name(model),
        prompt_tokens=sum(cost.prompt_tokens for cost in costs),
        cached_tokens=sum(cost.cached_tokens for cost in costs),
        completion_tokens=sum(cost.completion_tokens for cost in costs),
        ttft_s=costs[0].ttft_s if costs else 0.0,
        total_s=total_s,
        model_calls=len(costs),
    )
