"""Change logs: sources whose name says that they record what people and tools changed."""

from __future__ import annotations

import re

from tools.logs.signs.upstream import service_of

# At the end of a name: `web-deployment-79f4` is what was deployed.
_NAMES = re.compile(
    r"(?:^|[-_.])(?:deploys?|deployer|roll-?outs?|releases?|rotations?|migrations?|changes?"
    r"|change-?log|ansible|terraform|puppet|chef|argo-?cd|flux|helm|jenkins)$|^deployments?$",
    re.IGNORECASE,
)


def is_change_log(source: str) -> bool:
    """Whether each record of `source` tells of a change, whatever its words."""
    return _NAMES.search(service_of(source)) is not None
