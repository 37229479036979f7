"""Which names are names of secrets: `DB_PASSWORD` is one, `password_file` and `next_token` are not.

A name is taken apart into its words (`spring.datasource.password`, `clientSecret`); what it ends
with decides. Whether a value that such a name has is a secret is left to `values`.
"""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache

from tools.redaction.words import words

_MAX_NAME_CHARS = 200
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

_PASSWORDS = words(
    """
    password passwords passwd passphrase passcode passwrd pwd pswd pw passwort requirepass
    masterauth dbpass userpass mypass rootpass
    """
)
# A word may be written together with what it belongs to: dbpassword, clientsecret, apikey.
_ENDINGS = words(
    """
    password passwd passphrase apikey secretkey accesskey privatekey accountkey sharedaccesskey
    clientsecret accesstoken authtoken refreshtoken sessiontoken idtoken bearertoken apitoken
    appsecret appkey masterkey encryptionkey authkey
    """
)
_TOKENS = words(
    """
    token secret pass credential credentials tokens secrets jwt passes otp
    """
)
_KEYS = words(
    """
    api secret access account private encryption signing master auth shared license app service
    hmac jwt crypto cipher aes storage subscription webhook admin deploy
    """
)
# `access_token`, and not `next_token`.
_OF_TOKENS = words(
    """
    access auth refresh session bearer id api bot app user personal client security oauth device
    deploy registration webhook push private bootstrap join login reset sas csrf xsrf secret
    github gitlab slack npm pypi vault admin service verification slackbot registry aws
    """
)
_OF_SECRETS = words(
    """
    client app api shared consumer webhook jwt signing hmac cookie session auth oauth service aws
    user bot device master token encryption db
    """
)
_HARMLESS_QUALIFIERS = words(
    """
    amz goog next page continuation sync cancellation cancel fencing resume start end max min num
    total prompt completion input output unexpected syntax current previous last first parse stop
    image pull public eos bos pad special new per cached
    """
)
# `--no-ask-password` takes none.
_DENIALS = frozenset(["no", "ask", "without", "nopasswd"])
# What may follow: DB_PASSWORD_PROD, passwordValue, token2, password_hash.
_SUFFIXES = words(
    """
    value val string str text plain plaintext base64 b64 encoded data raw prod production dev
    staging stage test qa old new prev previous current primary secondary live main default hash
    hashed digest enc encrypted sha256 sha512 md5
    """
)
# The names of session cookies and of query parameters that sign an address.
_EXACT = words(
    """
    sessid sid_token connect.sid asp.net_sessionid x-amz-signature x-goog-signature
    x-amz-security-token x-ms-token saskey accountkey sharedaccesskey sharedaccesssignature _auth
    _authtoken _password client_key_data client-key-data authorization_code rolpassword
    secret_key_base hmac_secret private-token job-token x-vault-token x-api-key
    """
)


# The parameters of an address that sign it, or that can be traded for a token.
_OF_QUERIES = words(
    """
    sig signature code hmac auth key
    """
)


class NameKind(Enum):
    """How far a name speaks for a secret behind it."""

    NONE = "none"
    HINT = "hint"  # a value that looks random is one
    SURE = "sure"  # every value is one that is not a reference, a mask or a state


@lru_cache(maxsize=4096)
def kind_of_name(name: str) -> NameKind:
    """What `name` (`DB_PASSWORD`, `--api-key`, `spring.datasource.password`) says of its value."""
    bare = name.strip("-_. ").lower()
    if len(name) > _MAX_NAME_CHARS:
        name = name[-_MAX_NAME_CHARS:]
    if bare in _EXACT or name.lower() in _EXACT:
        return NameKind.SURE
    words = [word.lower() for word in _WORDS.findall(name)]
    while len(words) > 1 and (words[-1] in _SUFFIXES or words[-1].isdigit()):
        words.pop()
    return _kind_of_words(words)


def kind_in_query(name: str) -> NameKind:
    """What the name of a parameter in an address says of its value."""
    kind = kind_of_name(name)
    is_hint = kind is NameKind.NONE and name.lower() in _OF_QUERIES
    return NameKind.HINT if is_hint else kind


def _kind_of_words(words: list[str]) -> NameKind:
    last = words[-1] if words else ""
    if not _DENIALS.isdisjoint(words):
        return NameKind.NONE
    before = words[-2] if len(words) > 1 else ""
    if last in _PASSWORDS or last.endswith(tuple(_ENDINGS)):
        return NameKind.SURE
    if last == "key":
        return NameKind.SURE if before in _KEYS or before == "token" else NameKind.NONE
    if last == "credential" and not before:
        return NameKind.NONE
    if last not in _TOKENS or before in _HARMLESS_QUALIFIERS:
        return NameKind.NONE
    if last in ("token", "jwt") and before in _OF_TOKENS:
        return NameKind.SURE
    if last in ("secret", "secrets") and before in _OF_SECRETS:
        return NameKind.SURE
    return NameKind.SURE if last == "pass" and before else NameKind.HINT
