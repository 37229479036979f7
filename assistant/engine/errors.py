"""The errors of the engine.

EngineError
├── ModelLoadError      llama.cpp could not load the file
├── RequestRefused      a request that can never run; refused before any work is done
│   ├── ContextOverflow     longer than the context
│   ├── InvalidGrammar      a grammar or JSON schema that does not compile
│   └── EngineBusy          too many requests are waiting already
├── GrammarDeadEnd      a grammar whose text cannot be completed
├── DeadlineExceeded    the request took longer than it was given
├── ModelFileChanged    the file of the loaded model was overwritten
├── CacheFull           the KV cache has no sequence left
├── DecodeFailed        llama.cpp failed in the middle of a request
└── EngineClosed        the engine was closed before the request ended
"""

from __future__ import annotations


class EngineError(Exception):
    """Base: `message` says what is wrong, `hint` what to do about it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ModelLoadError(EngineError):
    """llama.cpp could not load the model file."""


class RequestRefused(EngineError):
    """A request that can never run."""


class ContextOverflow(RequestRefused):
    """A prompt of `needed` tokens does not fit in a context of `available` tokens."""

    def __init__(self, needed: int, available: int) -> None:
        super().__init__(
            f"the prompt has {needed:,} tokens and the context holds {available:,}",
            "shorten the prompt, or load the model with a larger context",
        )
        self.needed = needed
        self.available = available


class InvalidGrammar(RequestRefused):
    """A grammar or a JSON schema that llama.cpp cannot compile."""


class EngineBusy(RequestRefused):
    """All `limit` places of the queue are taken; a request would be number `position` in it."""

    def __init__(self, position: int, limit: int) -> None:
        super().__init__(
            f"busy, position {position}: {limit} requests are waiting, and no more may",
            "ask again in a moment",
        )
        self.position = position
        self.limit = limit


class GrammarDeadEnd(EngineError):
    """A grammar that allows no token of this model, not even the end."""

    def __init__(self) -> None:
        super().__init__(
            "the grammar has come to a point where no token is allowed",
            "correct the grammar: one of its rules can never be completed",
        )


class DeadlineExceeded(EngineError):
    """A request was not done after `deadline_s`; it had generated `num_tokens`."""

    def __init__(self, deadline_s: float, num_tokens: int) -> None:
        super().__init__(
            f"not done after {deadline_s:g} s ({num_tokens} tokens were generated)",
            "allow more time, or ask when the engine is less busy",
        )
        self.deadline_s = deadline_s
        self.num_tokens = num_tokens


class ModelFileChanged(EngineError):
    """The file of the loaded model was overwritten; what is in memory cannot be trusted."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} was overwritten while it was in use", "restart midwatch")
        self.path = path


class CacheFull(EngineError):
    """There is no free sequence in the KV cache, and none that could be evicted."""


class DecodeFailed(EngineError):
    """llama.cpp returned an error in the middle of a request."""


class EngineClosed(EngineError):
    """The engine was closed before the request ended."""
