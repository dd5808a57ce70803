"""Conditions on what is known of a contact: the seeds audiences and fit_rules."""

from collections.abc import Mapping
from dataclasses import dataclass

Attributes = Mapping[str, str | float]
"""What is known of a contact: texts in small letters, numbers as numbers."""


@dataclass(frozen=True)
class Condition:
    """Asks something of one attribute."""

    attribute: str
    operator: str
    value: str
    softness: float = 0.0

    def share(self, attributes: Attributes) -> float:
        """Return how well it is met, from 0 to 1; by what is not known, not at all."""
        known = attributes.get(self.attribute)
        if known is None:
            return 0.0
        if isinstance(known, str):
            return float(self._is_met_by(known))
        return max(self._share(known, low, high) for low, high in self._ranges())

    def _is_met_by(self, known: str) -> bool:
        wanted = _parts(self.value)
        if self.operator == "contains":
            return any(each in known for each in wanted)
        return not set(wanted).isdisjoint(known.split(";"))

    def _ranges(self) -> list[tuple[float, float]]:
        if self.operator == "between":
            low, high = self.value.split(" to ")
            return [(float(low), float(high))]
        numbers = [float(each) for each in _parts(self.value)]
        if self.operator == "at_least":
            return [(numbers[0], float("inf"))]
        if self.operator == "at_most":
            return [(float("-inf"), numbers[0])]
        return [(each, each) for each in numbers]

    def _share(self, number: float, low: float, high: float) -> float:
        return soft_share(max(low - number, number - high, 0.0), self.softness)


def soft_share(distance: float, softness: float) -> float:
    """Return what is left of a rule's points at a distance from its range."""
    if distance <= 0:
        return 1.0
    return max(0.0, 1 - distance / softness) if softness else 0.0


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.lower().split(";") if part.strip()]
