"""Takes secrets out of text before it reaches a model, a person, a log file or the audit.

Only a secret's value is replaced, by a placeholder such as `redacted-secret-3f9a1c` that is the
same wherever that value stands; user, host and key names stay. `Redactor` is what others use,
`load_key` where its key comes from. Three things tell a secret: its own form (`forms`,
`private_keys`, `cards`), the name that it is given (`names`, `assignments`,
`kubernetes_secrets`), or the place where it stands (`addresses`, `headers`, `commands`). One of
another form, without a name, in a place of its own making stays: nobody can tell it from any other
word.
"""

from tools.redaction.key import load_key
from tools.redaction.redactor import Redactor

__all__ = ["Redactor", "load_key"]
