"""Servers that stand in for destinations, written from their documentation."""

import importlib
import pkgutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from standins.case import Case, Trait


def find_cases(*traits: "Trait") -> "list[Case]":
    """The cases of all stand-ins that have some traits.

    They are what the modules of stand-ins have in `CASES`.
    """
    return [case for cases in _by_module() for case in cases if case.has(*traits)]


def find_usual(*traits: "Trait") -> "list[Case]":
    """For each destination the first of its cases that has some traits."""
    found = [[case for case in cases if case.has(*traits)] for cases in _by_module()]
    return [cases[0] for cases in found if cases]


def find_case(name: str) -> "Case":
    """The case of a name."""
    [found] = [case for case in find_cases() if case.name == name]
    return found


def _by_module() -> "list[tuple[Case, ...]]":
    modules = [
        importlib.import_module(f"{__name__}.{module.name}")
        for module in pkgutil.iter_modules(__path__)
    ]
    return [module.CASES for module in modules if hasattr(module, "CASES")]
