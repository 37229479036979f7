"""Look-up questions: what code can answer exactly, read from a person's words.

"How many failed logins?", "which address most often?", "the slowest request", "what do the ERROR
lines say?": such a question becomes a `LogQuery`. A question that code cannot read with some
certainty is none, and goes the way of all others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from assistant.agent.plain_words import ASKING, LIGHT
from tools.logs.lookup.fields import BUCKETS, is_field_noun
from tools.logs.lookup.query import LogQuery, Operation
from tools.logs.records import Level, level_of

_COUNT = re.compile(r"\bhow many\b|\bhow often\b|\bnumber of\b|\bcount (?:of|the|all)\b", re.I)
_DISTINCT = re.compile(r"\b(?:different|distinct|unique)\b", re.IGNORECASE)
_MOST = re.compile(
    r"\b(?:the )?most\b(?! recent)|\bmost (?:often|frequent(?:ly)?|common)\b|\bbusiest\b"
    r"|\btop (?:\d+|two|three|four|five|six|ten)\b",
    re.IGNORECASE,
)
_MAX = re.compile(r"\b(?:slowest|longest|largest|biggest|highest|maximum|max)\b", re.IGNORECASE)
_MIN = re.compile(r"\b(?:fastest|quickest|shortest|smallest|lowest|minimum|min)\b", re.IGNORECASE)
_FIRST = re.compile(
    r"\bwhen\b.*\bfirst\b|\bfirst time\b|\bfirst (?:occur|appear|seen)", re.I | re.S
)
_LAST = re.compile(
    r"\bwhen\b.*\b(?:last|most recent(?:ly)?)\b|\blast time\b|\bmost recent\b", re.I | re.S
)
_WHICH = re.compile(r"\b(?:which|what)\b", re.IGNORECASE)
_HOW_MANY = re.compile(r"\bhow (?:many|often)\b", re.IGNORECASE)
_WHICH_VALUES = re.compile(
    r"\b(?:which|what) (?:\w+ )?(?:users?|accounts?|usernames?|address(?:es)?|ips?|ports?|urls?|"
    r"paths?|endpoints?|status codes?|clients?)\b",
    re.IGNORECASE,
)
_OCCUR = re.compile(r"\b(?:occur|appear|exist|are there|come up|show up)\b", re.IGNORECASE)
_EXISTS = re.compile(
    r"^\W*(?:(?:did|has|have|had|do|does) (?:any|some|a|an|the|we)\b|any\b"
    r"|(?:is|are|was|were) (?:there|any|some|an?)\b)",
    re.IGNORECASE,
)
# Whether anything is wrong is not for single words to say.
_TROUBLE = re.compile(
    r"\b(?:problems?|issues?|wrong|trouble|errors?|warnings?|failures?|anything|something|unusual|odd"
    r"|strange|suspicious|anomal\w+|incidents?|alerts?|healthy|ok|okay|fine|normal)\b",
    re.IGNORECASE,
)
_KINDS = re.compile(
    r"\bwhat (?:do|does|did|kinds? of|types? of|sorts? of)\b.*"
    r"\b(?:lines?|messages?|errors?|warnings?|entries)\b.*\b(?:say|about|complain|are there|mean)?",
    re.IGNORECASE | re.DOTALL,
)
# "Show me the errors in the logs": which there are, not each of their lines.
_SHOW_TROUBLE = re.compile(
    r"^\W*(?:can you |could you |please )*"
    r"(?:show|list|give|tell|get|find|post|print|summari[sz]e|what are)(?: me| us)?(?: all)?"
    r"(?: of)?(?: the)?(?: different| distinct| kinds of| types of)? "
    r"(errors?|warnings?|exceptions?)\b(?! (?:in|on) the last \d+ lines)",
    re.IGNORECASE,
)
_SAY = re.compile(r"\b(?:say|complain|are there|occur|appear)\b", re.IGNORECASE)
_WHY = re.compile(
    r"\bwhy\b|\bcauses?\b|\breasons?\b|\bwhat(?:'s| is) wrong\b|\bwhat should\b|\bfix\b"
    r"|\bhow (?:do|can|should) (?:i|we)\b",
    re.IGNORECASE,
)
_LEVEL_LINES = re.compile(
    r"\b(trace|debug|info|notice|warn(?:ing)?|err(?:or)?|critical|fatal|panic)[- ]?(?:level)? "
    r"(?:lines?|entries|messages|logs?|records|level)\b"
    r"|\b(?:log )?(?:level|severity)s? (?:of )?[\"'`]?"
    r"(trace|debug|info|notice|warn(?:ing)?|err(?:or)?|critical|fatal|panic)\b",
    re.IGNORECASE,
)
_LEVEL_SHOUTED = re.compile(r"\b(DEBUG|INFO|WARN|WARNING|ERROR|CRITICAL|FATAL)\b")
_LEVEL_NOUN = re.compile(r"^(errors?|warnings?)$", re.IGNORECASE)
_PLAIN_NOUN = re.compile(r"(?:ids?|numbers?|values?)$", re.IGNORECASE)
_NUMBERS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "ten": 10}
_LIMIT = re.compile(
    r"\btop (\d+|two|three|four|five|six|ten)\b|\bwhich (\d+|two|three|four|five|six|ten)\b"
    r"|\b(\d+|two|three|four|five|six|ten) most\b",
    re.IGNORECASE,
)
_BRACKETED = re.compile(r"\(((?:[^()]|\([^()]*\))*)\)(?!\w|\[)")
_QUOTATION = re.compile(r"[\"“]([^\"”\n]{2,120})[\"”]|`([^`\n]{2,120})`")
_STATUS = re.compile(r"\b([1-5]\d\d)s\b")
_STATUS_WORDS = re.compile(
    r"\b(?:status(?: codes?)?|http|returned|returns?|answered(?: with)?|responded(?: with)?|code)"
    r"(?: (?:a|an|the|of|with|status|code))* ([1-5]\d\d)\b"
    r"|\b(?=[1-5]\d\d (?:responses?|errors?|status|answers?|replies)\b)(\d{3})",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"[A-Za-z0-9][\w./:@=%()*-]*[\w)]|\w")
# "No Route to Host" in the middle of a sentence is what the lines say, word for word.
_CAPITALISED = re.compile(
    r"(?<=[a-z,:] )[A-Z][\w-]*(?: (?:to|of|the|in|for|by|on|is|not|[A-Z][\w-]*))* [A-Z][\w-]*"
)


_LEANING = re.compile(r"^\W*(?:and|what about|how about|or)\b[\s,]*", re.IGNORECASE)
_PHRASE = re.compile(
    r"\b(for|on|from|in|to|by|at|with|about|of)\s+((?:the |user |host |address )*)([\w.:/@=-]*\w)",
    re.IGNORECASE,
)


def follow_up(text: str, earlier: Sequence[str]) -> str:
    """`text` in full: "and for admin?" after "how many failed logins for root?" asks how many.

    What it names takes the place of what the earlier question had behind the same preposition, or
    is added to it. A question that stands alone is returned as it is.
    """
    lead = _LEANING.match(text)
    if lead is None or not earlier or _operation(text) is not None:
        return text
    rest = text[lead.end() :].strip(" ?.!")
    asked = next((question for question in reversed(earlier) if _operation(question)), "")
    if not asked or not rest or _WHY.search(rest):
        return text
    phrase = _PHRASE.match(rest)
    if phrase is None:
        return f"{asked.rstrip(' ?.!')} {rest}?"
    same = [m for m in _PHRASE.finditer(asked) if m[1].lower() == phrase[1].lower()]
    if not same:
        return f"{asked.rstrip(' ?.!')} {rest}?"
    return asked[: same[-1].start()] + rest + asked[same[-1].end() :]


def read_inquiry(text: str, names: Iterable[str] = ()) -> LogQuery | None:
    """The look-up that `text` asks for; None when it asks for something else.

    `names` are those of the logs: a question says them to tell where to look, not what for.
    """
    operation = _operation(text)
    if operation is None or _WHY.search(_BRACKETED.sub(" ", text)):
        return None
    bracketed = [inner for inner in _BRACKETED.findall(text) if _is_pattern(inner)]
    outside = _BRACKETED.sub(" ", text)
    level, outside = _level(outside)
    field = _field(operation, outside)
    limit = _limit(text)
    # What is said to name the field, the logs and the limit is no word of the lines.
    said = {*_field_nouns(field), *names, *([str(limit)] if limit > 1 else [])}
    words = _words(bracketed) or _words([outside], said)
    phrases = _quoted(text) or ([] if bracketed else _CAPITALISED.findall(outside))
    if level is None and operation in ("top", "distinct", "values") and not words:
        level = _noun_level(outside)
    if operation == "kinds" and _SHOW_TROUBLE.search(text):
        words = [word for word in words if not _KIND_NOUN.match(word)]
    if operation == "top" and not field:
        operation = "kinds"
        words = [word for word in words if not _KIND_NOUN.match(word)]
    status = _status(text)
    words = [word for word in words if word != str(status)]
    light = [word for word in words if _is_light(word) or word in field.split()]
    needed = [word for word in words if word not in light]
    if (
        not needed
        and level is None
        and status is None
        and operation in ("count", "exists", "first", "last")
    ):
        needed, light = light, []
    return LogQuery(
        operation,
        words=tuple(needed),
        optional=(*phrases, *light),
        level=level,
        status=status,
        field=field,
        limit=limit,
    )


def _operation(text: str) -> Operation | None:
    counts = _COUNT.search(text) is not None
    if _DISTINCT.search(text):
        return "distinct" if counts else "values"
    if _MOST.search(text):
        return "top"
    if _FIRST.search(text):
        return "first"
    if _HOW_MANY.search(text):
        return "count"
    if _MAX.search(text):
        return "max"
    if _MIN.search(text):
        return "min"
    if counts:
        return "count"
    if _LAST.search(text):
        return "last"
    if (_KINDS.search(text) and _SAY.search(text)) or _SHOW_TROUBLE.search(text):
        return "kinds"
    if _EXISTS.search(text) and not _TROUBLE.search(text):
        return "exists"
    if _WHICH.search(text) and (_OCCUR.search(text) or _WHICH_VALUES.search(text)):
        return "values"
    return None


def _is_pattern(inner: str) -> bool:
    """Whether words in brackets give the lines' own words, and are no aside."""
    words = inner.split()
    return len(words) >= 2 and not inner.lower().startswith(("e.g", "i.e", "quote", "date", "utc"))


def _level(text: str) -> tuple[Level | None, str]:
    """The level that the lines are to have, and the rest of the question."""
    match = _LEVEL_LINES.search(text)
    if match is not None:
        return level_of(next(filter(None, match.groups()))), text.replace(match[0], " ")
    match = _LEVEL_SHOUTED.search(text)
    if match is not None:
        return level_of(match[1]), text.replace(match[0], " ")
    return None, text


def _noun_level(text: str) -> Level | None:
    """The level of "the most errors", where nothing else says which lines are meant."""
    nouns = [word.lower().rstrip("s") for word in re.findall(r"\w+", text)]
    return Level.ERROR if "error" in nouns else Level.WARN if "warning" in nouns else None


# What they are, is told by the kinds of lines.
_KIND_NOUN = re.compile(r"(?:messages?|lines?|entries|events?)$", re.IGNORECASE)
_MESSAGE = re.compile(r"(?:messages?|errors?|warnings?|exceptions?|lines?|entries|events?)$", re.I)


def _field(operation: Operation, text: str) -> str:
    """The words for what is counted or compared: a noun, with the word before it."""
    if operation in ("max", "min"):
        return _measured(text)
    if operation in ("first", "last", "kinds", "count", "exists"):
        return ""
    found = re.search(
        r"\b(?:which|what|different|distinct|unique|top (?:\d+|\w+)) (.+)", text, re.I | re.S
    )
    words = re.findall(r"[\w-]+", found[1] if found else text)
    busiest = re.search(r"\b(?:busiest|when)\b", text, re.IGNORECASE)
    if busiest:
        return next((word for word in words if word.lower() in BUCKETS), "hour")
    for place, word in enumerate(words[:6]):
        if _MESSAGE.match(word) and not any(map(_PLAIN_NOUN.match, words[place + 1 : place + 3])):
            return ""
        if is_field_noun(word) or _PLAIN_NOUN.match(word):
            before = [w for w in words[max(0, place - 2) : place] if w.lower() not in ASKING]
            after = [w for w in words[place + 1 : place + 2] if _PLAIN_NOUN.match(w)]
            return " ".join([*before, word, *after])
    leading = [word for word in words[:3] if word.lower() not in ASKING]
    return leading[0] if leading else ""


def _measured(text: str) -> str:
    match = _MAX.search(text) or _MIN.search(text)
    assert match is not None
    after = re.findall(r"[\w-]+", text[match.start() :])[:6]
    return " ".join(word for word in after if word.lower() not in ("the", "of", "in", "is", "a"))


def _status(text: str) -> int | None:
    """The HTTP status that the lines are to have: "404s", "answered with 503"."""
    match = _STATUS.search(text) or _STATUS_WORDS.search(text)
    return int(next(filter(None, match.groups()))) if match else None


def _quoted(text: str) -> list[str]:
    """What stands in quotation marks, of more than one word: the lines' own words."""
    found = ["".join(match.groups(default="")) for match in _QUOTATION.finditer(text)]
    return [phrase for phrase in found if " " in phrase]


def _field_nouns(field: str) -> list[str]:
    """The words of `field` that name it only in the question."""
    return [word for word in field.split() if is_field_noun(word) or _PLAIN_NOUN.match(word)]


def _words(texts: Iterable[str], without: Iterable[str] = ()) -> list[str]:
    """The words by which the lines are found, each once."""
    left_out = {word.lower() for word in without} | ASKING
    found: dict[str, None] = {}
    for text in texts:
        for token in _TOKEN.findall(_STATUS.sub(r"\1", text)):
            word = token if token.count("(") == token.count(")") else token.strip("()")
            bare = word.strip(".-:")
            if (len(bare) > 1 or bare.isdigit()) and bare.lower() not in left_out:
                found[bare] = None
    return list(found)


def _is_light(word: str) -> bool:
    return word.lower() in LIGHT or is_field_noun(word)


def _limit(text: str) -> int:
    match = _LIMIT.search(text)
    if match is None:
        return 1
    word = next(filter(None, match.groups())).lower()
    return max(1, _NUMBERS.get(word) or (int(word) if word.isdigit() else 1))
