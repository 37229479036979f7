"""File names with spaces, which the next script in line cannot take."""

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
Rename all files below the folder uploads, also in subfolders, so that every space in the file
name becomes an underscore. Leave the names of the folders as they are. Do not overwrite a file
that exists already: skip such a rename.
"""


def setup(place: Place) -> None:
    place.write("uploads/a report.pdf", "1")
    place.write("uploads/two  spaces.txt", "2")
    place.write("uploads/plain.txt", "3")
    place.write("uploads/my folder/in side.log", "4")
    place.write("uploads/my folder/already there.log", "5")
    place.write("uploads/my folder/already_there.log", "6")
    place.write("not here.txt", "7")


def check(after: Outcome) -> None:
    expected = {
        "uploads/a_report.pdf": b"1",
        "uploads/two__spaces.txt": b"2",
        "uploads/plain.txt": b"3",
        "uploads/my folder/in_side.log": b"4",
        "uploads/my folder/already there.log": b"5",
        "uploads/my folder/already_there.log": b"6",
        "not here.txt": b"7",
    }
    assert after.files == expected, f"the files are {sorted(after.files)}"


REFERENCE = """
find uploads -type f -name '* *' -print0 | while IFS= read -r -d '' path; do
  folder=${path%/*}
  name=${path##*/}
  mv -n -- "$path" "$folder/${name// /_}"
done
"""

WRONG = (
    'for f in uploads/*\\ *; do mv "$f" "${f// /_}"; done',
    'find uploads -name \'* *\' | while read f; do mv "$f" "${f// /_}"; done',
)
