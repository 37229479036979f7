"""A service that takes a moment to come up."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
Start ./start_db.sh in the background and wait until it has created run/db.ready: look every second,
for 10 seconds at most. Print ready or timeout, and exit with 1 on a timeout.
"""


def setup(place: Place) -> None:
    place.folders("run")
    # It goes on when it is ready, as a service does; nothing of it holds the output open.
    place.program(
        "start_db.sh",
        "exec >/dev/null 2>&1 </dev/null\n"
        "echo started >> run/db.log\n"
        "sleep 3\n"
        "echo up > run/db.ready\n"
        "exec sleep 60\n",
    )


def check(after: Outcome) -> None:
    said = after.stdout.lower()
    assert after.read("run/db.log") == "started\n", "it was started more than once"
    assert "ready" in said, f"the output is {after.stdout!r}"
    assert "timeout" not in said, f"the output is {after.stdout!r}"
    assert after.read("run/db.ready") == "up\n", "it did not wait for the file"
    assert after.status == 0, f"the exit status is {after.status}"


REFERENCE = """
./start_db.sh &
for ((second = 0; second < 10; second++)); do
  if [[ -e run/db.ready ]]; then
    echo ready
    exit 0
  fi
  sleep 1
done
echo timeout
exit 1
"""

WRONG = (
    "./start_db.sh\n[ -e run/db.ready ] && echo ready || { echo timeout; exit 1; }",
    "./start_db.sh &\nsleep 1\n[ -e run/db.ready ] && echo ready || { echo timeout; exit 1; }",
    "for i in $(seq 10); do ./start_db.sh & sleep 1\n"
    "  [ -e run/db.ready ] && { echo ready; exit 0; }\ndone\necho timeout; exit 1",
    "./start_db.sh &\nfor i in $(seq 10); do [ -e run/db.ready ] && break; sleep 1; done\n"
    "echo timeout; exit 1",
    "./start_db.sh &\necho ready",
)
