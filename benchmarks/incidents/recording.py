"""Recording an incident: from an `Incident` to a case of the suite in a folder."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from benchmarks.incidents.families import INCIDENTS
from benchmarks.incidents.incident import Incident, describe, fill
from benchmarks.incidents.machine import inside
from benchmarks.incidents.scene import Scene

REPOSITORY = Path(__file__).parents[2]
SUITE = REPOSITORY / "tests" / "incidents"
_FACTS = "facts.json"
# A longer log is packed: the suite lies in the repository.
_PLAIN_BYTES = 100_000


def record(name: str, suite: Path = SUITE) -> None:
    """Play the incident `name` on a machine of its own and write its case into `suite`.

    Raises CalledProcessError when it fails, its words on stderr; the old case stays then.
    """
    incident = INCIDENTS[name]
    facts: dict[str, str] = {}
    if incident.play:
        with tempfile.TemporaryDirectory(prefix="incident-") as scratch:
            command = [sys.executable, "-m", "benchmarks.incidents", "play", name, scratch]
            subprocess.run(inside(incident.host, command), check=True, cwd=REPOSITORY)
            facts = json.loads(Path(scratch, _FACTS).read_text())
            _keep(Path(scratch, "bundle"), suite / name)
    write_expectations(incident, suite / name, facts, f"{datetime.now(UTC):%Y-%m-%d}")


def play(name: str, scratch: Path) -> None:
    """Play the incident `name` on this machine, which is its own."""
    scene = Scene(scratch / "bundle")
    happen = INCIDENTS[name].play
    assert happen is not None, "only what happens is recorded"
    happen(scene)
    scene.finish()
    (scratch / _FACTS).write_text(json.dumps(scene.facts))
    # Programs and threads of the incident are still running; the machine ends with this process.
    os._exit(0)


def describe_again(name: str, suite: Path = SUITE) -> None:
    """Write the question and the expectations of a case that is recorded already."""
    case = suite / name
    old: dict[str, Any] = yaml.safe_load((case / "expected.yaml").read_text())
    recorded_at = str(old["recorded"]).split(":", 1)[0]
    write_expectations(INCIDENTS[name], case, old.get("facts", {}), recorded_at)


def write_expectations(
    incident: Incident, case: Path, facts: dict[str, str], recorded_at: str
) -> None:
    """Write `question.txt` and `expected.yaml` below `case`."""
    case.mkdir(parents=True, exist_ok=True)
    (case / "question.txt").write_text(fill(incident.question, facts) + "\n")
    content = describe(incident, facts, recorded_at)
    (case / "expected.yaml").write_text(
        yaml.safe_dump(content, sort_keys=False, width=100, allow_unicode=True)
    )


def _keep(bundle: Path, case: Path) -> None:
    """Put `bundle`, long logs packed, in the place of the case's old one."""
    for file in sorted((bundle / "logs").iterdir()):
        if file.stat().st_size > _PLAIN_BYTES:
            packed = file.with_name(f"{file.name}.gz")
            packed.write_bytes(gzip.compress(file.read_bytes(), mtime=0))
            file.unlink()
    case.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(case / "bundle", ignore_errors=True)
    shutil.copytree(bundle, case / "bundle")
