import pytest

from tools.logs.signs.change_logs import is_change_log


@pytest.mark.parametrize(
    "source",
    [
        "deploy",
        "logs/config-rollout.log",
        "secrets-rotation",
        "helm",
        "deployments",
        "app.releases",
    ],
)
def test_change_logs(source: str) -> None:
    assert is_change_log(source)


@pytest.mark.parametrize(
    "source", ["orders-api", "exchange", "web-deployment-79f4-x2", "my-deployment", "deployer-api"]
)
def test_other_logs(source: str) -> None:
    assert not is_change_log(source)
