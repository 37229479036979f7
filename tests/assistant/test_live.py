from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from xmlrpc.server import SimpleXMLRPCRequestHandler, SimpleXMLRPCServer

import pytest
from pydantic import SecretStr

from assistant.errors import SettingsError
from assistant.live import (
    configured_logs,
    fetch_logs,
    has_live_logs,
    live_scope,
    live_systems,
    metric_backend,
    open_runbooks,
    probe_plan,
    runbook_threshold,
    service_backends,
)
from assistant.settings import (
    DataSettings,
    HostSettings,
    KnowledgeSettings,
    KubernetesSettings,
    LogsSettings,
    MetricsSettings,
    ProbesSettings,
    ServicesSettings,
    Settings,
)
from knowledge.base import DEFAULT_MIN_SCORE
from knowledge.errors import StoreUnavailable
from tools.errors import BackendUnavailable
from tools.logs.sources.docker_containers import DockerTarget
from tools.logs.sources.journal import JournalTarget
from tools.logs.sources.kube_cluster import KubernetesTarget
from tools.window import Window

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """`a.log` was rotated twice; the number in a name does not tell which is older."""
    folder = tmp_path / "logs"
    (folder / "nested").mkdir(parents=True)
    for age, name in enumerate(["a.log", "a.log.1", "a.log.2", "nested/b.log"]):
        (folder / name).touch()
        os.utime(folder / name, (1000 - age, 1000 - age))
    (folder / "a.log.d").mkdir()
    return folder


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("a.log*", ["a.log.2", "a.log.1", "a.log"]),
        ("**/*.log", ["nested/b.log", "a.log"]),
        ("*.nothing", []),
        ("a.log", ["a.log"]),
        ("gone.log", ["gone.log"]),
    ],
)
def test_patterns_stand_for_files_oldest_first(logs: Path, pattern: str, names: list[str]) -> None:
    """A plain path stays even when nothing is there: the error has to name it."""
    source = configured_logs({"app": [str(logs / pattern)]})["app"]
    assert source.name == "app"
    assert source.paths == tuple(logs / name for name in names)


def test_patterns_of_one_source_give_each_file_once(logs: Path) -> None:
    patterns = [str(logs / "a.log"), str(logs / "*.log"), str(logs / "a.log")]
    assert configured_logs({"app": patterns})["app"].paths == (logs / "a.log",)


def test_home_is_a_tilde(logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(logs))
    assert configured_logs({"app": ["~/a.log"]})["app"].paths == (logs / "a.log",)


def test_scope_without_services_has_the_configured_logs(logs: Path) -> None:
    settings = Settings(logs=LogsSettings(sources={"app": (str(logs / "a.log"),)}))
    scope = live_scope(settings, NOW)
    assert (scope.origin, scope.now, scope.services) == ("live", NOW, ())
    assert list(scope.logs) == ["app"]
    assert scope.captures == {}


def process(name: str, log: Path) -> dict[str, object]:
    return {
        "name": name,
        "group": name,
        "statename": "RUNNING",
        "start": 1,
        "stop": 0,
        "now": 2,
        "spawnerr": "",
        "exitstatus": 0,
        "stdout_logfile": str(log),
        "stderr_logfile": "",
        "pid": 7,
    }


class _Handler(SimpleXMLRPCRequestHandler):
    rpc_paths = ("/RPC2",)


@contextmanager
def supervisor(*processes: dict[str, object]) -> Iterator[str]:
    """The address of a server that answers like supervisor."""
    with SimpleXMLRPCServer(("127.0.0.1", 0), _Handler, logRequests=False) as server:
        server.register_function(lambda: list(processes), "supervisor.getAllProcessInfo")
        server.register_function(lambda: [], "supervisor.getAllConfigInfo")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def test_services_bring_their_logs_and_configured_ones_win(logs: Path) -> None:
    with supervisor(process("shop", logs / "a.log"), process("pay", logs / "a.log.1")) as address:
        settings = Settings(
            services=ServicesSettings(supervisor=SecretStr(address)),
            logs=LogsSettings(sources={"pay": (str(logs / "nested/b.log"),)}),
        )
        scope = live_scope(settings, NOW)
        [manager] = scope.services
        assert [state.name for state in manager.list_services()] == ["shop", "pay"]
    assert scope.logs["shop"].paths[-1] == logs / "a.log"
    assert scope.logs["pay"].paths == (logs / "nested/b.log",)


def test_service_manager_that_does_not_answer_hides_no_other_log(
    logs: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    settings = Settings(
        services=ServicesSettings(supervisor=SecretStr(f"unix://{tmp_path}/none.sock")),
        logs=LogsSettings(sources={"app": (str(logs / "a.log"),)}),
    )
    scope = live_scope(settings, NOW)
    assert list(scope.logs) == ["app"]
    assert "no logs from supervisor" in caplog.text
    # Its silence is evidence: whoever asks for services hears of it.
    [manager] = scope.services
    with pytest.raises(BackendUnavailable):
        manager.list_services()


def test_address_that_is_none_is_refused_without_its_password() -> None:
    settings = Settings(services=ServicesSettings(supervisor=SecretStr("ftp://ops:hunter2@host")))
    with pytest.raises(BackendUnavailable) as caught:
        service_backends(settings)
    assert "hunter2" not in f"{caught.value.message} {caught.value.hint}"


def test_threshold_is_the_calibrated_one_unless_it_is_set() -> None:
    assert runbook_threshold(Settings()) == DEFAULT_MIN_SCORE
    none = Settings(knowledge=KnowledgeSettings(min_score=0.0))
    assert runbook_threshold(none) == 0.0


def test_shared_runbooks_want_their_server_and_its_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = KnowledgeSettings(chroma_url="http://127.0.0.1:9", chroma_token_env="CHROMA_TOKEN")
    settings = Settings(data=DataSettings(dir=tmp_path / "data"), knowledge=shared)
    with pytest.raises(SettingsError, match=r"chroma_token_env names \$CHROMA_TOKEN"):
        open_runbooks(settings)
    monkeypatch.setenv("CHROMA_TOKEN", "hunter2")
    with open_runbooks(settings) as runbooks, pytest.raises(StoreUnavailable) as caught:
        runbooks.is_empty()
    assert "http://127.0.0.1:9" in caught.value.hint
    assert "hunter2" not in f"{caught.value.message} {caught.value.hint}"


def test_runbooks_are_opened_without_making_anything(tmp_path: Path) -> None:
    with open_runbooks(Settings(data=DataSettings(dir=tmp_path / "data"))) as runbooks:
        assert runbooks.is_empty()
    assert not (tmp_path / "data").exists()


def test_what_the_settings_name_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICS_TOKEN", "s3cret")
    settings = Settings(
        logs=LogsSettings(journal=("*",), docker=("shop-*",)),
        kubernetes=KubernetesSettings(namespaces=("shop",), selector="app=web"),
        metrics=MetricsSettings(prometheus="http://127.0.0.1:9090", token_env="METRICS_TOKEN"),
        probes=ProbesSettings(allow=("127.0.0.1:8080",), checks={"web": "http://127.0.0.1:8080/"}),
        services=ServicesSettings(depends_on={"checkout": ("payments",)}),
    )
    systems = live_systems(settings)
    assert systems.journal == JournalTarget(units=())
    assert systems.docker == DockerTarget(containers=("shop-*",))
    assert systems.kubernetes == KubernetesTarget(("shop",), "app=web")
    assert [backend.name for backend in service_backends(settings)] == ["docker", "kubernetes"]
    plan = probe_plan(settings.probes)
    assert plan is not None
    assert plan.checks == {"web": "http://127.0.0.1:8080/"}
    backend = metric_backend(settings.metrics)
    assert backend is not None
    assert "127.0.0.1:9090" in backend.name
    assert "s3cret" not in repr(backend.name)
    backend.close()


def test_nothing_is_looked_at_that_was_not_named() -> None:
    settings = Settings(host=HostSettings(look=False))
    scope = live_scope(settings, NOW)
    assert scope.is_empty
    assert not has_live_logs(settings)
    assert live_scope(Settings(), NOW).has_host


def test_token_that_is_not_set_is_named() -> None:
    settings = MetricsSettings(prometheus="http://127.0.0.1:9090", token_env="NO_SUCH_TOKEN")
    with pytest.raises(SettingsError, match=r"\[metrics\] token_env names \$NO_SUCH_TOKEN"):
        metric_backend(settings)


def test_live_logs_are_fetched_from_what_answers(tmp_path: Path) -> None:
    settings = Settings(
        kubernetes=KubernetesSettings(namespaces=("shop",), kubeconfig=tmp_path / "none")
    )
    assert has_live_logs(settings)
    haul = fetch_logs(settings, Window(), tmp_path, lambda: False)
    assert haul.logs == ()
    assert "kubernetes" in " ".join(haul.notes)
