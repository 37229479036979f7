import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "grouping.py"
CONTENT = ["up 1", "up 2", "down a.b", "odd"]
LOG = "".join(f"2025-01-02 03:00:0{n} INFO {text}\r\n" for n, text in enumerate(CONTENT))


@pytest.fixture(scope="module")
def grouping() -> ModuleType:
    spec = importlib.util.spec_from_file_location("grouping", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["grouping"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def loghub(tmp_path: Path) -> Path:
    folder = tmp_path / "Toy"
    folder.mkdir()
    rows = [f"{n},{'E1' if n < 2 else 'E2'},{text}\n" for n, text in enumerate(CONTENT)]
    (folder / "Toy_2k.log_structured.csv").write_text("LineId,EventId,Content\n" + "".join(rows))
    (folder / "Toy_2k.log").write_text(LOG)
    return tmp_path


@pytest.mark.parametrize(
    ("groups", "accuracy"),
    [("aabb", 1.0), ("xxyy", 1.0), ("aaab", 0.0), ("aabc", 0.5), ("abcc", 0.5), ("abcd", 0.0)],
)
def test_a_line_is_right_when_its_whole_group_is(
    grouping: ModuleType, groups: str, accuracy: float
) -> None:
    assert grouping.grouping_accuracy(list(groups), [1, 1, 2, 2]) == accuracy


def test_both_texts_of_a_log_are_measured(
    grouping: ModuleType, loghub: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [system] = grouping.read_systems(loghub)
    rows = [grouping.accuracies([system], text, None, None)[0] for text in ("content", "raw")]
    assert [(row.system, row.text, row.ours, row.theirs) for row in rows] == [
        ("Toy", "content", 0.5, None),
        ("Toy", "raw", 0.5, None),
    ]
    grouping.print_rows(rows)
    assert capsys.readouterr().out.count("average") == 2


def test_drain3_gets_the_same_lines(grouping: ModuleType, loghub: Path, tmp_path: Path) -> None:
    """A stand-in for the package: each line is a group of its own."""
    package = tmp_path / "drain3"
    package.mkdir()
    (package / "__init__.py").write_text(
        "class TemplateMiner:\n"
        "    def __init__(self, config): self.lines = []\n"
        "    def add_log_message(self, line):\n"
        "        self.lines.append(line)\n"
        "        return {'cluster_id': len(self.lines)}\n"
    )
    (package / "template_miner_config.py").write_text("class TemplateMinerConfig: pass\n")
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={tmp_path} exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    systems = grouping.read_systems(loghub)
    [row] = grouping.accuracies(systems, "content", python, None)
    assert (row.theirs, row.difference) == (0.0, 0.5)


def test_a_folder_without_logs_is_refused(
    grouping: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["grouping.py", "--loghub", str(tmp_path)])
    with pytest.raises(SystemExit, match="no systems"):
        grouping.main()
