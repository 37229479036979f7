"""Everything that came in, unpacked."""

import io
import tarfile

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
Unpack every .tar.gz from incoming into the folder unpacked, which has to be created first.
"""

_ARCHIVES = {
    "shop.tar.gz": {"shop/app.ini": b"port=1\n", "shop/static/a b.css": b"x\n"},
    "billing 2.tar.gz": {"billing/run.sh": b"echo\n"},
    "docs.tar.gz": {"index.html": b"<p>\n"},
}


def _packed(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def setup(place: Place) -> None:
    for name, files in _ARCHIVES.items():
        place.write(f"incoming/{name}", _packed(files))
    place.write("incoming/README.txt", "leave me\n")
    place.write("incoming/single.gz", b"not an archive")


def check(after: Outcome) -> None:
    after.kept(*after.before)
    new = {name: data for name, data in after.files.items() if name not in after.before}
    elsewhere = [name for name in new if not name.startswith("unpacked/")]
    assert not elsewhere, f"there are {elsewhere}"
    # Whether each archive gets a folder of its own in there is left open.
    expected = [file for files in _ARCHIVES.values() for file in files.items()]
    for name, content in expected:
        found = [path for path, data in new.items() if f"/{path}".endswith(f"/{name}")]
        assert found, f"{name} is not there"
        assert new[found[0]] == content, f"{name} has other content"
    assert len(new) == len(expected), f"there are {sorted(new)}"


REFERENCE = """
mkdir -p unpacked
for archive in incoming/*.tar.gz; do
  tar -xzf "$archive" -C unpacked
done
"""

WRONG = (
    "mkdir -p unpacked && tar -xzf incoming/*.tar.gz -C unpacked",
    'for f in incoming/*.tar.gz; do tar -xzf "$f" -C unpacked; done',
    "mkdir unpacked; for f in incoming/*.tar.gz; do tar -xzf $f -C unpacked; done",
    'mkdir -p unpacked; cd incoming; for f in *.tar.gz; do tar -xzf "$f"; done',
    'mkdir -p unpacked; for f in incoming/*.tar.gz; do tar xzf "$f" -C unpacked && rm "$f"; done',
)
