"""Addresses and secrets of destinations: never from a file of the project.

A setting such as `INTENT_HUBSPOT_TOKEN` is looked up, in this order, in the
environment, in the file that `INTENT_HUBSPOT_TOKEN_FILE` names (as container platforms
mount secrets), and in the keyring of the system, where the package `keyring` is
installed: service `intent_scoring`, user `INTENT_HUBSPOT_TOKEN`.
"""

import importlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from intent.errors import BadInputError
from intent.sync.results import SettingState

KEYRING_SERVICE = "intent_scoring"
SettingsT = TypeVar("SettingsT", bound="Settings")


class Settings(BaseSettings):
    """The settings of a destination; each subclass names its `env_prefix`.

    Secrets are `SecretStr`, so that printing them shows stars. The docstrings of the
    attributes are what `intent sync setup` says of them.
    """

    model_config = SettingsConfigDict(
        extra="ignore",
        env_ignore_empty=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Look in the environment, in files that it names, and in the keyring."""
        del dotenv_settings, file_secret_settings
        return (
            init_settings,
            env_settings,
            _NamedFiles(settings_cls),
            _Keyring(settings_cls),
        )


class _Source(PydanticBaseSettingsSource):
    """Where settings may come from that were not found before, one by one."""

    def get_field_value(
        self, field: FieldInfo, field_name: str
    ) -> tuple[Any, str, bool]:
        del field
        variable = f"{self.config['env_prefix']}{field_name}".upper()
        return self.find(variable), field_name, False

    def find(self, variable: str) -> str | None:
        raise NotImplementedError

    def __call__(self) -> dict[str, Any]:
        found = {
            name: self.get_field_value(field, name)[0]
            for name, field in self.settings_cls.model_fields.items()
            if name not in self.current_state
        }
        return {name: value for name, value in found.items() if value is not None}


class _NamedFiles(_Source):
    def find(self, variable: str) -> str | None:
        named = f"{variable}_FILE"
        if not (path := os.environ.get(named)):
            return None
        try:
            found = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, ValueError):
            found = ""
        if not found:
            raise BadInputError(
                f"{named}: the file it names can't be read, or is empty. Set it to a "
                "text file that holds nothing but the value."
            )
        return found


class _Keyring(_Source):
    def find(self, variable: str) -> str | None:
        try:
            keyring = importlib.import_module("keyring")
        except ModuleNotFoundError:
            return None
        try:
            found: str | None = keyring.get_password(KEYRING_SERVICE, variable)
        except Exception:  # there are many, and each raises errors of its own
            return None
        return found or None


def read_settings(kind: type[SettingsT]) -> SettingsT:
    """The settings of a destination.

    Raises:
        BadInputError: one is missing or wrong; it names the variable, not its value.
    """
    prefix = kind.model_config.get("env_prefix", "")
    try:
        return kind()
    except ValidationError as error:
        faults = []
        for fault in error.errors(include_input=False, include_context=False):
            variable = f"{prefix}{'_'.join(map(str, fault['loc']))}".upper()
            message = fault["msg"].removeprefix("Value error, ").removeprefix("Input ")
            wrong = "is missing" if fault["type"] == "missing" else message
            # A fault of several names them itself.
            faults.append(f"- {variable}: {wrong}" if fault["loc"] else f"- {wrong}")
        raise BadInputError(
            "\n".join(
                [
                    "the settings of the destination can not be used:",
                    *faults,
                    "Set them in the environment, or name a file that holds one by the "
                    "variable with _FILE at its end.",
                ]
            )
        ) from None


def blank_settings(kind: type[SettingsT]) -> SettingsT:
    """The settings, or, if they can't be used, blanks in place of those required.

    Enough to plan and to say what is to be set up, not to send.
    """
    try:
        return kind()
    except (ValidationError, BadInputError):
        blanks: dict[str, Any] = {
            name: SecretStr("") if _is_secret(field) else ""
            for name, field in kind.model_fields.items()
            if field.is_required()
        }
        return kind.model_construct(**blanks)


def setting_states(kind: type[Settings]) -> Sequence[SettingState]:
    """The settings of a destination, and where each is set; no values."""
    prefix = kind.model_config.get("env_prefix", "")
    return [
        SettingState(
            variable=(variable := f"{prefix}{name}".upper()),
            description=" ".join((field.description or "").split()),
            is_required=field.is_required(),
            is_secret=_is_secret(field),
            found=_where_set(kind, variable),
        )
        for name, field in kind.model_fields.items()
    ]


def _is_secret(field: FieldInfo) -> bool:
    kinds = (field.annotation, *get_args(field.annotation))
    return SecretStr in kinds


def _where_set(kind: type[Settings], variable: str) -> str:
    """Where a setting would be taken from; '' if it is set nowhere."""
    if os.environ.get(variable):
        return "environment"
    if os.environ.get(f"{variable}_FILE"):
        return "file"
    return "keyring" if _Keyring(kind).find(variable) else ""
