"""What stands for a secret without being one: references, masks, states; and what looks random.

`password=${DB_PASSWORD}`, `token: invalid`, `password=***` and `secret = load_secret()` tell
nothing that may not be told, and a diagnosis needs them.
"""

from __future__ import annotations

import re
from itertools import pairwise

from tools.redaction.names import NameKind, kind_of_name
from tools.redaction.secret import COVER
from tools.redaction.words import words

_STATES = words(
    """
    null none nil nul undefined true false yes no on off ok empty unset set missing required
    optional invalid valid expired denied failed failure incorrect wrong rejected revoked unknown
    unauthorized forbidden disabled enabled present absent found changed unchanged updated rotated
    created deleted default redacted masked hidden filtered removed omitted private sensitive
    encrypted protected secret password token string str char varchar int integer bool boolean
    object array text bytes error eof mismatch refused accepted success succeeded successful bad
    good must is was not has in to for from and or the a an of with by at if as be can cannot
    could should will would may might prompt ask vault env file todo fixme tbd na n/a auto manual
    random generated inherit any all you your it its this that these those here below above when
    where which user username example placeholder expires expiring basic bearer plain scram digest
    negotiate ntlm authentication authorization verification validation login connection access
    requested request read write url uri key id name value data number used use using via too only
    does did do got received unexpected parse parsing
    """
)
_NOTHING = words(
    """
    null none nil nul undefined true false yes no on off redacted masked hidden filtered omitted
    n/a (null) (nil) (none) [] {} empty ~ | > |- >- |+ >+
    """
)
# Signs alone, one letter again and again, or a description in brackets.
_MASK = re.compile(
    rf"[{COVER}*xX•·.…#?_\-\u2013\u2014●\[\](){{}}<>]+|([A-Za-z])\1{{2,}}"
    r"|<[^<>]{1,80}>|\[[A-Za-z _-]{1,80}\]"
)
_HAS_MASK = re.compile(r"\*{3,}|•{3,}|●{3,}|x{6,}|X{6,}")
_BRACKETED = re.compile(
    r"[\[(<{]{1,2}\s*(?:redacted|masked|hidden|filtered|removed|omitted|secret|sensitive|protected"
    r"|none|null|nil|empty|unset|not set|your|object|encrypted|set|nothing|credentials?|password"
    r"|token)\b.*",
    re.IGNORECASE | re.DOTALL,
)
_REFERENCE = re.compile(
    r"""
      \$\{.* | \$\(.* | \$\$?[A-Z_][A-Z0-9_]*(?:[/:].*)?
    | \$[a-z_]*(?:pass|pwd|pw|secret|token|key|cred|auth)[a-z_]* | \$\d | \$\w+\$ | \$env:.*
    | %[A-Z_][A-Z0-9_]*% | %\(\w+\)[sdr] | %[sdrvqx] | %\{.*
    | \{\{.* | \{%.* | \{\w*\} | \#\{.* | @\{.* | <%.* | @[A-Za-z_]+@ | __\w+__ | `.*
    | !(?:Ref|Sub|GetAtt|vault|secret|env|reference|ENV)\b.*
    | (?:vault|secret|secrets|ref\+\w+|op|ssm|sm|env|file|gcp|awssm|keyring|sops|bao)[:(](?://)?[/\w].*
    | ENC\[.* | AQICAH\S* | arn:aws[\w-]*:.* | projects/[\w-]+/secrets/.*
    | \w+://.* | (?:~|\.{1,2})?(?:/[a-z0-9_.@-]+){2,}/? | \./\S* | [A-Za-z]:\\.*
    | (?:\.{1,2}/)?[\w.-]+\.(?:pem|key|crt|cert|txt|json|ya?ml|env|conf|cfg|ini|properties|jks
      |p12|pub|md|sh|py|go)
    """,
    re.VERBOSE | re.DOTALL,
)
_CALL = re.compile(
    r"(?:await |new )?[A-Za-z_][A-Za-z_.:>-]{0,80}"
    r"(?:\([A-Za-z_.,&*$ ]*(?:\)|\Z)|\{|\[(?:[\"'\w]|\Z))"
)
_METHOD = re.compile(r"[A-Za-z_]\w{0,80}(?:\.[A-Za-z_]\w{0,80}){1,8}\([\w.,&*$ ]*(?:\)|\Z)")
_JAVA_OBJECT = re.compile(r"[\w.$]{1,200}@[0-9a-f]{1,8}")
_IDENTIFIERS = re.compile(r"&?\*?[A-Za-z_]\w*(?:(?:\.|->|::)[A-Za-z_]\w*)*")
_HOLDERS = words(
    """
    self this cls os config conf cfg settings args env environ ctx request req res options opts
    params process props var local data module values secrets spec user account creds credentials
    app flags viper input form body state object obj cmd c s p r e
    """
)
_SLUG = re.compile(r"[a-z0-9]++(?:[-_./:]++[a-z0-9]++)++")
_WORDY = re.compile(r"[a-z]{4,}|(?<![A-Za-z])[A-Z][a-z]{3,}")
_NUMBER = re.compile(r"[+-]?\d[\d_,.]*(?:[kKMGT]i?[bB]?|ms|s|m|h|d|%)?")


def is_stand_in(value: str) -> bool:
    """Whether `value` is no secret whatever its name: empty, a mask, null, a reference."""
    bare = value.strip()
    return (
        not bare
        or bare.lower() in _NOTHING
        or bool(_MASK.fullmatch(bare))
        or bool(_HAS_MASK.search(bare))
        or bool(_BRACKETED.fullmatch(bare))
        or bool(_REFERENCE.fullmatch(bare))
    )


def is_word(value: str) -> bool:
    """Whether `value` is a word that says how things are (`invalid`), or a word of prose."""
    return value.strip(".,:;!?'\")(").lower() in _STATES


def is_code(value: str) -> bool:
    """Whether `value` is a call (`get_password()`), an attribute (`config.password`) or a name."""
    if _CALL.match(value) or _METHOD.match(value) or _JAVA_OBJECT.fullmatch(value):
        return True
    if len(value) > 200 or not _IDENTIFIERS.fullmatch(value):
        return False
    parts = [part for part in re.split(r"\W+", value) if part]
    if "::" in value or (len(parts) > 1 and (parts[0] in _HOLDERS or _names_secret(parts[-1]))):
        return True
    is_compound = "_" in value.strip("_") or value.lower() != value
    return (
        len(parts) == 1
        and not any(c.isdigit() for c in value)
        and is_compound
        and _names_secret(value)
    )


def looks_random(value: str) -> bool:
    """Whether `value` is no word, number, slug or path: eight or more mixed characters."""
    if len(value) < 8 or _NUMBER.fullmatch(value) or is_stand_in(value) or is_code(value):
        return False
    if _SLUG.fullmatch(value) and _WORDY.search(value):
        return False
    has_digit = any(c.isdigit() for c in value)
    has_letter = any(c.isalpha() for c in value)
    return (has_digit and has_letter) or _is_mixed(value)


def _is_mixed(value: str) -> bool:
    """Letters alone, but in an order of capitals that no word and no camelCase name has."""
    changes = sum(a.islower() and b.isupper() for a, b in pairwise(value))
    return len(value) >= 16 and changes >= len(value) / 6


def _names_secret(name: str) -> bool:
    return kind_of_name(name) is not NameKind.NONE
