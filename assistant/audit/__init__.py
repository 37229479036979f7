"""The audit log: what was asked for, decided and done, in a chain that shows when it was altered.

`record` is one line and its hash, `chain` how one follows another, `folder` where the files lie,
`head` the note of the last one. `log` writes, `trail` reads and `verification` checks. What is
recorded, and when, is the business of those who act.
"""
