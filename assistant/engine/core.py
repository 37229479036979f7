"""`EngineCore`: one step after another, without threads: what the scheduler planned is computed,
the next tokens are drawn, and whoever is done leaves.

It belongs to one thread. Whatever a request does, or its reader, the next step can be made.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence as Tokens

from assistant.engine.backend import Backend, Slice
from assistant.engine.drafting import Drafting
from assistant.engine.errors import DeadlineExceeded, EngineError
from assistant.engine.forcing import Forcing
from assistant.engine.grammars import Grammars
from assistant.engine.interface import EngineStatus, Reason, TextDelta
from assistant.engine.prefix import PrefixIndex
from assistant.engine.sampling import Logits, Sampler
from assistant.engine.scheduler import Limits, Scheduler, Work
from assistant.engine.sequence import Sequence, Warmed

_log = logging.getLogger(__name__)


class EngineCore:
    """The requests that run on `backend`, and its cells.

    With `speculates`, what an answer seems to copy from its prompt is verified many tokens at a
    time, where that pays; the answer is the same.
    """

    def __init__(self, backend: Backend, limits: Limits, *, speculates: bool = False) -> None:
        self._backend = backend
        self._index = PrefixIndex(backend)
        self._scheduler = Scheduler(self._index, limits)
        self._grammars = Grammars(backend.compile_grammar)
        self._forcing = Forcing(backend)
        self._drafting = Drafting(limits.step_tokens) if speculates else None
        self._in_step: list[Sequence] = []
        self._num_prompt = self._num_cached = self._num_completion = 0
        self._num_generated = 0

    @property
    def index(self) -> PrefixIndex:
        """What the cells hold."""
        return self._index

    @property
    def can_run(self) -> bool:
        """Whether a step has something to compute."""
        return self._scheduler.can_run

    @property
    def next_deadline_at(self) -> float:
        """The first moment at which a request is to be given up, on the monotonic clock."""
        return min((s.deadline_at for s in self._scheduler.all), default=float("inf"))

    def status(self) -> EngineStatus:
        """How busy it is; safe to ask from any thread."""
        return EngineStatus(
            num_running=len(self._scheduler.running),
            num_waiting=self._scheduler.num_waiting,
            num_cells=self._backend.num_cells,
            num_used_cells=self._index.num_used,
            num_prompt_tokens=self._num_prompt,
            num_cached_tokens=self._num_cached,
            num_completion_tokens=self._num_completion,
            num_preemptions=self._scheduler.num_preemptions,
            num_computed_tokens=self._scheduler.num_served,
            num_generated_tokens=self._num_generated,
            max_running=self._scheduler.limits.max_running,
            max_waiting=self._scheduler.limits.max_waiting,
            requests=self._scheduler.statuses(),
        )

    def admit(self, sequence: Sequence, state: bytes | None = None) -> None:
        """Queue a request, or tell its reader why not; `state` is a snapshot of its prompt."""
        try:
            if sequence.request.grammar is not None:
                sequence.grammar = self._grammars.get(sequence.request.grammar)
            sequence.sampler = Sampler(sequence.request.sampling, sequence.grammar)
            reason = self._append_forced(sequence)
            if reason is not None:
                self._conclude(sequence, reason)
                return
            self._scheduler.add(sequence)
            if state is not None:
                self._restore(sequence.prompt, state)
        except EngineError as error:
            self.fail(sequence, error)

    def cancel(self, sequence: Sequence) -> None:
        """Take a request out and free its cells; one that has ended already is left alone."""
        self._scheduler.discard(sequence)
        sequence.close()

    def step(self) -> bool:
        """Compute the next step; False when there was nothing to do."""
        self._discard_hopeless()
        work = self._scheduler.plan()
        was_warm = self._finish_warmed()
        if not work:
            return was_warm
        if self._drafting is not None:
            work = self._drafting.extend(work, self._index)
        self._in_step = [part.sequence for part in work]
        started = time.perf_counter()
        try:
            rows = self._backend.decode([_slice(part) for part in work])
        except EngineError as error:
            self.fail_running(error)
            return True
        duration_s = time.perf_counter() - started
        self._scheduler.observe(work, duration_s)
        if self._drafting is not None:
            self._drafting.observe_step(work, duration_s)
        self._advance(work, rows)
        return True

    def close(self) -> None:
        """Free the compiled grammars."""
        self._grammars.close()

    def fail_running(self, error: EngineError) -> None:
        """Fail all that runs; after a failed step nobody knows what the cells hold."""
        for sequence in (*self._scheduler.forget(), *self._in_step):
            self.fail(sequence, error)

    def fail_all(self, error: EngineError) -> None:
        """Fail every request."""
        for sequence in self._scheduler.all:
            self.fail(sequence, error)

    def fail(self, sequence: Sequence, error: EngineError) -> None:
        """Take a request out, and tell its reader why."""
        self.cancel(sequence)
        sequence.give(error)

    def _advance(self, work: list[Work], rows: Logits) -> None:
        """Take in a computed step; `rows` are the logits that its slices asked for, in order."""
        for part in work:
            self._scheduler.advance(part.sequence, part.num_tokens)
        self._finish_warmed()
        row = 0
        for part in work:
            if part.draws:
                self._draw(part, rows[row : row + 1 + len(part.drafts)])
                row += 1 + len(part.drafts)

    def _draw(self, work: Work, rows: Logits) -> None:
        """Draw the next tokens of a request: one, and one more behind each draft that came true."""
        sequence = work.sequence
        try:
            reason = self._draw_while_true(sequence, work.drafts, rows)
        except EngineError as error:
            self.fail(sequence, error)
            return
        if reason is not None:
            self._scheduler.end(sequence)
            self._conclude(sequence, reason)

    def _draw_while_true(
        self, sequence: Sequence, drafts: Tokens[int], rows: Logits
    ) -> Reason | None:
        first = len(sequence.tokens)
        num_true = 0
        while True:
            before = len(sequence.tokens)
            reason = self._append(sequence, sequence.sampler.draw(rows[num_true]))
            sequence.ttft_s = sequence.ttft_s or sequence.elapsed_s()
            reason = reason or self._append_forced(sequence)
            new = sequence.tokens[before:]
            if reason is not None or list(drafts[num_true : num_true + len(new)]) != new:
                break
            num_true += len(new)
            self._scheduler.advance(sequence, len(new))
        if drafts:
            self._scheduler.forget_drafts(sequence)
        if self._drafting is not None:
            self._drafting.observe_drawn(sequence, sequence.tokens[first:])
        return reason

    def _append(self, sequence: Sequence, token: int) -> Reason | None:
        """Take `token` as the next of `sequence`; why it ends there, or None if it does not."""
        sequence.append(token)
        self._num_generated += 1
        if self._backend.ends_generation(token):
            return "stop"
        if text := sequence.assembler.push(self._backend.piece(token)):
            sequence.give(TextDelta(text))
        if sequence.assembler.is_stopped:
            return "stop"
        return "length" if sequence.num_left == 0 else None

    def _append_forced(self, sequence: Sequence) -> Reason | None:
        """Take the tokens that the grammar leaves no choice about; why it ends there, or None."""
        if sequence.grammar is None:
            return None
        forced = self._forcing.after(sequence.grammar)
        for token in forced.tokens:
            sequence.sampler.take(token)
            if reason := self._append(sequence, token):
                return reason
        return "stop" if forced.is_complete else None

    def _conclude(self, sequence: Sequence, reason: Reason) -> None:
        """Give the reader the rest."""
        sequence.close()
        sequence.ttft_s = sequence.ttft_s or sequence.elapsed_s()
        if text := sequence.assembler.finish():
            sequence.give(TextDelta(text))
        self._count(sequence)
        sequence.give(sequence.finished(reason))

    def _finish_warmed(self) -> bool:
        """End the running requests that were there for the cache only, and are in it now."""
        warmed = [s for s in self._scheduler.running if s.is_warming and not s.num_pending]
        for sequence in warmed:
            node = self._scheduler.pin(sequence)
            assert node.seq is not None
            is_new = sequence.num_cached != len(sequence.prompt)
            state = self._backend.save_state(node.seq) if is_new else None
            self._count(sequence)
            sequence.give(Warmed(sequence.usage(), state))
        return bool(warmed)

    def _restore(self, tokens: list[int], state: bytes) -> None:
        """Put the cells of a snapshot of `tokens` into the cache, where requests will find them."""
        if self._index.match(tokens) == len(tokens) or not self._index.reserve(len(tokens)):
            return
        tail = self._index.begin([])
        assert tail.seq is not None
        if self._backend.restore_state(tail.seq, state):
            self._index.extend(tail, tokens)
            self._index.finish(tail)
        else:
            _log.warning("a snapshot of %d tokens could not be restored", len(tokens))
            self._index.drop(tail)

    def _count(self, sequence: Sequence) -> None:
        usage = sequence.usage()
        self._num_prompt += usage.prompt_tokens
        self._num_cached += usage.cached_tokens
        self._num_completion += usage.completion_tokens

    def _discard_hopeless(self) -> None:
        """Take out what is past its deadline, and what nobody reads any more."""
        now = time.monotonic()
        for sequence in self._scheduler.all:
            if sequence.reader.is_gone():
                self.cancel(sequence)
            elif now >= sequence.deadline_at:
                deadline_s = sequence.request.deadline_s or 0.0
                self.fail(sequence, DeadlineExceeded(deadline_s, sequence.num_new))


def _slice(work: Work) -> Slice:
    sequence = work.sequence
    first, last = sequence.num_computed, sequence.num_computed + work.num_tokens
    assert sequence.tail is not None
    assert sequence.tail.seq is not None
    tokens = [*sequence.tokens[first:last], *work.drafts]
    return Slice(sequence.tail.seq, first, tokens, work.draws + len(work.drafts))
