"""The checks behind `midwatch doctor`: each says what it found and, if need be, a remedy."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from assistant.errors import MidwatchError
from assistant.load_plan import LoadPlan, choose_threads, host_bytes
from assistant.machine import Machine, read_machine
from assistant.settings import LoadedSettings, ModelSettings, Settings

Verdict = Literal["ok", "warning", "failed"]

_GIB = 1 << 30
_MIB = 1 << 20
_MIN_FREE_DISK_BYTES = 3 * _GIB
_METRICS_S = 5.0
_BUILD_AGAIN = "build it again: pip install --force-reinstall --no-cache-dir llama-cpp-python"
_BUILD_FLAGS = {"NVIDIA": "-DGGML_CUDA=on", "AMD": "-DGGML_HIP=on"}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `remedy` is empty when nothing has to be done."""

    name: str
    verdict: Verdict
    found: str
    remedy: str = ""


def examine(load: Callable[[], LoadedSettings]) -> list[Check]:
    """All checks. Without usable settings, only those that need none."""
    try:
        loaded = load()
    except MidwatchError as error:
        return [_compiler(), Check("settings", "failed", error.message, error.hint)]
    settings = loaded.settings
    files = ", ".join(map(str, loaded.files)) or "defaults only"
    return [
        Check("settings", "ok", files),
        _compiler(),
        *_models(settings),
        _disk(settings.data.dir),
        _threads(settings.model),
        _data_folder(settings.data.dir),
        _knowledge(settings),
        *_logs(settings),
        *_live_logs(settings),
        *_services(settings),
        *_metrics(settings),
        *_acting(settings),
    ]


def _compiler() -> Check:
    """llama.cpp is built when it is installed; afterwards no compiler is needed."""
    try:
        installed = version("llama-cpp-python")
    except PackageNotFoundError:
        installed = ""
    compiler = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    if installed and (trouble := _llama_trouble()):
        return Check("llama.cpp", "failed", f"it cannot be loaded: {trouble}", _BUILD_AGAIN)
    if installed:
        return Check("llama.cpp", "ok", f"llama-cpp-python {installed} is built and installed")
    if compiler:
        return Check(
            "llama.cpp",
            "failed",
            "llama-cpp-python is not installed",
            "run: pip install llama-cpp-python",
        )
    return Check(
        "llama.cpp", "failed", "neither installed nor a C++ compiler to build it", "install g++"
    )


def _llama_trouble() -> str:
    """Why llama.cpp cannot be loaded though it is installed: a library that is gone, say."""
    try:
        import assistant.engine.llama  # noqa: F401
    except (ImportError, OSError, RuntimeError) as error:
        return str(error)
    return ""


def _models(settings: Settings) -> Iterator[Check]:
    """The model that answers, the light one, and what they take of this machine at present."""
    from assistant.providers import light_settings

    plans: list[LoadPlan] = []
    if settings.model.provider == "openai":
        yield _server(settings.model)
    else:
        check, plan = _model("model", settings)
        yield check
        if plan is not None:
            plans.append(plan)
            yield _gpu(settings.model, plan, read_machine())
            yield _cache(settings.model, plan)
    if settings.model.light:
        light = settings.model_copy(update={"model": light_settings(settings.model)})
        check, plan = _model("light model", light)
        # Answers do not need it.
        yield check if check.verdict == "ok" else replace(check, verdict="warning")
        plans += [] if plan is None else [plan]
    if plans:
        yield _memory(plans, read_machine())


def _model(name: str, settings: Settings) -> tuple[Check, LoadPlan | None]:
    """Whether the model's file is there, and how it would be loaded; None where it cannot be."""
    from assistant.providers import model_path, plan_for

    try:
        path = model_path(settings)
    except MidwatchError as error:
        return Check(name, "failed", error.message, error.hint), None
    check = Check(name, "ok", f"{path} ({path.stat().st_size / _GIB:.2f} GiB)")
    return check, None if _llama_trouble() else plan_for(settings.model, path)


def _gpu(model: ModelSettings, plan: LoadPlan, machine: Machine) -> Check:
    """Where the layers go; a GPU whose driver is there and that llama.cpp cannot use is told of."""
    layers = plan.gpu_layers
    if plan.gpus.devices:
        names = ", ".join(f"{gpu.name} ({gpu.description})" for gpu in plan.gpus.devices)
        shares = ":".join(f"{share:g}" for share in plan.tensor_split)
        split = f", split {shares}" if shares else ""
        return Check("GPU", "ok", f"{layers.value} layers on {names}{split}: {layers.reason}")
    found = f"none: {layers.reason}"
    is_wanted = bool(layers.value or machine.gpu_drivers) and model.gpu_layers != 0
    if not is_wanted:
        return Check("GPU", "ok", found)
    return Check("GPU", "warning", found, _gpu_remedy(layers.value, plan.gpus.backends, machine))


def _gpu_remedy(num_layers: int, backends: Sequence[str], machine: Machine) -> str:
    """What to do where a GPU is wanted and llama.cpp, built for `backends`, has none."""
    if backends:
        return "check its driver, and CUDA_VISIBLE_DEVICES if that is set"
    if not machine.gpu_drivers:
        return (
            f"[model] gpu_layers = {num_layers} has no effect: take it out, or see docs/models.md"
        )
    vendor = machine.gpu_drivers[0]
    build = f"build it with CMAKE_ARGS={_BUILD_FLAGS[vendor]} (docs/models.md)"
    return f"there is a driver of {vendor}: {build}, or set [model] gpu_layers = 0"


def _cache(model: ModelSettings, plan: LoadPlan) -> Check:
    attention = "on" if model.flash_attention else "off"
    return Check(
        "KV cache",
        "ok",
        f"{plan.cache_tokens.value:,} tokens ({plan.cache_tokens.reason}), {model.kv_type}, "
        f"{plan.cache_bytes / _MIB:.0f} MiB; flash attention {attention}",
    )


def _memory(plans: Sequence[LoadPlan], machine: Machine) -> Check:
    needed = host_bytes(plans)
    found = f"{machine.available_bytes / _GIB:.1f} GiB available"
    if machine.memory_limit_bytes is not None:
        found += f" of the container's {machine.memory_limit_bytes / _GIB:.1f} GiB"
    found += f", about {needed / _GIB:.1f} GiB needed"
    if machine.available_bytes < needed:
        remedy = "close something, lower [model] cache_tokens, or take a smaller model"
        return Check("memory", "warning", found, remedy)
    return Check("memory", "ok", found)


def _server(model: ModelSettings) -> Check:
    """Whether the settings of a model server are complete; it is not asked anything."""
    if not model.base_urls:
        return Check("model", "failed", f"no server for {model.name}", "set [model] base_url")
    variable = model.api_key_env
    if variable and not os.environ.get(variable):
        return Check("model", "failed", f"${variable} is not set", f"export {variable}=…")
    return Check("model", "ok", f"{model.name} on {', '.join(model.base_urls)}")


def _disk(folder: Path) -> Check:
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    found = f"{free / _GIB:.1f} GiB free for {folder}"
    if free < _MIN_FREE_DISK_BYTES:
        return Check("disk", "warning", found, "a model needs up to 3 GiB while it is fetched")
    return Check("disk", "ok", found)


def _threads(model: ModelSettings) -> Check:
    machine = read_machine()
    threads = choose_threads(model.threads, machine)
    found = f"{threads.value} for the model ({threads.reason})"
    if threads.value > machine.num_usable_processors:
        return Check("threads", "warning", found, "more threads than processors: lower the number")
    return Check("threads", "ok", found)


def _data_folder(folder: Path) -> Check:
    """Whether the data folder can be written, found out by doing it."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = folder / f".doctor-{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        return Check(
            "data folder",
            "failed",
            f"{folder} cannot be written: {error.strerror}",
            "correct its permissions, or set [data] dir",
        )
    database = folder / "sessions.db"
    if database.exists() and (trouble := _sqlite_trouble(database)):
        return Check(
            "data folder", "failed", f"{database}: {trouble}", "restore or remove the file"
        )
    return Check("data folder", "ok", str(folder))


def _sqlite_trouble(database: Path) -> str:
    """What SQLite's own check finds wrong; empty when nothing is."""
    try:
        connection = sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)
        try:
            result = connection.execute("PRAGMA quick_check").fetchone()[0]
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        return str(error)
    return "" if result == "ok" else str(result)


def _knowledge(settings: Settings) -> Check:
    from assistant.live import open_runbooks
    from knowledge.errors import KnowledgeError

    try:
        with open_runbooks(settings) as runbooks:
            documents, passages = runbooks.num_documents, runbooks.num_chunks
            if documents:
                runbooks.search("is the service healthy", 1)
    except KnowledgeError as error:
        return Check("runbooks", "failed", error.message, error.hint)
    if documents == 0:
        return Check("runbooks", "warning", "none ingested", "run: midwatch ingest FOLDER")
    return Check("runbooks", "ok", f"{documents} documents, {passages} passages, search works")


def _logs(settings: Settings) -> Iterator[Check]:
    from assistant.live import configured_logs

    for name, source in configured_logs(settings.logs.sources).items():
        readable = [path for path in source.paths if os.access(path, os.R_OK)]
        if not source.paths:
            yield Check(f"log {name}", "warning", "no file matches", "check [logs.sources]")
        elif len(readable) < len(source.paths):
            bad = next(path for path in source.paths if path not in readable)
            yield Check(f"log {name}", "warning", f"{bad} cannot be read", "check its permissions")
        else:
            yield Check(f"log {name}", "ok", f"{len(readable)} files")


def _services(settings: Settings) -> Iterator[Check]:
    from assistant.live import service_backends
    from tools.errors import ToolsError

    try:
        managers = service_backends(settings)
    except ToolsError as error:
        yield Check("services", "failed", error.message, error.hint)
        return
    for manager in managers:
        try:
            states = manager.list_services()
        except ToolsError as error:
            yield Check("services", "failed", error.message, error.hint)
        else:
            yield Check("services", "ok", f"{manager.name}: {len(states)} services")


def _acting(settings: Settings) -> Iterator[Check]:
    from assistant.acting.checks import acting_checks

    yield from acting_checks(settings)


def _live_logs(settings: Settings) -> Iterator[Check]:
    from assistant.live import has_live_logs, live_systems

    if not has_live_logs(settings):
        return
    from tools.logs.sources.live import origins

    for origin in origins(live_systems(settings)):
        answer = origin.check()
        yield Check(origin.name, "ok" if answer.is_ok else "failed", answer.words)


def _metrics(settings: Settings) -> Iterator[Check]:
    from assistant.live import metric_backend
    from tools.errors import ToolsError
    from tools.metrics.backend import Deadline
    from tools.window import EVERYTHING

    try:
        backend = metric_backend(settings.metrics)
        if backend is None:
            return
        deadline = Deadline.after(_METRICS_S)
        targets = backend.targets(backend.span(EVERYTHING, None, deadline), deadline)
    except (MidwatchError, ToolsError) as error:
        yield Check("metrics", "failed", error.message, error.hint)
        return
    yield Check("metrics", "ok", f"{backend.name}: {targets.total} targets")
