"""The incidents, by name."""

from __future__ import annotations

import importlib
import pkgutil

from benchmarks.incidents.incident import Incident

INCIDENTS: dict[str, Incident] = {
    incident.name: incident
    for module in pkgutil.iter_modules(__path__)
    for incident in importlib.import_module(f"{__name__}.{module.name}").INCIDENTS
}
