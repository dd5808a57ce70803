"""What an evaluation came to, for all who print, draw or judge it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from enum import StrEnum
from statistics import mean, stdev
from typing import Any

UNDECAYED = "undecayed"
"""The baseline that a sheet must not be worse than."""
MEASURES = (
    "roc_auc",
    "pr_auc",
    "top_decile_lift",
    "share_caught_hot",
    "share_caught_hot_or_warm",
)
"""What a scorer is measured by at each midnight."""


@dataclass(frozen=True)
class Estimate:
    """A number with its 95% interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Share:
    """So many of so many, with the 95% interval of the share."""

    hits: int
    of: int
    low: float
    high: float

    @property
    def rate(self) -> float:
        """The share itself; 0 of nothing."""
        return self.hits / self.of if self.of else 0.0


@dataclass(frozen=True)
class Target:
    """What is to be foretold, of whom: the project's vars."""

    activities: Sequence[str]
    active_days: int | None
    """Contacts who did something in so many days before; None: all that are known."""


@dataclass(frozen=True)
class MidnightQuality:
    """How well a scorer did at one midnight: a row of `score_quality`."""

    as_of: date
    contacts: int
    conversions: int
    base_rate: float
    roc_auc: float | None
    pr_auc: float | None
    top_decile_lift: float | None
    share_caught_hot: float | None
    share_caught_hot_or_warm: float | None
    has_enough: bool


@dataclass(frozen=True)
class Decile:
    """A tenth of the contacts by a scorer, the highest scores first."""

    decile: int
    contacts: int
    conversions: int
    lift: float
    cumulative_share: float


@dataclass(frozen=True)
class Scorer:
    """A sheet or baseline, over all midnights."""

    name: str
    kind: str
    status: str
    """Of a sheet: active or draft. Of a baseline: baseline."""
    midnights: Sequence[MidnightQuality]
    deciles: Sequence[Decile]
    roc_auc: Estimate | None
    """The mean over midnights."""
    beside_undecayed: Estimate | None
    """Its mean ROC AUC minus that of the undecayed baseline."""

    @property
    def is_sheet(self) -> bool:
        """A sheet has bands; a baseline is there to be compared with."""
        return self.kind == "sheet"

    def values(self, measure: str) -> list[float]:
        """A measure at each midnight that has it."""
        found = (getattr(each, measure) for each in self.midnights)
        return [value for value in found if value is not None]

    def mean(self, measure: str) -> float | None:
        """A measure's mean over the midnights that have it."""
        values = self.values(measure)
        return mean(values) if values else None

    def spread(self, measure: str) -> float | None:
        """Its standard deviation over the midnights; None of fewer than two."""
        values = self.values(measure)
        return stdev(values) if len(values) > 1 else None


@dataclass(frozen=True)
class Band:
    """What contacts of a band of a sheet did, over all midnights."""

    band: str
    rank: int
    conversion: Share


@dataclass(frozen=True)
class Bin:
    """Contacts with about the same score: what they did, and what was to be expected.

    What is expected is what such contacts had done before; so the first midnight has
    none, and is left out.
    """

    mean_score: float
    conversion: Share
    expected_rate: float


@dataclass(frozen=True)
class Drift:
    """How far a distribution moved between two midnights: a row of `score_drift`."""

    as_of: date
    previous_as_of: date
    subject: str
    kind: str
    psi: float | None
    ks: float | None


@dataclass(frozen=True)
class HeldOut:
    """Those of a band who were held out, beside the others."""

    band: str
    held_out: Share
    others: Share
    effect: Estimate
    """The others' conversion minus that of those held out: what acting did."""


@dataclass(frozen=True)
class Sheet:
    """What is told of sheets only."""

    score_model: str
    bands: Sequence[Band]
    bins: Sequence[Bin]
    held_out: Sequence[HeldOut]
    """By band, then all together; empty if nobody is held out."""


class State(StrEnum):
    """What the gate says."""

    PASSED = "passed"
    FAILED = "failed"
    ABSTAINED = "abstained"


@dataclass(frozen=True)
class Check:
    """One thing that the gate asks of a sheet."""

    sheet: str
    check: str
    passed: bool
    says: str


@dataclass(frozen=True)
class Verdict:
    """What the gate says, and why."""

    state: State
    checks: Sequence[Check] = ()
    reason: str = ""
    """Why it abstains."""

    @property
    def failures(self) -> Sequence[Check]:
        """The checks that were not passed."""
        return [each for each in self.checks if not each.passed]


@dataclass(frozen=True)
class Horizon:
    """How the shown sheet did within another number of days."""

    days: int
    base_rate: float
    roc_auc: float | None
    top_decile_lift: float | None


@dataclass(frozen=True)
class Evaluation:
    """How well scores at past midnights foretold what contacts did after them."""

    target: Target
    sheet: str
    """The sheet that is shown first."""
    horizon_days: int
    midnights: Sequence[date]
    contacts: int
    """Different ones, over all midnights."""
    contacts_with: int
    """Those who did it after at least one midnight."""
    contacts_without: int
    """Those who did not after at least one."""
    scorers: Sequence[Scorer]
    sheets: Sequence[Sheet]
    drift: Sequence[Drift]
    horizons: Sequence[Horizon]
    verdict: Verdict = field(default=Verdict(State.ABSTAINED))

    def scorer(self, name: str) -> Scorer:
        """The scorer of a name."""
        return next(each for each in self.scorers if each.name == name)

    @property
    def shown(self) -> Sheet:
        """What is told of the sheet that is shown first."""
        return next(each for each in self.sheets if each.score_model == self.sheet)

    def as_json(self) -> dict[str, Any]:
        """The same for machines."""
        content = asdict(self)
        for scorer, told in zip(self.scorers, content["scorers"], strict=True):
            told["mean"] = {name: scorer.mean(name) for name in MEASURES}
            told["spread"] = {name: scorer.spread(name) for name in MEASURES}
        return {"gate": content.pop("verdict"), **content}
