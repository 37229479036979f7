"""The errors of the knowledge base.

    KnowledgeError
    ├── SourceNotFound        a path to ingest that does not exist
    ├── IngestBusy            another process is ingesting into the same folder
    ├── StoreUnavailable      the catalog or the index cannot be opened, read or written
    │   └── OutdatedCatalog   it was written by another version of midwatch
    └── EmbeddingUnavailable  the embedding model is missing, or cannot be prepared or run

One unusable file is no error: ingest lists it as failed and goes on. `hint` says what the person
can do next.
"""

from __future__ import annotations


class KnowledgeError(Exception):
    """Base of the package's errors: `message` says what is wrong, `hint` what to do about it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class SourceNotFound(KnowledgeError):
    """A path that should be ingested does not exist."""


class IngestBusy(KnowledgeError):
    """Another process is ingesting into the same folder at this moment."""


class StoreUnavailable(KnowledgeError):
    """The catalog or the vector index cannot be opened, read or written."""


class OutdatedCatalog(StoreUnavailable):
    """The knowledge base was written by another version of midwatch."""


class EmbeddingUnavailable(KnowledgeError):
    """The embedding model is missing, or cannot be prepared or run."""
