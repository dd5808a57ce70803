"""Where addresses and secrets come from, and that nobody is told a secret."""

import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from intent.errors import BadInputError
from intent.sync.secrets import Settings, read_settings, setting_states
from keyring.backend import KeyringBackend
from keyring.errors import InitError, NoKeyringError
from pydantic import SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

TOKEN = "INTENT_TOY_TOKEN"
CANARY = "canary-1f2e3d"


class ToySettings(Settings):
    model_config = SettingsConfigDict(env_prefix="INTENT_TOY_")

    token: SecretStr
    """A token."""
    url: str = "https://api.toy.test"
    port: int = 443

    @field_validator("url")
    @classmethod
    def _encrypted(cls, value: str) -> str:
        if not value.startswith("https://"):
            raise ValueError("it must begin with https://")
        return value


class Fake(KeyringBackend):
    """A keyring in memory, that tells what it was asked for."""

    priority = 1

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], str] = {}
        self.asked: list[str] = []
        self.fault: Exception | None = None

    def get_password(self, service: str, username: str) -> str | None:
        self.asked.append(username)
        if self.fault:
            raise self.fault
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.held[service, username] = password


@pytest.fixture(autouse=True)
def ring() -> Iterator[Fake]:
    before = keyring.get_keyring()
    fake = Fake()
    keyring.set_keyring(fake)
    yield fake
    keyring.set_keyring(before)


def token() -> str:
    return read_settings(ToySettings).token.get_secret_value()


def test_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN, CANARY)
    monkeypatch.setenv("INTENT_TOY_PORT", "8443")

    settings = read_settings(ToySettings)

    assert settings.token.get_secret_value() == CANARY
    assert settings.port == 8443
    assert CANARY not in f"{settings} {settings!r} {settings.model_dump_json()}"


def test_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f" {CANARY}\n")
    monkeypatch.setenv(f"{TOKEN}_FILE", str(file))

    assert token() == CANARY


def test_the_keyring() -> None:
    keyring.set_password("intent_scoring", TOKEN, CANARY)

    assert token() == CANARY


def test_their_order(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ring: Fake
) -> None:
    keyring.set_password("intent_scoring", TOKEN, "from the keyring")
    file = tmp_path / "token"
    file.write_text("from a file")
    monkeypatch.setenv(f"{TOKEN}_FILE", str(file))
    assert token() == "from a file"

    monkeypatch.setenv(TOKEN, "from the environment")
    assert token() == "from the environment"
    assert TOKEN not in ring.asked, "asked without need: it may open a dialog"


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN, "")
    keyring.set_password("intent_scoring", TOKEN, CANARY)

    assert token() == CANARY


def test_a_missing_one_is_named() -> None:
    with pytest.raises(BadInputError, match=f"{TOKEN}: is missing"):
        token()


def test_a_wrong_one_is_named_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN, CANARY)
    monkeypatch.setenv("INTENT_TOY_URL", CANARY)
    monkeypatch.setenv("INTENT_TOY_PORT", CANARY)

    with pytest.raises(BadInputError) as told:
        read_settings(ToySettings)

    assert "INTENT_TOY_URL: it must begin with https://" in str(told.value)
    assert "INTENT_TOY_PORT" in str(told.value)
    assert CANARY not in str(told.value)
    assert told.value.__suppress_context__


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff\xfe\xff"])
def test_a_file_without_a_secret(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / CANARY
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setenv(f"{TOKEN}_FILE", str(file))

    with pytest.raises(BadInputError, match=f"{TOKEN}_FILE") as told:
        token()

    assert CANARY not in str(told.value)
    assert told.value.__context__ is None


@pytest.mark.parametrize("fault", [NoKeyringError(), InitError(), OSError("no bus")])
def test_a_keyring_that_can_not_be_opened(ring: Fake, fault: Exception) -> None:
    ring.fault = fault

    with pytest.raises(BadInputError, match="is missing"):
        token()


def test_no_keyring_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)

    with pytest.raises(BadInputError, match="is missing"):
        token()


def test_where_settings_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    keyring.set_password("intent_scoring", TOKEN, CANARY)
    monkeypatch.setenv("INTENT_TOY_URL_FILE", str(tmp_path / "url"))
    monkeypatch.setenv("INTENT_TOY_PORT", "1")

    states = {state.variable: state for state in setting_states(ToySettings)}

    found = {variable: state.found for variable, state in states.items()}
    assert found == {
        TOKEN: "keyring",
        "INTENT_TOY_URL": "file",
        "INTENT_TOY_PORT": "environment",
    }
    assert states[TOKEN].is_secret
    assert states[TOKEN].is_required
    assert states[TOKEN].description == "A token."
    assert CANARY not in str(states)
