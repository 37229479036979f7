"""A backup that can be verified where it ends up."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
Make a backup of the folder config as backup/config.tar.gz and write its SHA-256 checksum to
backup/config.tar.gz.sha256, so that "sha256sum -c config.tar.gz.sha256" works inside the folder
backup. Create the folder backup if it does not exist.
"""


def setup(place: Place) -> None:
    place.write("config/app.conf", "a=1")
    place.write("config/sites available/shop.conf", "b=2\n")
    place.write("config/.secret", "c=3\n", mode=0o600)
    place.write("config/empty")


def check(after: Outcome) -> None:
    import hashlib
    import io
    import tarfile

    after.kept("config/app.conf", "config/sites available/shop.conf", "config/.secret")
    archive = after.files.get("backup/config.tar.gz")
    assert archive, "backup/config.tar.gz is not there"
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        names = {member.name.removeprefix("./") for member in tar if member.isfile()}
    inner = {name.removeprefix("config/") for name in names}
    assert inner == {"app.conf", "sites available/shop.conf", ".secret", "empty"}, names
    [line] = after.read_lines("backup/config.tar.gz.sha256")
    digest, name = line.split(maxsplit=1)
    assert digest == hashlib.sha256(archive).hexdigest(), "the checksum is not the archive's"
    assert name.lstrip("*") in ("config.tar.gz", "./config.tar.gz"), f"it names {name}"


REFERENCE = """
set -e
mkdir -p backup
tar -czf backup/config.tar.gz config
cd backup
sha256sum config.tar.gz > config.tar.gz.sha256
"""

WRONG = (
    """
mkdir -p backup
tar czf backup/config.tar.gz config
sha256sum backup/config.tar.gz > backup/config.tar.gz.sha256
""",
    """
mkdir -p backup
cd config
tar czf ../backup/config.tar.gz *
cd ../backup
sha256sum config.tar.gz > config.tar.gz.sha256
""",
)
