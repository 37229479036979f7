"""Which backups are damaged, told by their checksums."""

import hashlib

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
In the folder backups every archive NAME.tar.gz has a file NAME.tar.gz.sha256 with its checksum
beside it, in the format of sha256sum. Print the names of the archives whose checksum does not
match or that have no checksum file, one per line. Exit with status 1 if there is any, else 0.
"""


def setup(place: Place) -> None:
    for name, is_good in (("db-1", True), ("db-2", False), ("web files", True), ("mail", False)):
        archive = f"{name}.tar.gz"
        data = name.encode() * 100
        digest = hashlib.sha256(data).hexdigest()
        place.write(f"backups/{archive}", data if is_good else data[:-1])
        place.write(f"backups/{archive}.sha256", f"{digest}  {archive}\n")
    place.write("backups/etc.tar.gz", "no checksum")
    place.write("backups/notes.txt", "not an archive")


def check(after: Outcome) -> None:
    names = sorted(path.rsplit("/", 1)[-1] for path in after.paths)
    assert names == ["db-2.tar.gz", "etc.tar.gz", "mail.tar.gz"], f"it names {names}"
    assert after.status == 1, f"the status is {after.status}"
    after.kept(*after.before)


REFERENCE = """
cd backups || exit 2
status=0
for archive in *.tar.gz; do
  if [ ! -f "$archive.sha256" ] || ! sha256sum --status -c "$archive.sha256"; then
    echo "$archive"
    status=1
  fi
done
exit $status
"""

WRONG = (
    'cd backups; for f in *.sha256; do sha256sum --status -c "$f" || echo "${f%.sha256}"; done',
    "cd backups; sha256sum -c *.sha256",
)
