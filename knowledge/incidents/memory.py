"""`IncidentMemory`: the incidents that a knowledge base holds, kept, listed and compared.

An incident is a document of the knowledge base like any other, so that search finds it; what is
special is that its whole text is kept, in the form of `knowledge.incidents.markdown`. Those that
were noted here, and those in files that were ingested (a team's postmortems), are one memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from knowledge.base import KnowledgeBase
from knowledge.documents import Unusable
from knowledge.errors import KnowledgeError
from knowledge.files import FailedFile, Listing, SourceFile
from knowledge.formats.markdown import parse
from knowledge.incidents.incident import Incident, Signature
from knowledge.incidents.markdown import from_markdown, to_markdown
from knowledge.incidents.merge import Change, IncidentFile, merge
from knowledge.incidents.similarity import MIN_SCORE, IncidentIndex, IncidentMatch
from knowledge.loaders import Reading

# Where incidents stand that no file holds: nothing can be below a file, so no folder that is
# ingested has them, on any of the machines that share a knowledge base.
_FOLDER = Path("/dev/null/incidents")
# Part of every digest: raised when incidents must be divided or embedded anew.
_RECIPE = "1"


class IncidentNotFound(KnowledgeError):
    """No incident has the id, or several begin with it."""


class IncidentMemory:
    """The incidents of `base`. Every call may raise StoreUnavailable."""

    def __init__(self, base: KnowledgeBase) -> None:
        self._base = base

    def all(self) -> list[Incident]:
        """All incidents, the latest first, those without a date last."""
        known = self._by_path().values()
        dated = [incident for incident in known if incident.occurred_at_utc is not None]
        undated = [incident for incident in known if incident.occurred_at_utc is None]
        dated.sort(key=lambda one: (str(one.occurred_at_utc), one.id), reverse=True)
        return dated + sorted(undated, key=lambda one: one.id)

    def get(self, name: str) -> Incident:
        """The incident whose id is `name`, or the only one whose id has it in it.

        Raises IncidentNotFound.
        """
        wanted = name.strip().lower()
        known = {incident.id: incident for incident in self._by_path().values()}
        if wanted in known:
            return known[wanted]
        alike = [incident for id_, incident in known.items() if wanted and wanted in id_]
        if len(alike) != 1:
            what = f"{len(alike)} incidents fit" if alike else "no incident is named"
            raise IncidentNotFound(f"{what} {name!r}", "list them: midwatch incidents list")
        return alike[0]

    def path_of(self, incident: Incident) -> Path:
        """The path under which the knowledge base holds `incident`."""
        held = {known.id: path for path, known in self._by_path().items()}
        return held.get(incident.id, _own_path(incident))

    def add(self, incident: Incident) -> None:
        """Keep `incident`, in place of what was held of its id. Raises IngestBusy."""
        self._put([incident])

    def merge(self, files: Iterable[IncidentFile]) -> list[Change]:
        """Take in what `files` say, and tell what became of each incident. Raises IngestBusy."""
        known = {incident.id: incident for incident in self._by_path().values()}
        changes = merge(known, files)
        self._put([change.incident for change in changes if change.outcome != "unchanged"])
        return changes

    def remove(self, incident: Incident) -> None:
        """Forget `incident`. Raises IncidentNotFound when a file that was ingested holds it."""
        path = self.path_of(incident)
        if path != _own_path(incident):
            raise IncidentNotFound(
                f"{incident.id} stands in {path}", "delete or change that file, and ingest it again"
            )
        self._base.forget(path)

    def similar(
        self, signature: Signature, k: int = 3, min_score: float = MIN_SCORE
    ) -> list[IncidentMatch]:
        """Up to `k` incidents that looked like `signature`, the most similar first."""
        known = self._by_path()
        if not known:
            return []
        cosines: dict[str, float] = {}
        if signature.symptoms.strip():
            by_path = self._base.nearness(signature.symptoms, "incident")
            cosines = {known[path].id: score for path, score in by_path.items() if path in known}
        index = IncidentIndex(known.values())
        return index.similar(signature, symptom_similarity=cosines, min_score=min_score)[:k]

    def _by_path(self) -> dict[Path, Incident]:
        """All incidents that can be read; of one id, the one that was noted here."""
        read: dict[str, tuple[Path, Incident]] = {}
        for path, source in self._base.incident_sources().items():
            try:
                incident = from_markdown(source, path)
            except Unusable:  # found by search all the same
                continue
            if incident.id not in read or path == _own_path(incident):
                read[incident.id] = (path, incident)
        return dict(read.values())

    def _put(self, incidents: Sequence[Incident]) -> None:
        texts = {_own_path(incident): to_markdown(incident) for incident in incidents}
        if not texts:
            return
        files = tuple(SourceFile(path, f"incidents/{path.name}") for path in texts)
        report = self._base.ingest_from(Listing((), files, ()), _IncidentReader(texts))
        _require_taken(report.failed)


class _IncidentReader:
    """Reads incidents from memory; the knowledge base's SourceReader."""

    def __init__(self, texts: dict[Path, str]) -> None:
        self._texts = texts

    def read(self, file: SourceFile, known_digest: str) -> Reading | None:
        """The documents of an incident; None when it is held already. Raises Unusable."""
        text = self._texts[file.path]
        digest = hashlib.sha256(f"{_RECIPE}\0{text}".encode()).hexdigest()
        if digest == known_digest:
            return None
        documents = tuple(replace(one, kind="incident") for one in parse(text, file.path))
        return Reading(digest, documents, text)


def _require_taken(failed: Sequence[FailedFile]) -> None:
    if failed:
        raise KnowledgeError(
            f"{failed[0].path.stem} cannot be kept: {failed[0].reason}",
            "say what the cause was and what fixed it",
        )


def _own_path(incident: Incident) -> Path:
    return _FOLDER / f"{incident.id}.md"
