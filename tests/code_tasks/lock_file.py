"""One at a time, and the lock is gone however the job ends."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
Run ./job.sh under a lock: if the file job.lock exists, print "already running" and exit with
status 1. Otherwise create job.lock with the PID of the script in it, run ./job.sh, and exit with
its exit status. job.lock has to be removed at the end, also when ./job.sh fails.
"""


def setup(place: Place) -> None:
    place.program("job.sh", "cp job.lock lock-during-job\necho ran >> runs\nexit 3\n")


def check(after: Outcome) -> None:
    assert after.read_lines("runs") == ["ran"], "job.sh did not run once"
    assert after.read("lock-during-job").strip().isdigit(), "job.lock had no PID in it"
    after.removed("job.lock")
    assert after.status == 3, f"the status is {after.status}"


REFERENCE = """
if ! (set -o noclobber; echo $$ > job.lock) 2> /dev/null; then
  echo "already running"
  exit 1
fi
trap 'rm -f job.lock' EXIT
./job.sh
"""

WRONG = (
    """
set -e
[ -e job.lock ] && { echo already running; exit 1; }
echo $$ > job.lock
./job.sh
rm job.lock
""",
    """
[ -e job.lock ] && { echo already running; exit 1; }
echo $$ > job.lock
./job.sh
rm job.lock
""",
)
