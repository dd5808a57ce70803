"""What the project's vars say of evaluations."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from intent.errors import BadInputError
from intent.evaluate.model import Target
from intent.settings import PROJECT_MARKER
from intent.yaml_files import faults_of, read_yaml

Part = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Days = Annotated[int, Field(ge=1)]


class Strict(BaseModel):
    """Keys that are not known are faults."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Floors(Strict):
    """Under what the gate fails a sheet; null: not asked for."""

    roc_auc: Part | None = None
    pr_auc: Part | None = None
    top_decile_lift: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    share_caught_hot: Part | None = None
    share_caught_hot_or_warm: Part | None = None
    worse_by: Part = 0.0
    """By how much a sheet's ROC AUC may be less than that of the undecayed baseline."""

    def measures(self) -> Mapping[str, float]:
        """The floors that are set, by measure."""
        floors = self.model_dump(exclude={"worse_by"})
        return {name: floor for name, floor in floors.items() if floor is not None}


class Wanted(Strict):
    """What contacts are to be found doing, and within how many days."""

    activities: Annotated[tuple[str, ...], Field(min_length=1)] = ("purchase",)
    days: Annotated[tuple[Days, ...], Field(min_length=1)] = (7, 14, 28)


class EvaluationVars(BaseModel):
    """The vars of the project that are about evaluations."""

    model_config = ConfigDict(frozen=True)

    intent_gate: Floors = Floors()
    intent_target: Wanted = Wanted()
    intent_evaluation_active_days: Days | None = 90

    @property
    def target(self) -> Target:
        """What is to be foretold, of whom."""
        return Target(self.intent_target.activities, self.intent_evaluation_active_days)


class Project(BaseModel):
    """A dbt project file, of which only the vars are looked at."""

    vars: EvaluationVars = EvaluationVars()


def read_vars(project: Path) -> EvaluationVars:
    """Read the vars of the project.

    Raises:
        BadInputError: they can't be used.
    """
    file = project / PROJECT_MARKER
    document = read_yaml(file.read_text(encoding="utf-8"), PROJECT_MARKER, Project)
    told: dict[Any, Any] = {"vars": document.content.get("vars") or {}}
    try:
        return Project.model_validate(told).vars
    except ValidationError as error:
        faults = "\n".join(f"- {each}" for each in faults_of(error, document, Project))
        raise BadInputError(
            f"the vars in {PROJECT_MARKER} can not be used:\n{faults}"
        ) from error
