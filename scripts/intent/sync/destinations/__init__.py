"""The destinations: a module each, by the name that a sync's YAML uses."""

import importlib
import pkgutil
from collections.abc import Sequence
from typing import Any

from intent.errors import BadInputError
from intent.sync.adapter import Adapter


def destination_names() -> Sequence[str]:
    """The names that a sync may give as its destination."""
    return sorted(
        module.name
        for module in pkgutil.iter_modules(__path__)
        if not module.name.startswith("_")
    )


def find_adapter(name: str) -> type[Adapter[Any]]:
    """The adapter of a destination: its module's `ADAPTER`.

    Raises:
        BadInputError: there is no such destination.
    """
    if name not in destination_names():
        raise BadInputError(
            f"There is no destination {name}. There are: "
            f"{', '.join(destination_names())}."
        )
    module = importlib.import_module(f"{__name__}.{name}")
    adapter: type[Adapter[Any]] = module.ADAPTER
    return adapter
