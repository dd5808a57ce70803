"""What the project's vars say of guards."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from intent.errors import BadInputError
from intent.settings import PROJECT_MARKER, Places
from intent.yaml_files import faults_of, read_yaml

Part = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Guards(BaseModel):
    """From what on a publish stops until it is allowed; null: never."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    moved: Part | None = 0.1
    """More than this share of the contacts change their segment."""
    worse: Part | None = 0.01
    """ROC AUC over past midnights falls by more than this."""


class PublishVars(BaseModel):
    """The vars of the project that are about publishing."""

    intent_publish_guards: Guards = Guards()


class Project(BaseModel):
    """A dbt project file, of which only the vars are looked at."""

    vars: PublishVars = PublishVars()


def read_guards(places: Places) -> Guards:
    """Read the guards of the project.

    Raises:
        BadInputError: they can't be used.
    """
    file = places.project / PROJECT_MARKER
    document = read_yaml(file.read_text(encoding="utf-8"), PROJECT_MARKER, Project)
    told: dict[Any, Any] = {"vars": document.content.get("vars") or {}}
    try:
        return Project.model_validate(told).vars.intent_publish_guards
    except ValidationError as error:
        faults = "\n".join(f"- {each}" for each in faults_of(error, document, Project))
        raise BadInputError(
            f"the vars in {PROJECT_MARKER} can not be used:\n{faults}"
        ) from error
