"""What `midwatch doctor` says of acting, with a real supervisord and a real record."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from assistant.acting.checks import acting_checks
from assistant.audit.log import AuditLog
from assistant.doctor import Check
from assistant.settings import DataSettings, ServicesSettings, Settings
from tests.tools.services.supervised import Supervised, supervised


@pytest.fixture(scope="module")
def shop() -> Iterator[Supervised]:
    with supervised({"checkout": ("", ""), "cart": ("", "")}) as running:
        yield running


def checks(data_dir: Path, **services: object) -> dict[str, list[Check]]:
    settings = Settings(
        data=DataSettings(dir=data_dir),
        services=ServicesSettings(**services),  # type: ignore[arg-type]
    )
    found: dict[str, list[Check]] = {}
    for check in acting_checks(settings):
        found.setdefault(check.name, []).append(check)
    return found


def test_each_entry_says_which_services_it_is_about(shop: Supervised, tmp_path: Path) -> None:
    allow = ("supervisor:c*:restart,stop", "supervisor:biling")
    told = checks(tmp_path, supervisor=SecretStr(shop.url), allow=allow)["actions"]
    assert [(check.verdict, check.found) for check in told] == [
        ("ok", "supervisor:c*:restart,stop: restart, stop cart, checkout"),
        ("warning", "supervisor:biling names no service there is"),
    ]


def test_where_nothing_is_permitted_nothing_is_said(tmp_path: Path) -> None:
    assert set(checks(tmp_path)) == {"sandbox"}


def test_a_record_that_was_changed_is_a_failure(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit", str)
    log.append("requested", {"approval": "a-222222"})
    log.append("approved", {"approval": "a-222222"})
    [sound] = checks(tmp_path)["audit"]
    assert sound.verdict == "ok"
    [file] = (tmp_path / "audit").glob("*.jsonl")
    file.write_text(file.read_text().replace("requested", "requestee"))
    [broken] = checks(tmp_path)["audit"]
    assert (broken.verdict, broken.remedy) == ("failed", "look closer: midwatch audit verify")


def test_without_a_sandbox_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.sandbox.problem.sandbox_problem", lambda: "install bubblewrap")
    [check] = checks(tmp_path)["sandbox"]
    assert (check.verdict, check.remedy) == ("warning", "install bubblewrap")
