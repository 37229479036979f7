"""The errors of the assistant.

    MidwatchError
    ├── SettingsError       a settings file, variable or flag that cannot be used
    ├── ModelError          a model that is missing, damaged or of no known name
    │   ├── PullError       a model that could not be fetched whole
    │   └── QuantizeError   a model that cannot be quantized as asked
    ├── ProviderError       an OpenAI-compatible server that refused or did not answer
    ├── SessionError        a session that does not exist, or that another process is writing
    └── DataFolderError     a data folder that cannot be written

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


class DataFolderError(MidwatchError):
    """A data folder that cannot be created or written."""

    code = "data"
