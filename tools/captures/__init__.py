"""Captures: recorded command outputs, and the lines in them that point at a problem.

A capture may be a `kubectl describe` page, a table, JSON, YAML, a piece of a log or an error
message. Forms of output that are known are read (`forms/`, `parsing`); in everything else general
words of trouble, unhealthy counts, the words of the question and the words that problem lines share
decide (`words`, `scoring`, `survey`). Which line is the cause is left to the reader.
"""

from __future__ import annotations

from tools.captures.parsing import Statement, parse
from tools.captures.survey import read_capture, survey_captures

__all__ = ["Statement", "parse", "read_capture", "survey_captures"]
