from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from assistant.engine.quantization import FILE_TYPES, Advanced, Failed, Job, Planned, Written
from assistant.models.gguf import check_whole
from assistant.models.quantizer import quantizer
from tests.assistant.models.children import quantizers
from tests.assistant.models.gguf_file import TINY_LAYERS, write_gguf, write_tiny_model


def job(folder: Path, source: Path, **fields: object) -> Job:
    base = {"source": str(source), "target": str(folder / "out"), "num_threads": 1}
    return Job(**{"file_type": FILE_TYPES["q4_k_m"], **base, **fields})  # type: ignore[arg-type]


def test_it_plans_advances_and_writes(tmp_path: Path) -> None:
    source = write_tiny_model(tmp_path / "tiny.gguf")
    with quantizer(job(tmp_path, source)) as reports:
        plan, *steps, last = reports
    assert isinstance(plan, Planned)
    assert isinstance(last, Written)
    size = check_whole(tmp_path / "out").min_size_bytes
    assert plan.target_bytes == pytest.approx(last.tensor_bytes, abs=10_000)
    assert last.tensor_bytes < size < last.tensor_bytes + 10_000
    done = [step.source_bytes for step in steps if isinstance(step, Advanced)]
    assert len(done) == len(steps) == check_whole(source).num_tensors
    assert done == sorted(done)
    assert done[-1] == pytest.approx(plan.source_bytes, rel=0.01)
    assert (last.num_layers, last.num_fallbacks) == (TINY_LAYERS, 0)


def test_layers_that_are_left_out_are_gone(tmp_path: Path) -> None:
    source = write_tiny_model(tmp_path / "tiny.gguf")
    with quantizer(job(tmp_path, source, prune_layers=(1, 3))) as reports:
        written = next(report for report in reports if isinstance(report, Written))
    assert written.num_layers == TINY_LAYERS - 2
    header = check_whole(tmp_path / "out")
    assert header.num_layers == TINY_LAYERS - 2
    assert {name.split(".")[1] for name in header.tensor_bytes if name[:3] == "blk"} == {"0", "1"}


def test_requantizing_needs_permission(tmp_path: Path) -> None:
    source = write_tiny_model(tmp_path / "tiny.gguf")
    with quantizer(job(tmp_path, source)) as reports:
        assert any(isinstance(report, Written) for report in reports)
    once = (tmp_path / "out").rename(tmp_path / "once.gguf")
    with quantizer(job(tmp_path, once, file_type=FILE_TYPES["q8_0"])) as reports:
        (failed,) = (report for report in reports if isinstance(report, Failed))
    assert "requantizing from type" in failed.reason


def test_a_file_that_llama_cpp_refuses_is_told_in_its_words(tmp_path: Path) -> None:
    source = write_gguf(tmp_path / "odd.gguf", {"general.architecture": "nonesuch"}, {})
    with quantizer(job(tmp_path, source)) as reports:
        (failed,) = reports
    assert isinstance(failed, Failed)
    assert "unknown model architecture: 'nonesuch'" in failed.reason


def test_a_quantizer_that_dies_is_a_failure(tmp_path: Path) -> None:
    source = write_tiny_model(tmp_path / "tiny.gguf")
    with quantizer(job(tmp_path, source)) as reports:
        (child,) = quantizers()
        child.kill()
        *_, failed = reports
    assert isinstance(failed, Failed)
    assert "SIGKILL" in failed.reason


def test_it_ends_with_the_block(tmp_path: Path) -> None:
    source = write_tiny_model(tmp_path / "tiny.gguf")
    with quantizer(job(tmp_path, source)) as reports:
        next(reports)
        (child,) = quantizers()
    assert not child.is_running()


_PARENT = """
import sys, time
from assistant.engine.quantization import Job, Written
from assistant.models.quantizer import quantizer

with quantizer(Job.from_json(sys.argv[1])) as reports:
    assert any(isinstance(report, Written) for report in reports)
    print("written", flush=True)
    time.sleep(60)
"""


def test_it_removes_what_it_wrote_when_its_parent_is_killed(tmp_path: Path) -> None:
    source = write_tiny_model(tmp_path / "tiny.gguf")
    command = [sys.executable, "-c", _PARENT, job(tmp_path, source).to_json()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "written\n"
        (child,) = quantizers(parent.pid)
        assert (tmp_path / "out").exists()
        parent.kill()
    child.wait(30)
    assert not (tmp_path / "out").exists()
