import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.errors import ModelError
from assistant.models.catalog import Catalog, CatalogEntry
from assistant.models.progress import ModelProgress
from assistant.models.store import ModelStore

MakeGguf = Callable[..., bytes]


@pytest.fixture
def model(make_gguf: MakeGguf) -> bytes:
    return make_gguf()


@pytest.fixture
def entry(entry: CatalogEntry, model: bytes) -> CatalogEntry:
    return replace(entry, size_bytes=len(model), sha256=hashlib.sha256(model).hexdigest())


@pytest.fixture
def store(tmp_path: Path, entry: CatalogEntry) -> ModelStore:
    store = ModelStore(tmp_path / "models", Catalog((entry,)))
    store.models_dir.mkdir()
    return store


@pytest.fixture
def installed(store: ModelStore, entry: CatalogEntry, model: bytes) -> Path:
    store.path(entry).write_bytes(model)
    return store.path(entry)


def test_a_name_a_file_name_and_a_path_mean_the_same_file(
    store: ModelStore, installed: Path
) -> None:
    assert store.resolve("small") == installed
    assert store.resolve("small.gguf") == installed
    assert store.resolve(str(installed)) == installed


def test_a_path_may_start_at_home(
    store: ModelStore, model: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "own.gguf").write_bytes(model)
    assert store.resolve("~/own.gguf") == tmp_path / "own.gguf"


@pytest.mark.parametrize(
    ("wanted", "message", "hint"),
    [
        ("small", "the model small is not here yet", "midwatch model pull small"),
        ("big", "no model is called 'big'", "known models: small; or give a path"),
        ("own.gguf", "there is no model file at own.gguf", "give a path to a .gguf file"),
        (
            "~nobody-here/own.gguf",
            "there is no model file at ~nobody",
            "give a path to a .gguf file",
        ),
        ("/nowhere/own", "there is no model file at /nowhere/own", "give a path to a .gguf file"),
    ],
)
def test_what_is_missing_is_named_with_a_next_step(
    store: ModelStore, wanted: str, message: str, hint: str
) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        store.resolve(wanted)
    assert hint in caught.value.hint


def test_a_catalogue_model_of_another_size_is_refused_in_figures(
    store: ModelStore, installed: Path, model: bytes
) -> None:
    installed.write_bytes(model[:-1])
    with pytest.raises(ModelError, match=f"{len(model) - 1:,} bytes instead of {len(model):,}"):
        store.resolve("small")


def test_a_file_that_is_no_model_is_refused(store: ModelStore, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a model")
    with pytest.raises(ModelError, match="not a GGUF model"):
        store.resolve(str(tmp_path / "notes.txt"))


def test_verify_reads_the_whole_file(
    store: ModelStore, entry: CatalogEntry, installed: Path, model: bytes
) -> None:
    events: list[ModelProgress] = []
    verification = store.verify(entry, events.append)
    assert verification.ok
    assert verification.actual == entry.sha256
    assert events[-1] == ModelProgress("small", "verifying", len(model), len(model))


def test_verify_names_both_digests(store: ModelStore, entry: CatalogEntry, installed: Path) -> None:
    installed.write_bytes(b"something else")
    verification = store.verify(entry)
    assert not verification.ok
    assert verification.expected == entry.sha256
    assert verification.actual == hashlib.sha256(b"something else").hexdigest()
    assert not store.is_verified(entry)


def test_verify_of_a_missing_model_is_an_error(store: ModelStore, entry: CatalogEntry) -> None:
    with pytest.raises(ModelError, match="not here yet"):
        store.verify(entry)


def test_a_verified_file_stays_verified_until_it_changes(
    store: ModelStore, entry: CatalogEntry, installed: Path, model: bytes
) -> None:
    assert not store.is_verified(entry)
    store.verify(entry)
    assert store.is_verified(entry)
    installed.write_bytes(model[:-1] + b"x")
    assert not store.is_verified(entry)


def test_a_damaged_stamp_counts_as_none(
    store: ModelStore, entry: CatalogEntry, installed: Path
) -> None:
    store.verify(entry)
    (store.models_dir / ".small.gguf.verified").write_bytes(b"\xff\xfe")
    assert not store.is_verified(entry)


def test_installed_lists_known_and_unknown_models_but_no_work_files(
    store: ModelStore, entry: CatalogEntry, installed: Path, model: bytes
) -> None:
    store.verify(entry)
    (store.models_dir / "own.gguf").write_bytes(model)
    (store.models_dir / ".small.gguf.partial").write_bytes(model)
    (store.models_dir / "gone.gguf").symlink_to("nowhere")
    found = store.installed()
    assert [(m.path.name, m.entry, m.is_verified) for m in found] == [
        ("own.gguf", None, False),
        ("small.gguf", entry, True),
    ]
    assert found[1].size_bytes == len(model)


def test_a_folder_that_does_not_exist_holds_no_models(tmp_path: Path) -> None:
    assert ModelStore(tmp_path / "nowhere").installed() == []


def test_digest_of_a_verified_file_is_known_however_its_path_is_written(
    store: ModelStore, installed: Path, entry: CatalogEntry, tmp_path: Path
) -> None:
    link = tmp_path / "link.gguf"
    link.symlink_to(installed)
    assert store.known_digest(installed) is None
    store.stamp(entry)
    assert store.known_digest(installed) == store.known_digest(link) == entry.sha256
    assert store.known_digest(tmp_path / "other.gguf") is None
    installed.write_bytes(b"something else")
    assert store.known_digest(installed) is None
