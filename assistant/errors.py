"""The errors of the assistant.

    MidwatchError
    ├── SettingsError       a settings file, variable or flag that cannot be used
    ├── ModelError          a model that is missing, damaged or of no known name
    │   ├── PullError       a model that could not be fetched whole
    │   └── QuantizeError   a model that cannot be quantized as asked
    ├── ProviderError       an OpenAI-compatible server that refused or did not answer
    ├── SessionError        a session that does not exist, or that another process is writing
    ├── ServerError         `midwatch serve`, which cannot be reached or used
    │   ├── WireError         what came over the wire is not what was to come
    │   ├── TurnNotFound      no turn has this id
    │   ├── NotAllowed        a token that is missing, wrong, or not for this
    │   ├── UploadRefused     a file for a question that cannot be used
    │   └── ServerBusy        no more is taken at this moment
    ├── ApprovalError       an act that needs a person's agreement
    │   ├── ActionInvalid     it cannot be asked for: its name or arguments are of no usable form
    │   ├── ApprovalNotFound  no approval has this id
    │   ├── ApprovalRefused   the rules do not let this person decide, or this act take place
    │   └── ApprovalConflict  it was decided, used or out of time already
    ├── DataFolderError     a data folder that cannot be written
    └── AuditError          an audit log that cannot be written, or is not as it was left

`knowledge`, `tools` and `assistant.engine` stand alone and have trees of their own;
`assistant.problems` words all of them for a person.
"""

from __future__ import annotations


class MidwatchError(Exception):
    """Base: `message` says what is wrong, `hint` what the person can do next."""

    code = "error"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class SettingsError(MidwatchError):
    """A setting that is unknown, of the wrong form, or in a file that cannot be read."""

    code = "settings"


class ModelError(MidwatchError):
    """A model that is missing, damaged, or of no known name."""

    code = "model"


class PullError(ModelError):
    """A model that could not be fetched whole; nothing half-written was left behind."""

    code = "pull"


class QuantizeError(ModelError):
    """A model that cannot be quantized as asked; nothing half-written was left behind."""

    code = "quantize"


class ProviderError(MidwatchError):
    """An OpenAI-compatible server that refused a request or did not answer."""

    code = "provider"


class SessionError(MidwatchError):
    """A session that does not exist, or that another process is writing at this moment."""

    code = "session"


class ServerError(MidwatchError):
    """The server cannot be reached, or cannot do what it was asked for."""

    code = "server"


class WireError(ServerError):
    """What came over the wire is not what was to come."""


class TurnNotFound(ServerError):
    """No turn of this client has this id: it is unknown, or ended too long ago."""


class NotAllowed(ServerError):
    """The caller's token is missing, wrong, or not for this."""

    code = "access"


class UploadRefused(ServerError):
    """A file for a question that is too large, of no usable form, or not there any more."""

    code = "upload"


class ServerBusy(ServerError):
    """The server takes no more at this moment; the same request may succeed in a while."""

    code = "busy"


class ApprovalError(MidwatchError):
    """An act that needs a person's agreement could not be asked for, decided or performed."""

    code = "approval"


class ActionInvalid(ApprovalError):
    """An action whose name, arguments or description no approval can be bound to."""


class ApprovalNotFound(ApprovalError):
    """No approval has this id."""


class ApprovalRefused(ApprovalError):
    """The rules do not let this person decide, or this act take place; nothing was done."""


class ApprovalConflict(ApprovalError):
    """The approval is not open to this any more: it was decided, used, or its time is over."""


class DataFolderError(MidwatchError):
    """A data folder that cannot be created or written."""

    code = "data"


class AuditError(MidwatchError):
    """An audit log that cannot be written or read, or is not as it was left."""

    code = "audit"
