"""Servers that stand in for destinations, written from their documentation."""

import importlib
import pkgutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from standins.case import Case


def find_cases() -> "list[Case]":
    """The cases of all stand-ins: what their modules have in `CASES`."""
    modules = [
        importlib.import_module(f"{__name__}.{module.name}")
        for module in pkgutil.iter_modules(__path__)
    ]
    return [case for module in modules for case in getattr(module, "CASES", ())]
