"""PID files whose process is long gone."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
The file running.txt has the PIDs of all running processes, one per line. Delete every file *.pid
in the folder run whose PID is not in that list, and print the name of each file that you delete.
An empty .pid file counts as stale too.
"""


def setup(place: Place) -> None:
    place.write("running.txt", "1\n42\n1234\n99999")
    place.write("run/web.pid", "1234\n")
    place.write("run/cron.pid", "99999")
    place.write("run/worker.pid", "234\n")
    place.write("run/my job.pid", "4\n")
    place.write("run/empty.pid")
    place.write("run/web.sock.txt", "234\n")


def check(after: Outcome) -> None:
    after.kept("run/web.pid", "run/cron.pid", "run/web.sock.txt", "running.txt")
    after.removed("run/worker.pid", "run/my job.pid", "run/empty.pid")
    for name in ("worker.pid", "my job.pid", "empty.pid"):
        assert name in after.stdout, f"{name} is not in the output"
    assert "web.pid" not in after.stdout, "web.pid is in the output"


REFERENCE = """
for file in run/*.pid; do
  pid=$(tr -d '[:space:]' < "$file")
  if [ -z "$pid" ] || ! grep -qx "$pid" running.txt; then
    rm -- "$file"
    echo "$file"
  fi
done
"""

WRONG = (
    'for f in run/*.pid; do grep -q "$(cat "$f")" running.txt || { rm "$f"; echo "$f"; }; done',
    """
for f in $(ls run/*.pid); do
  p=$(cat $f)
grep -qx "$p" running.txt || { rm $f
echo $f
}
done
""",
    'for f in run/*.pid; do kill -0 "$(cat "$f")" || { rm "$f"; echo "$f"; }; done',
)
