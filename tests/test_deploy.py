"""The files that a server is deployed with, held against the programs that read them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from assistant.settings import known_keys
from tools.code.kubernetes.check import check_kubernetes

DEPLOY = Path(__file__).parent.parent / "docs" / "deploy"
VARIABLE = re.compile(r"\bMIDWATCH_([A-Z_]+)\b")


def test_every_variable_is_a_setting() -> None:
    known = {f"MIDWATCH_{key.replace('.', '_').upper()}" for key in known_keys()}
    for path in DEPLOY.rglob("*.*"):
        named = {match.group() for match in VARIABLE.finditer(path.read_text())}
        assert named <= known, path.name


def test_the_unit_is_one(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    unit = tmp_path / "midwatch.service"
    text = (DEPLOY / "midwatch.service").read_text()
    unit.write_text(text.replace("/opt/midwatch/bin/midwatch", "/bin/true"))
    command = ["systemd-analyze", "verify", "--man=no", str(unit)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "midwatch.service" not in ran.stderr


def test_nginx_takes_its_file(tmp_path: Path) -> None:
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin:/bin")
    if nginx is None:
        pytest.skip("nginx is not installed")
    text = (DEPLOY / "nginx.conf").read_text()
    for number in (1, 2):
        text = text.replace(f"midwatch-{number}:8443", f"127.0.0.1:{18440 + number}")
    whole = f"pid {tmp_path}/pid; error_log stderr; events {{}} http {{ access_log off; {text} }}"
    (tmp_path / "nginx.conf").write_text(whole)
    command = [nginx, "-t", "-c", str(tmp_path / "nginx.conf")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_the_manifests_fit_the_schemas() -> None:
    text = (DEPLOY / "kubernetes" / "midwatch.yaml").read_text()
    problems = check_kubernetes(text).problems
    # Only that it goes to whatever namespace is set: that is for whoever applies it.
    assert [one.message for one in problems if one.severity != "info"] == []


def test_every_service_of_the_compose_file_is_there() -> None:
    composed = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    services = set(composed["services"])
    upstream = (DEPLOY / "nginx.conf").read_text()
    assert set(re.findall(r"server (midwatch-\d):8443", upstream)) <= services
    for service in composed["services"].values():
        assert set(service.get("depends_on", ())) <= services
