"""The errors of the engine.

EngineError
├── ModelLoadError      llama.cpp could not load the file
├── RequestRefused      a request that can never run; refused before any work is done
│   ├── ContextOverflow     longer than the context
│   └── InvalidGrammar      a grammar or JSON schema that does not compile
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


class DecodeFailed(EngineError):
    """llama.cpp returned an error in the middle of a request."""


class EngineClosed(EngineError):
    """The engine was closed before the request ended."""
