from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from knowledge.base import KnowledgeBase, Passage
from knowledge.examples import examples_in, house_of, language_of

Write = Callable[[str, str | bytes], Path]

PASSAGE = Passage(
    path="books/pods.md",
    heading="Pods",
    score=0.9,
    text="",
    line=10,
    source_path=Path("/books/pods.md"),
    name="",
    kind="runbook",
    services=(),
    dated_utc=datetime(2026, 1, 1, tzinfo=UTC),
    also_in=(),
    part=1,
)


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("sh", "bash"),
        ("Console", "bash"),
        ("{.bash}", "bash"),
        ("yaml title=x.yaml", "yaml"),
        ("py", "python"),
        ("brainfuck", "brainfuck"),
        ("", ""),
        ("  ", ""),
    ],
)
def test_languages_have_one_name(name: str, language: str) -> None:
    assert language_of(name) == language


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("no code\n", []),
        ("Run:\n\n```sh\nkubectl get pods\n```\n", [("kubectl get pods", "bash", 13)]),
        (
            "~~~\nplain\n~~~\n\n```promql\nup == 0\n```",
            [("plain", "", 11), ("up == 0", "promql", 15)],
        ),
        ("1. Do\n   ```bash\n   ls\n   ```\n", [("   ls", "bash", 12)]),
        ("````md\n```\nx\n```\n````\n", [("```\nx\n```", "md", 11)]),
        ("```sh\n\n```\n", []),
        ("```sh\nnever closed\n", []),
        ("```sh\n" + "x" * 2_000 + "\n```\n", []),
    ],
)
def test_code_blocks_are_taken_verbatim_with_their_line(
    text: str, blocks: list[tuple[str, str, int]]
) -> None:
    found = examples_in(replace(PASSAGE, text=text))
    assert [(one.code, one.language, one.line) for one in found] == blocks


def test_a_task_brings_examples_in_its_language_and_the_conventions(
    base: KnowledgeBase, write: Write, tmp_path: Path
) -> None:
    write(
        "books/drain.md",
        "# Drain a node\n\nTo drain a node before maintenance:\n\n"
        "```sh\nkubectl drain NODE --ignore-daemonsets --timeout=5m\n```\n\n"
        "```yaml\nkind: PodDisruptionBudget\n```\n",
    )
    write(
        "books/copy.md",
        "# Drain nodes\n\n```sh\nkubectl drain NODE  --ignore-daemonsets --timeout=5m\n```\n",
    )
    write(
        "books/scripts.md",
        "# Conventions for scripts\n\nBash scripts that drain or restart nodes begin with "
        "`set -euo pipefail`, and log what they do.\n",
    )
    base.ingest([tmp_path / "books"])
    house = house_of(base, "a script that drains a node", "bash")
    [example] = house.examples
    assert example.code.split() == [
        "kubectl",
        "drain",
        "NODE",
        "--ignore-daemonsets",
        "--timeout=5m",
    ]
    [convention] = house.conventions
    assert "set -euo pipefail" in convention.text
    assert house_of(base, "drain a node", "yaml").examples[0].code == "kind: PodDisruptionBudget"


def test_an_empty_knowledge_base_has_no_house(base: KnowledgeBase) -> None:
    house = house_of(base, "restart nginx", "bash")
    assert (house.examples, house.conventions) == ((), ())
