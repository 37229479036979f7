"""Quantizing: a smaller or shorter copy of a model, which gets its name when it is whole.

What is asked is checked first, from the source's header; llama.cpp then does the work in a process
of its own.
"""

from __future__ import annotations

import contextlib
import difflib
import fcntl
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from rich.filesize import decimal

from assistant.engine.quantization import FILE_TYPES, Advanced, Failed, Job, Planned, Written
from assistant.errors import QuantizeError
from assistant.models.gguf import GgufHeader, check_whole
from assistant.models.partial import sync_folder
from assistant.models.progress import ModelProgress, ProgressCallback, silent
from assistant.models.pull import free_disk_bytes
from assistant.models.quantizer import quantizer
from assistant.models.store import ModelStore

# How files name their type, also those that cannot be asked for here.
_TYPE_SUFFIX = re.compile(r"[-._](bf16|fp?16|fp?32|mxfp4|(iq|q|tq)\d_\w+)$", re.IGNORECASE)
_TYPE_NAMES = {number: name for name, number in FILE_TYPES.items()}


@dataclass(frozen=True, slots=True)
class QuantizePlan:
    """A quantization that was found possible. `warnings` are for the person who asked for it."""

    source: Path
    target: Path
    type_name: str
    prune_layers: tuple[int, ...]
    is_requantizing: bool
    may_replace: bool
    header_bytes: int
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Quantized:
    """A quantized model that is in its place. `warnings` are what showed only now."""

    source: Path
    path: Path
    type_name: str
    source_bytes: int
    size_bytes: int
    bits_per_weight: float
    num_layers: int
    duration_s: float
    warnings: tuple[str, ...]


def find_type(text: str) -> str:
    """The type that `text` names, in capitals or not. Raises ValueError, naming the known ones."""
    name = text.strip().lower()
    if name in FILE_TYPES:
        return name
    longer = [known for known in FILE_TYPES if name and known.startswith(name)]
    close = longer or difflib.get_close_matches(name, FILE_TYPES, n=1)
    meant = f"did you mean {close[0]}? " if close else ""
    raise ValueError(f"no type is called {text!r}; {meant}known types: {', '.join(FILE_TYPES)}")


def parse_layers(text: str) -> tuple[int, ...]:
    """The layer numbers of `10,11,20-23`, in order, each once. Raises ValueError."""
    layers: set[int] = set()
    for part in filter(None, (part.strip() for part in text.split(","))):
        match = re.fullmatch(r"(\d{1,4})(?:\s*-\s*(\d{1,4}))?", part, re.ASCII)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if first > last:
            raise ValueError(f"{part!r} is no layer and no range of layers; write 10,11,20-23")
        layers.update(range(first, last + 1))
    return tuple(sorted(layers))


def plan_quantization(
    store: ModelStore,
    name_or_path: str,
    type_name: str,
    *,
    prune_layers: tuple[int, ...] = (),
    output: Path | None = None,
    may_replace: bool = False,
) -> QuantizePlan:
    """What `quantize` needs, checked as far as it can be without doing it.

    The default target is in the store's folder, named after the source, its layers when some are
    left out, and the type. Raises ModelError (QuantizeError when the wish cannot be met).
    """
    source = store.resolve(name_or_path)
    header = check_whole(source)
    _check_source(source, header)
    _check_layers(source, header, prune_layers)
    target = output or store.models_dir / _target_name(source, header, type_name, prune_layers)
    _check_target(store, source, target, may_replace=may_replace)
    return QuantizePlan(
        source=source,
        target=target,
        type_name=type_name,
        prune_layers=prune_layers,
        is_requantizing=header.is_quantized,
        may_replace=may_replace,
        header_bytes=header.header_bytes,
        warnings=tuple(_warnings(source, header, prune_layers)),
    )


def quantize(
    plan: QuantizePlan,
    num_threads: int,
    progress: ProgressCallback = silent,
    free_bytes: Callable[[Path], int] = free_disk_bytes,
) -> Quantized:
    """Carry out `plan`.

    Blocks. An exception from `progress` or Ctrl-C ends the work and its process; the target is then
    what it was before, and nothing is left beside it. Raises QuantizeError.
    """
    return _Quantization(plan, num_threads, progress, free_bytes).run()


@dataclass(frozen=True, slots=True)
class _Quantization:
    """One run of `quantize`, whose arguments it holds."""

    plan: QuantizePlan
    num_threads: int
    progress: ProgressCallback
    free_bytes: Callable[[Path], int]

    def run(self) -> Quantized:
        started = time.monotonic()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with _claimed(self._partial) as stream:
                written = self._write(stream)
            return self._result(written, time.monotonic() - started)
        except OSError as error:
            raise QuantizeError(
                f"{self.plan.target} cannot be written: {error.strerror or error}",
                "choose another place with --output",
            ) from error

    @property
    def _folder(self) -> Path:
        return self.plan.target.parent

    @property
    def _partial(self) -> Path:
        return self.plan.target.with_name(f".{self.plan.target.name}.quantizing")

    def _job(self) -> Job:
        return Job(
            source=str(self.plan.source),
            target=str(self._partial),
            file_type=FILE_TYPES[self.plan.type_name],
            num_threads=self.num_threads,
            prune_layers=self.plan.prune_layers,
            # llama.cpp refuses unless told; whoever asked has been warned.
            allow_requantize=self.plan.is_requantizing,
        )

    def _write(self, stream: IO[bytes]) -> Written:
        """Have the quantizer fill and check the partial file, and give it its name."""
        planned = Planned(0, 0)
        with quantizer(self._job()) as reports:
            for report in reports:
                match report:
                    case Planned():
                        planned = report
                        self._check_space(planned)
                        self._tell(0, planned)
                    case Advanced():
                        self._tell(report.source_bytes, planned)
                    case Written():
                        # Still in the block: the quantizer clears up should this process be killed.
                        self._commit(stream)
                        return report
                    case Failed():
                        raise self._failure(report, planned)
        raise AssertionError("the last report is Written or Failed")

    def _tell(self, done: int, planned: Planned) -> None:
        total = planned.source_bytes
        name = self.plan.target.name
        self.progress(ModelProgress(name, "quantizing", min(done, total), total))

    def _needed_bytes(self, planned: Planned) -> int:
        return planned.target_bytes + self.plan.header_bytes

    def _check_space(self, planned: Planned) -> None:
        needed, free = self._needed_bytes(planned), self.free_bytes(self._folder)
        if free < needed:
            raise QuantizeError(
                f"not enough disk space for {self.plan.target.name} in {self._folder}: "
                f"{decimal(needed)} needed, {decimal(free)} free",
                "free some space, or choose another place with --output",
            )

    def _failure(self, failed: Failed, planned: Planned) -> QuantizeError:
        left = self._needed_bytes(planned) - self._partial.stat().st_size
        if self.free_bytes(self._folder) < left:
            return QuantizeError(
                f"the disk of {self._folder} ran full; what was written has been deleted",
                "free some space, or choose another place with --output",
            )
        return QuantizeError(
            f"{self.plan.source} could not be quantized: {failed.reason}",
            "check the file (midwatch model verify NAME), or try another type",
        )

    def _commit(self, stream: IO[bytes]) -> None:
        """Give the whole file its name once every byte is on the disk."""
        os.fsync(stream.fileno())
        if self.plan.target.exists() and not self.plan.may_replace:
            raise _exists(self.plan.target)
        self._partial.replace(self.plan.target)
        sync_folder(self._folder)

    def _result(self, written: Written, duration_s: float) -> Quantized:
        return Quantized(
            source=self.plan.source,
            path=self.plan.target,
            type_name=self.plan.type_name,
            source_bytes=self.plan.source.stat().st_size,
            size_bytes=self.plan.target.stat().st_size,
            bits_per_weight=round(8 * written.tensor_bytes / written.num_weights, 2),
            num_layers=written.num_layers,
            duration_s=round(duration_s, 1),
            warnings=tuple(self._fallback_warning(written)),
        )

    def _fallback_warning(self, written: Written) -> Iterator[str]:
        if written.num_fallbacks:
            yield (
                f"{written.num_fallbacks} tensors have rows that {self.plan.type_name} cannot "
                "hold; they took a larger type"
            )


@contextlib.contextmanager
def _claimed(partial: Path) -> Iterator[IO[bytes]]:
    """The open file `partial`, for this process alone; it is gone after the block."""
    with partial.open("ab") as stream:
        if not _is_locked(stream, partial):
            raise QuantizeError(
                f"another process is writing {partial.name[1:].removesuffix('.quantizing')}",
                "wait for it, or choose another place with --output",
            )
        try:
            yield stream
        finally:
            partial.unlink(missing_ok=True)


def _is_locked(stream: IO[bytes], path: Path) -> bool:
    """Lock `stream`; False when another process has the lock, or has just taken the file away."""
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(stream.fileno()), path.stat())
    except (BlockingIOError, FileNotFoundError):
        return False


def _check_source(source: Path, header: GgufHeader) -> None:
    if header.kind != "model" or not header.architecture or header.num_tensors == 0:
        raise QuantizeError(
            f"{source} holds no model: its kind is {header.kind!r}, its architecture "
            f"{header.architecture!r}, and it has {header.num_tensors} tensors",
            "give the file of the model itself",
        )
    parts = header.values.get("split.count", 0)
    if isinstance(parts, int) and parts > 1:
        raise QuantizeError(
            f"{source} is one of {parts} parts of a split model",
            "join them first with llama.cpp's own tool: llama-gguf-split --merge FIRST JOINED",
        )


def _check_layers(source: Path, header: GgufHeader, layers: tuple[int, ...]) -> None:
    count = header.num_layers
    if layers and layers[-1] >= count:
        known = f"has the layers 0 to {count - 1}" if count else "does not say how many it has"
        raise QuantizeError(
            f"there is no layer {layers[-1]} to leave out: {source.name} {known}",
            "correct --prune-layers",
        )
    if layers and len(layers) == count:
        raise QuantizeError(
            f"--prune-layers names all {count} layers of {source.name}",
            "leave out a few, from the middle",
        )


def _target_name(
    source: Path, header: GgufHeader, type_name: str, prune_layers: tuple[int, ...]
) -> str:
    stem = _TYPE_SUFFIX.sub("", source.stem)
    kept = f"-{header.num_layers - len(prune_layers)}-layers" if prune_layers else ""
    return f"{stem}{kept}-{type_name}.gguf"


def _check_target(store: ModelStore, source: Path, target: Path, *, may_replace: bool) -> None:
    if target.is_dir():
        raise QuantizeError(f"{target} is a folder", "give --output the name of a file")
    if target.exists() and target.samefile(source):
        raise QuantizeError(
            f"{target} is the source itself", "name another file with --output, or another type"
        )
    entry = store.entry_at(target)
    if entry is not None:
        raise QuantizeError(
            f"{target} is the place of the model {entry.name}, which must be its publisher's file",
            "name another file with --output",
        )
    if target.exists() and not may_replace:
        raise _exists(target)
    if target.parent != store.models_dir and not target.parent.is_dir():
        raise QuantizeError(f"there is no folder {target.parent}", "create it, or correct --output")


def _exists(target: Path) -> QuantizeError:
    return QuantizeError(
        f"{target} exists already", "--force replaces it; --output names another file"
    )


def _warnings(source: Path, header: GgufHeader, prune_layers: tuple[int, ...]) -> Iterator[str]:
    if header.is_quantized:
        number = header.values.get("general.file_type")
        kind = _TYPE_NAMES.get(number) if isinstance(number, int) else None
        yield (
            f"{source.name} is quantized already{f' ({kind})' if kind else ''}: rounding it once "
            "more costs quality, and a larger type brings none back; an f16 file is a better source"
        )
    if prune_layers:
        yield (
            f"{len(prune_layers)} of {header.num_layers} layers left out: answers get worse "
            "with each, and the first and the last layers are missed most"
        )
