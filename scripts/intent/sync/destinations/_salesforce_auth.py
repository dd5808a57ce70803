"""Who we are to Salesforce: the settings, and the request for a token.

Both ways need no person at a browser: the client credentials of an app, or a signed
assertion (JWT bearer) for a user that an admin has approved.
"""

import importlib
from datetime import datetime
from typing import Self
from urllib.parse import urlencode

from pydantic import SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from intent.errors import BadInputError
from intent.sync.destinations import _salesforce_answers as answers
from intent.sync.model import Request, Response
from intent.sync.secrets import Settings

JWT_SECONDS = 180
"""Salesforce Help, OAuth 2.0 JWT Bearer Flow: an assertion holds for 3 minutes."""
MY_DOMAIN = "my.salesforce.com"


class SalesforceSettings(Settings):
    """Which org, and by which app."""

    model_config = SettingsConfigDict(env_prefix="INTENT_SALESFORCE_")

    domain: str
    """The org's My Domain, such as `acme` or `acme--test.sandbox.my.salesforce.com`."""
    client_id: str
    """The consumer key of the connected app (or external client app)."""
    client_secret: SecretStr | None = None
    """Its consumer secret: the client credentials flow. This or the key is needed."""
    private_key: SecretStr | None = None
    """In its place, the private key (PEM) of the app's certificate: the JWT bearer
    flow."""
    username: str = ""
    """With the private key: the user whose rights are used."""
    url: str = ""
    """Another address than the domain's, for tests."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.client_secret is None) == (self.private_key is None):
            raise ValueError(
                "either INTENT_SALESFORCE_CLIENT_SECRET or "
                "INTENT_SALESFORCE_PRIVATE_KEY is needed"
            )
        if self.private_key is not None and not self.username:
            raise ValueError(
                "INTENT_SALESFORCE_PRIVATE_KEY needs INTENT_SALESFORCE_USERNAME, too"
            )
        return self

    @property
    def host(self) -> str:
        """The host of the org."""
        name = self.domain.removeprefix("https://").rstrip("/")
        return name if "." in name else f"{name}.{MY_DOMAIN}"

    @property
    def address(self) -> str:
        """The address that paths are appended to."""
        return self.url.rstrip("/") or f"https://{self.host}"

    @property
    def audience(self) -> str:
        """Whom an assertion is for."""
        kind = "test" if ".sandbox." in self.host else "login"
        return f"https://{kind}.salesforce.com"


def token_request(settings: SalesforceSettings, now: datetime) -> Request:
    """The request for a token.

    Raises:
        BadInputError: the private key is none, or pyjwt is not installed.
    """
    if settings.private_key is not None:
        form = {
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion": assertion(settings, settings.private_key, now),
        }
    else:
        secret = settings.client_secret
        form = {
            "grant_type": "client_credentials",
            "client_id": settings.client_id,
            "client_secret": secret.get_secret_value() if secret else "",
        }
    return Request(
        "POST",
        "/services/oauth2/token",
        content=urlencode(form).encode(),
        headers={"content-type": "application/x-www-form-urlencoded"},
        authorised=False,
    )


def assertion(settings: SalesforceSettings, key: SecretStr, now: datetime) -> str:
    """The signed assertion that the app may act for the user."""
    try:
        jwt = importlib.import_module("jwt")
    except ModuleNotFoundError as error:
        raise BadInputError(
            "INTENT_SALESFORCE_PRIVATE_KEY is set, but the package that signs with it "
            "is not installed. Install it by `pip install 'intent-scoring[jwt]'`, or "
            "use INTENT_SALESFORCE_CLIENT_SECRET."
        ) from error
    claims = {
        "iss": settings.client_id,
        "sub": settings.username,
        "aud": settings.audience,
        "exp": int(now.timestamp()) + JWT_SECONDS,
    }
    try:
        return str(jwt.encode(claims, key.get_secret_value(), algorithm="RS256"))
    except (ValueError, TypeError, jwt.PyJWTError):
        # What went wrong may quote the key.
        raise BadInputError(
            "INTENT_SALESFORCE_PRIVATE_KEY: this is not a private RSA key in PEM form, "
            "or it has a password. It begins with -----BEGIN and has no password."
        ) from None


def read_token(response: Response) -> str | None:
    """The token in an answer; None: the credentials were refused."""
    body = answers.read(response)
    if response.status == 200:
        return str(body["access_token"])
    if "rate exceeded" in str(body.get("error_description", "")):
        raise ValueError("too many logins in an hour; later it works again")
    return None if "error" in body else str(body["access_token"])
