"""Lifecycle: what lines say about the start and the end of a process, in any program's words."""

from __future__ import annotations

import re

# What a message is about stands in its first words.
_MAX_CHARS = 400
_STARTED = re.compile(
    r"\blistening\b|\bstarted with pid\b|\bbooting worker\b|\bjust started\b"
    r"|^\W*(?:\w+:\s*)?start(?:ing|ed)(?: up)?\W*(?:\w+=.*)?$"
    r"|\b(?:server|service|application|app|daemon|system|instance|node|engine|agent|broker|proxy"
    r"|worker|pod|container)\b[^.:]{0,40}\b(?:start(?:ed|ing)|initiali[sz]ed|boot(?:ed|ing))\b"
    r"|\bstart(?:ing|ed)(?: up)?,? (?:the )?(?:server|service|application|app|daemon|node|worker)\b"
    r"|\bstarting\b.{0,60}\bv?\d+\.\d+|\bversion\W{0,3}v?\d+\.\d+.{0,60}\bstart"
    r"|\bready (?:to (?:accept|serve|handle|receive)|for (?:connections|start)|on \S+:\d)"
    r"|^\W*(?!HTTP)[A-Za-z][\w.-]*[ /]v?\d+(?:\.\d+){1,3}(?:[-+]\w+)?(?:$|[ ,;(])(?!.*\"GET)",
    re.IGNORECASE,
)
_ENDED = re.compile(
    r"\bshut(?:ting)?[ -]?down\b|\bshutdown\b|\bgraceful(?:ly)?\b|\bstopp(?:ed|ing)\b"
    r"|\bexit(?:ed|ing|s)?\b"
    r"|\bSIG(?:TERM|INT|QUIT|KILL)\b|\bterminat(?:ed|ing)\b|\bbye\b|\bquit(?:ting)?\b"
    r"|\bclosing all\b|\bgoodbye\b|\bgave up\b",
    re.IGNORECASE,
)
_CRASHED = re.compile(
    r"\bexit(?:ed|s)?\b.{0,60}?\b(?:status|code|with)\b\W{0,3}(?:code |status )?-?[1-9]\d*\b"
    r"|\bcode=exited, status=[1-9]|\bnot expected\b|\bFailed with result\b|\bcore dumped\b"
    r"|\b(?:terminated|killed)\b.{0,20}\bSIG(?:KILL|SEGV|ABRT|BUS|ILL|FPE)\b|\bsignal (?:6|9|11)\b"
    r"|\bgave up\b|\bentered FATAL\b|\bCrashLoopBackOff\b|\bback-?off restarting\b|\bOOMKilled\b"
    r"|\bworker .{0,20}\bdied\b|\brespawning too fast\b|\brequest repeated too quickly\b"
    r"|\b(?:died|exited|terminated|stopped) unexpectedly\b|\brestart counter is at [2-9]",
    re.IGNORECASE,
)
_SUPERVISED = re.compile(
    r"\bspawn\w*|\bentered \w+ state\b|^\W*(?:Start|Stopp?)(?:ed|ing) \w|\bsignal \d+\b"
    r"|\bSIG[A-Z]{2,5}\b|\bexit\b|\bpulling image\b|\bcreated container\b",
    re.IGNORECASE,
)
_GIVING_UP = re.compile(
    r"\b(?:shutting down|exiting|aborting|terminating|quitting|giving up|gave up)\b"
    r"|\b(?:cannot|could not|failed to|unable to) (?:start|boot|initiali[sz]e)\b",
    re.IGNORECASE,
)
_STARTING_UP = re.compile(
    r"\b(?:is|are|still) (?:starting(?: up)?|initiali[sz]ing|loading|booting)\b"
    r"|\bnot yet (?:ready|up)\b",
    re.IGNORECASE,
)


def names_start(message: str) -> bool:
    """Whether it says that a process begins, or is ready for work."""
    return _STARTED.search(message, 0, _MAX_CHARS) is not None


def names_end(message: str) -> bool:
    """Whether it says that a process stops, for whatever reason."""
    return _ENDED.search(message, 0, _MAX_CHARS) is not None


def names_crash(message: str) -> bool:
    """Whether it says that a process ended as nobody meant it to."""
    return _CRASHED.search(message, 0, _MAX_CHARS) is not None


def names_giving_up(message: str) -> bool:
    """Whether it says that a process ends because it could not go on."""
    return _GIVING_UP.search(message, 0, _MAX_CHARS) is not None


def is_part_of_life(message: str) -> bool:
    """Whether it is there whenever a process comes or goes, for good reasons or bad."""
    return any(words.search(message, 0, _MAX_CHARS) for words in (_STARTED, _ENDED, _SUPERVISED))


def names_starting_up(message: str) -> bool:
    """Whether it explains itself: something is not ready yet, because it is starting."""
    return _STARTING_UP.search(message, 0, _MAX_CHARS) is not None
