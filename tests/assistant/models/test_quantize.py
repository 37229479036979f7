from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from assistant.engine.backend import Slice
from assistant.engine.interface import Segment
from assistant.engine.llama import LlamaModel
from assistant.engine.load import LoadOptions
from assistant.errors import ModelError, QuantizeError
from assistant.models.catalog import Catalog, CatalogEntry
from assistant.models.gguf import check_whole
from assistant.models.progress import ModelProgress
from assistant.models.quantize import (
    Quantized,
    find_type,
    parse_layers,
    plan_quantization,
    quantize,
)
from assistant.models.store import ModelStore
from tests.assistant.models.children import quantizers
from tests.assistant.models.gguf_file import (
    TINY_LAYERS,
    write_adapter,
    write_gguf,
    write_tiny_model,
)


@pytest.fixture
def tiny(store: ModelStore) -> Path:
    """A float32 model in the store's folder."""
    store.models_dir.mkdir()
    return write_tiny_model(store.models_dir / "tiny-f32.gguf")


def files(store: ModelStore) -> list[str]:
    return sorted(path.name for path in store.models_dir.iterdir())


@pytest.mark.parametrize("text", ["q4_k_m", "Q4_K_M", " q4_k_m "])
def test_a_type_is_found_by_its_name(text: str) -> None:
    assert find_type(text) == "q4_k_m"


@pytest.mark.parametrize(
    ("text", "meant"),
    [("q4_k", "q4_k_m"), ("q8", "q8_0"), ("q5km", "q5_k_m"), ("fp16", "f16"), ("q4-0", "q4_0")],
)
def test_a_type_that_is_almost_one(text: str, meant: str) -> None:
    with pytest.raises(ValueError, match=rf"'{text}'; did you mean {meant}\? known types: bf16, "):
        find_type(text)


def test_a_type_that_is_none() -> None:
    with pytest.raises(ValueError, match=r"no type is called 'zip'; known types: .*q2_k$"):
        find_type("zip")


@pytest.mark.parametrize(
    ("text", "layers"),
    [
        ("", ()),
        ("7", (7,)),
        ("20-23,10, 11", (10, 11, 20, 21, 22, 23)),
        ("3-3,3,2 - 4,", (2, 3, 4)),
    ],
)
def test_layers_are_numbers_and_ranges(text: str, layers: tuple[int, ...]) -> None:
    assert parse_layers(text) == layers


@pytest.mark.parametrize("text", ["a", "1;2", "-1", "4-2", "1-", "1-2-3", "1.5", "99999", "²"])
def test_what_is_no_layer_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="is no layer and no range of layers; write 10,11,20-23"):
        parse_layers(text)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("tiny-f32.gguf", "tiny-q8_0.gguf"),
        ("tiny.Q4_K_M.gguf", "tiny-q8_0.gguf"),
        ("tiny-instruct-iq2_xs.gguf", "tiny-instruct-q8_0.gguf"),
        ("tiny-FP16.gguf", "tiny-q8_0.gguf"),
        ("tiny-1.5b.gguf", "tiny-1.5b-q8_0.gguf"),
        ("q4_0.gguf", "q4_0-q8_0.gguf"),
    ],
)
def test_the_target_is_named_after_source_and_type(
    source: str, target: str, store: ModelStore, tmp_path: Path
) -> None:
    path = write_tiny_model(tmp_path / source)
    assert plan_quantization(store, str(path), "q8_0").target == store.models_dir / target


def test_a_shorter_model_has_its_layers_in_its_name(store: ModelStore, tiny: Path) -> None:
    plan = plan_quantization(store, tiny.name, "q8_0", prune_layers=(1, 3))
    assert plan.target.name == "tiny-2-layers-q8_0.gguf"
    assert len(plan.warnings) == 1
    assert "2 of 4 layers left out" in plan.warnings[0]


def test_a_source_of_floats_needs_no_warning(store: ModelStore, tiny: Path) -> None:
    plan = plan_quantization(store, tiny.name, "q8_0")
    assert (plan.is_requantizing, plan.warnings) == (False, ())


def refusal(store: ModelStore, source: Path, **options: object) -> str:
    """The message of a refused plan, which must come with a hint."""
    with pytest.raises(ModelError) as caught:
        plan_quantization(store, str(source), "q8_0", **options)  # type: ignore[arg-type]
    assert caught.value.hint
    return caught.value.message


def test_sources_that_cannot_be(store: ModelStore, tmp_path: Path) -> None:
    (tmp_path / "text.gguf").write_text("hello")
    assert "no model file at" in refusal(store, tmp_path / "missing.gguf")
    assert "is not a GGUF model" in refusal(store, tmp_path / "text.gguf")
    adapter = write_adapter(tmp_path / "lora.gguf")
    assert "holds no model: its kind is 'adapter'" in refusal(store, adapter)
    part = write_tiny_model(tmp_path / "part.gguf", **{"split.count": 3})
    assert "is one of 3 parts of a split model" in refusal(store, part)
    nothing = write_gguf(tmp_path / "nothing.gguf", {}, {})
    assert "its architecture '', and it has 0 tensors" in refusal(store, nothing)


def test_layers_that_cannot_be_left_out(store: ModelStore, tiny: Path) -> None:
    assert "there is no layer 4 to leave out: tiny-f32.gguf has the layers 0 to 3" in refusal(
        store, tiny, prune_layers=(1, 4)
    )
    assert "names all 4 layers" in refusal(store, tiny, prune_layers=(0, 1, 2, 3))


def test_targets_that_cannot_be(store: ModelStore, tiny: Path, entry: CatalogEntry) -> None:
    folder = store.models_dir
    link = folder / "link.gguf"
    link.symlink_to(tiny)
    for same in (tiny, link):
        assert "is the source itself" in refusal(store, tiny, output=same, may_replace=True)
    assert "is a folder" in refusal(store, tiny, output=folder)
    assert "there is no folder" in refusal(store, tiny, output=folder / "no" / "a.gguf")
    place = folder / "sub" / ".." / entry.file
    (folder / "sub").mkdir()
    assert "is the place of the model small" in refusal(store, tiny, output=place)


def test_a_target_that_exists_is_replaced_only_by_force(store: ModelStore, tiny: Path) -> None:
    there = store.models_dir / "tiny-q8_0.gguf"
    there.write_text("mine")
    assert f"{there} exists already" in refusal(store, tiny)
    plan = plan_quantization(store, tiny.name, "q8_0", may_replace=True)
    assert there.read_text() == "mine"
    quantize(plan, num_threads=1)
    assert check_whole(there).num_layers == TINY_LAYERS


def test_the_result_is_described(store: ModelStore, tiny: Path) -> None:
    told: list[ModelProgress] = []
    done = quantize(plan_quantization(store, tiny.name, "q8_0"), 1, told.append)
    assert done.path == store.models_dir / "tiny-q8_0.gguf"
    assert done.source_bytes == tiny.stat().st_size
    assert done.size_bytes == done.path.stat().st_size == check_whole(done.path).min_size_bytes
    # 34 bytes for 32 weights; the norms stay as they are.
    assert done.bits_per_weight == pytest.approx(8.5, abs=0.1)
    assert (done.num_layers, done.warnings) == (TINY_LAYERS, ())
    assert files(store) == ["tiny-f32.gguf", "tiny-q8_0.gguf"]
    assert {(event.model, event.stage) for event in told} == {("tiny-q8_0.gguf", "quantizing")}
    assert [event.bytes_done for event in told] == sorted(event.bytes_done for event in told)
    assert told[-1].bytes_done <= told[-1].bytes_total


def test_a_type_that_rows_are_too_short_for_is_told(store: ModelStore, tmp_path: Path) -> None:
    source = write_tiny_model(tmp_path / "narrow-f32.gguf", width=224)
    done = quantize(plan_quantization(store, str(source), "q4_k_m"), 1)
    assert "tensors have rows that q4_k_m cannot hold" in done.warnings[0]


def test_a_full_disk_is_seen_before_it_is_full(store: ModelStore, tiny: Path) -> None:
    plan = plan_quantization(store, tiny.name, "q8_0")
    with pytest.raises(QuantizeError, match=r"not enough disk space .* 2.8 MB needed, 1.0 MB free"):
        quantize(plan, 1, free_bytes=lambda _: 1_000_000)
    assert files(store) == ["tiny-f32.gguf"]


def test_a_disk_that_fills_meanwhile_is_told(store: ModelStore, tiny: Path) -> None:
    free = iter([10_000_000, 0])
    with pytest.raises(QuantizeError, match="ran full; what was written has been deleted"):
        quantize(
            plan_quantization(store, tiny.name, "q8_0"),
            1,
            lambda _: kill_quantizer(),
            free_bytes=lambda _: next(free),
        )
    assert files(store) == ["tiny-f32.gguf"]


def kill_quantizer() -> None:
    for child in quantizers():
        child.kill()


def test_a_quantizer_that_is_killed_leaves_nothing(store: ModelStore, tiny: Path) -> None:
    plan = plan_quantization(store, tiny.name, "q8_0")
    with pytest.raises(QuantizeError, match=r"ended with SIGKILL") as caught:
        quantize(plan, 1, lambda _: kill_quantizer())
    assert caught.value.hint
    assert files(store) == ["tiny-f32.gguf"]


def test_an_interruption_leaves_nothing(store: ModelStore, tiny: Path) -> None:
    def interrupt(event: ModelProgress) -> None:
        assert ".tiny-q8_0.gguf.quantizing" in files(store)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        quantize(plan_quantization(store, tiny.name, "q8_0"), 1, interrupt)
    assert files(store) == ["tiny-f32.gguf"]
    assert quantizers() == []


def test_two_of_one_target_do_not_disturb_each_other(store: ModelStore, tiny: Path) -> None:
    plan = plan_quantization(store, tiny.name, "q8_0")
    refused = []

    def meanwhile(event: ModelProgress) -> None:
        if not refused:
            with pytest.raises(QuantizeError, match="another process is writing") as caught:
                quantize(plan, 1)
            refused.append(caught.value.message)

    quantize(plan, 1, meanwhile)
    assert refused == ["another process is writing tiny-q8_0.gguf"]
    assert files(store) == ["tiny-f32.gguf", "tiny-q8_0.gguf"]


def test_what_a_power_cut_left_is_taken_over(store: ModelStore, tiny: Path) -> None:
    (store.models_dir / ".tiny-q8_0.gguf.quantizing").write_bytes(b"x" * 20_000_000)
    done = quantize(plan_quantization(store, tiny.name, "q8_0"), 1)
    assert done.size_bytes == check_whole(done.path).min_size_bytes
    assert files(store) == ["tiny-f32.gguf", "tiny-q8_0.gguf"]


def test_a_target_that_appears_meanwhile_is_kept(store: ModelStore, tiny: Path) -> None:
    plan = plan_quantization(store, tiny.name, "q8_0")
    with pytest.raises(QuantizeError, match="exists already"):
        quantize(plan, 1, lambda _: plan.target.write_text("mine") and None)
    assert plan.target.read_text() == "mine"


def test_a_folder_that_may_not_be_written(users_folder: Path) -> None:
    source = write_tiny_model(users_folder / "tiny.gguf")
    locked = users_folder / "locked"
    locked.mkdir(mode=0o500)
    plan = plan_quantization(ModelStore(locked, Catalog(())), str(source), "q8_0")
    with pytest.raises(QuantizeError, match=r"tiny-q8_0.gguf cannot be written: Permission denied"):
        quantize(plan, 1)


def test_a_model_that_llama_cpp_cannot_load_gets_no_name(store: ModelStore, tiny: Path) -> None:
    # Its own metadata says more layers than it has tensors of.
    source = write_tiny_model(store.models_dir / "liar.gguf", **{"qwen2.block_count": 9})
    tiny.unlink()
    with pytest.raises(QuantizeError, match=r"could not be quantized: .*blk\.4"):
        quantize(plan_quantization(store, str(source), "q8_0"), 1)
    assert files(store) == ["liar.gguf"]


@pytest.fixture(scope="module")
def shorter(
    model_file: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Quantized:
    """The 0.5B model as q4_0, without four of its 24 layers; takes about 3 s."""
    store = ModelStore(tmp_path_factory.mktemp("models"), Catalog(()))
    source = model_file("qwen2.5-coder-0.5b")
    plan = plan_quantization(store, str(source), "q4_0", prune_layers=(8, 9, 10, 11))
    assert "is quantized already (q4_k_m)" in plan.warnings[0]
    return quantize(plan, num_threads=2)


@pytest.mark.model
def test_a_real_model_gets_smaller_and_shorter(shorter: Quantized) -> None:
    assert shorter.path.name == "qwen2.5-coder-0.5b-instruct-20-layers-q4_0.gguf"
    assert shorter.num_layers == check_whole(shorter.path).num_layers == 20
    assert 0.7 < shorter.size_bytes / shorter.source_bytes < 0.9
    assert 5.0 < shorter.bits_per_weight < 6.0


@pytest.mark.model
def test_a_real_model_that_was_quantized_decodes(shorter: Quantized) -> None:
    model = LlamaModel(shorter.path, LoadOptions(512, 2))
    try:
        tokens = model.tokenize([Segment("def add(a, b):\n    return a +")])
        (logits,) = model.decode([Slice(0, 0, tokens)])
        assert np.isfinite(logits).all()
        assert model.info.chat_template
    finally:
        model.close()
