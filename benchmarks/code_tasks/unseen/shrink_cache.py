"""A cache that has outgrown its share."""

import re

from benchmarks.code_tasks.task import Outcome, Place

REQUEST = """
The cache folder may hold 1000000 bytes at most. Delete the oldest files in it, one after the other,
until the rest fits, and say how many were deleted.
"""

# Name: its age in days and its size; without the three oldest 950000 bytes are left.
_FILES = {
    "tile cache.bin": (9, 300_000),
    "big.bin": (7, 200_000),
    "thumb.bin": (6, 150_000),
    "mid.bin": (4, 400_000),
    "page.bin": (2, 350_000),
    "new.bin": (0.5, 200_000),
}
_DELETED = 3


def setup(place: Place) -> None:
    for name, (days_old, size) in _FILES.items():
        place.write(f"cache/{name}", b"x" * size, days_old=days_old)
    place.write("older.txt", "not in the cache", days_old=100)


def check(after: Outcome) -> None:
    names = [f"cache/{name}" for name in _FILES]
    after.removed(*names[:_DELETED])
    after.kept(*names[_DELETED:], "older.txt")
    numbers = re.findall(r"\d+", after.stdout)
    assert str(_DELETED) in numbers, f"the output is {after.stdout!r}"


REFERENCE = r"""
total=$(find cache -type f -printf '%s\n' | awk '{ sum += $1 } END { print sum + 0 }')
count=0
while ((total > 1000000)) && IFS=' ' read -r _ size path; do
  rm -- "$path"
  total=$((total - size))
  count=$((count + 1))
done < <(find cache -type f -printf '%T@ %s %p\n' | sort -n)
echo "$count files deleted"
"""

WRONG = (
    "cd cache; n=0; while [ $(du -sb . | cut -f1) -gt 1000000 ]; do\n"
    '  rm "$(ls -t | head -1)"; n=$((n + 1))\ndone; echo $n',
    "cd cache; n=0; while [ $(cat * | wc -c) -gt 1000000 ]; do\n"
    '  rm "$(ls -S | head -1)"; n=$((n + 1))\ndone; echo $n',
    "cd cache; while [ $(cat * | wc -c) -gt 1000000 ]; do\n"
    '  rm "$(ls -tr | head -1)"\ndone; echo done',
    "cd cache; n=0; for i in 1 2 3 4 5 6; do [ $(cat * | wc -c) -gt 1000000 ] || break\n"
    "  rm $(ls -tr | head -1); n=$((n + 1))\ndone; echo $n",
    "find cache -type f -size +1000000c -print -delete | wc -l",
    'cd cache; n=0; t=0; for f in *; do t=$((t + $(wc -c < "$f")))\n'
    '  if [ $t -gt 1000000 ]; then rm "$f"; n=$((n + 1)); fi\ndone; echo $n',
    "find cache -type f -mtime +3 -print -delete | wc -l",
    "cd cache; n=0; while [ $(ls | wc -l) -gt 1 ]; do\n"
    '  rm "$(ls -tr | head -1)"; n=$((n + 1))\ndone; echo $n',
)
