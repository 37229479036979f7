from collections.abc import Callable
from pathlib import Path

import pytest

from tools.captures import read_capture, survey_captures
from tools.result import Status
from tools.scope import Capture

DESCRIBE = """Name:         web-1
Status:       Running
Labels:       app=web
Containers:
  main:
    Image:          web:1
    State:          Waiting
      Reason:       CrashLoopBackOff
    Last State:     Terminated
      Reason:       OOMKilled
      Exit Code:    137
    Ready:          False
    Restart Count:  16
    Limits:
      memory:  50Mi
Conditions:
  Initialized   True
  DiskPressure  False
Node-Selectors:  <none>
Events:
  Warning  BackOff  3m  kubelet  Back-off restarting failed container main in pod web-1
  Normal   Pulled   5m  kubelet  Container image "web:1" already present on machine
"""
DF = """Filesystem  Size  Used Avail Use% Mounted on
/dev/sda1    50G   20G   30G  40% /
/dev/sdb1   100G   99G    1G  99% /var/lib/data
"""
HEALTHY = "errors: 0\nfailed=0\nerror_message: null\nStatus OK, no errors\n"

Make = Callable[..., Capture]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def capture(text: str, name: str = "out.txt", **more: object) -> Capture:
        path = tmp_path / name
        path.write_text(text)
        return Capture(name, path, **more)  # type: ignore[arg-type]

    return capture


def test_telling_lines_are_found_and_verbatim(make: Make) -> None:
    result = read_capture(make(DESCRIBE, command="kubectl describe pod web-1"))
    assert result.status is Status.OK
    assert all(finding.text in DESCRIBE for finding in result.findings)
    texts = "\n".join(finding.text for finding in result.findings)
    assert "OOMKilled" in texts
    assert "DiskPressure" not in texts
    assert result.findings[0].line == 1, "the head of the capture comes with it"
    assert result.omitted > 0


def test_related_lines_stay_together(make: Make) -> None:
    findings = survey_captures([make(DESCRIBE)], limit=20)
    (killed,) = (finding for finding in findings if "OOMKilled" in finding.text)
    assert killed.text == "Reason:       OOMKilled\n      Exit Code:    137"
    assert killed.line == 10
    assert killed.note == "under Containers > main > Last State"


def test_the_strongest_comes_first_over_all_captures(make: Make) -> None:
    findings = survey_captures([make(HEALTHY, "ok.txt"), make(DF, "df.txt")])
    assert findings[0].text == "/dev/sdb1   100G   99G    1G  99% /var/lib/data"
    assert findings[0].source == "df.txt"
    assert not any(finding.source == "ok.txt" and finding.suspicion > 0.3 for finding in findings)


def test_like_lines_appear_once(make: Make) -> None:
    captures = [make("Error: pod web-1 not found\n", f"{n}.txt") for n in range(5)]
    (finding,) = survey_captures(captures)
    assert finding.note == "4 more like it in 1.txt, 2.txt, 3.txt and 1 more"


def test_words_of_the_question_and_of_leads_lift_lines(make: Make) -> None:
    text = (
        "Node-Selectors:  disk=fast\nColor: blue\nPriority: 0\n"
        "Warning  FailedScheduling  node(s) didn't match the node selector\n"
    )
    related = [finding.text for finding in survey_captures([make(text)])]
    assert "Node-Selectors:  disk=fast" in related
    assert "Color: blue" not in related
    asked = [finding.text for finding in survey_captures([make(text)], "which color is it?")]
    assert "Color: blue" in asked


def test_a_list_of_others_does_not_crowd_out_the_subject(make: Make) -> None:
    rows = "".join(f"job-{n}  0/1  CrashLoopBackOff  7 (3m ago)\n" for n in range(30))
    captures = [
        make(rows, "pods.txt", command="kubectl get pods"),
        make("Status: Failed\n", "web.txt", command="kubectl describe pod web-1"),
    ]
    assert survey_captures(captures, "what is wrong with web-1?")[0].source == "web.txt"


def test_failed_commands_weigh_less(make: Make) -> None:
    captures = [
        make("error: connection refused\n", "a.txt", succeeded=False),
        make("error: connection refused by db\n", "b.txt"),
    ]
    assert survey_captures(captures)[0].source == "b.txt"
    assert "The command itself failed." in read_capture(captures[0]).summary


def test_long_lines_give_the_part_that_matters(make: Make) -> None:
    text = '{"a": "' + "x" * 2000 + '", "message": "no space left on device", "b": "' + "y" * 999
    (finding, *_) = survey_captures([make(text)])
    assert "no space left on device" in finding.text
    assert finding.text in text
    assert len(finding.text) <= 400


def test_advice_is_no_observation(make: Make) -> None:
    (finding, *rest) = survey_captures(
        [make("Check if the service failed to start.\nservice failed to start\n")]
    )
    assert finding.text == "service failed to start"
    assert all(other.suspicion < finding.suspicion / 2 for other in rest)


def test_an_empty_capture_is_no_data(make: Make) -> None:
    result = read_capture(make("\n \n"))
    assert (result.status, result.summary) == (Status.NO_DATA, "Read out.txt: it is empty.")


def test_unreadable_captures(make: Make, tmp_path: Path) -> None:
    missing = Capture("gone.txt", tmp_path / "gone.txt")
    assert read_capture(missing).status is Status.ERROR
    assert len(survey_captures([missing, make("Status: Failed\n")])) == 1
