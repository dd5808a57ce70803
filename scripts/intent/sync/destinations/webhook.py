"""A signed webhook to an address of the shop's own, by Standard Webhooks 1.0.0.

https://github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import urlsplit

import orjson
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from intent.sync.adapter import Adapter
from intent.sync.model import (
    ACKNOWLEDGED,
    Advice,
    Limits,
    Outcome,
    Part,
    RemoteField,
    Request,
    Response,
    Row,
    State,
    Verdict,
    Window,
)
from intent.sync.options import Options, read_options
from intent.sync.secrets import Settings
from intent.sync.spec import Mode, Sync

SECRET_PREFIX = "whsec_"  # noqa: S105
SECRET_BYTES = range(24, 65)
TYPE = "contact_intent.changed"
CHECK_TYPE = "contact_intent.check"
CONTENT_TYPES = {"json": "application/json", "ndjson": "application/x-ndjson"}
ROW_REFUSED = (400, 409, 413, 422)
NOT_A_RECEIVER = (404, 405, 410)


class WebhookSettings(Settings):
    """Where the receiver is, and what requests are signed with."""

    model_config = SettingsConfigDict(env_prefix="INTENT_WEBHOOK_")

    # Secret, as the addresses of receivers often hold a token.
    url: SecretStr
    """The receiver's address."""
    secret: SecretStr
    """What requests are signed with: whsec_ and 24 to 64 bytes in Base64."""
    old_secret: SecretStr | None = None
    """While the secret is being changed: requests are signed with either."""

    @field_validator("url")
    @classmethod
    def _is_address(cls, value: SecretStr) -> SecretStr:
        url = urlsplit(value.get_secret_value())
        if url.scheme not in ("http", "https") or not url.hostname:
            raise ValueError("this is no address such as https://shop.example/hook")
        if url.username or url.password or url.fragment:
            raise ValueError("an address with a name, a password or # is not used")
        return value

    @field_validator("secret", "old_secret")
    @classmethod
    def _is_secret(cls, value: SecretStr | None) -> SecretStr | None:
        if value and len(key_of(value)) not in SECRET_BYTES:
            raise ValueError(
                "this is no secret as Standard Webhooks has it: whsec_ and 24 to 64 "
                "bytes in Base64; `echo whsec_$(openssl rand -base64 32)` makes one"
            )
        return value


class WebhookOptions(Options):
    """What a sync to a webhook may choose."""

    format: Literal["json", "ndjson"] = "json"
    """One JSON document, or a line for each row."""
    rows: int = Field(default=100, ge=1, le=10_000)
    """Rows in a request, at most."""
    bytes: int = Field(default=1_000_000, ge=1_000, le=50_000_000)
    """Bytes in a request, at most."""
    requests_a_second: float = Field(default=10.0, gt=0, le=1_000)


class Webhook(Adapter[WebhookSettings]):
    """An address of the shop's own, for one sync."""

    name = "webhook"
    settings = WebhookSettings
    hosts = ("*",)
    """There is one address, from the environment, and redirects are not followed."""
    native_modes = frozenset({Mode.UPSERT, Mode.MIRROR})
    native_leave = True
    """The receiver is told that it must not create anything then."""

    def __init__(
        self, sync: Sync, settings: WebhookSettings, planned_at: datetime
    ) -> None:
        """Make the adapter of one run of a sync.

        Raises:
            BadInputError: an option is wrong.
        """
        super().__init__(sync, settings, planned_at)
        self.options = read_options(sync, WebhookOptions)
        self._url = urlsplit(settings.url.get_secret_value())
        secrets = (settings.secret, settings.old_secret)
        self._keys = [key_of(secret) for secret in secrets if secret]
        self._planned = planned_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        rate = self.options.requests_a_second
        self._limits = Limits(
            rows=min(self.options.rows, sync.rows_at_once or self.options.rows),
            size=self.options.bytes,
            row_size=self.options.bytes - len(self._framed(())),
            windows={"write": (Window.of_rate(rate),)},
            concurrent=4,
        )

    @property
    def address(self) -> str:
        """The host of the receiver."""
        return f"{self._url.scheme}://{self._url.netloc}"

    @property
    def _path(self) -> str:
        query = f"?{self._url.query}" if self._url.query else ""
        return f"{self._url.path or '/'}{query}"

    @property
    def limits(self) -> Limits:
        """What the sync's options say; only the receiver knows what it bears."""
        return self._limits

    def authorise(
        self, request: Request, token: str | None, now: datetime
    ) -> Mapping[str, str]:
        """The moment of this attempt, and a signature by each secret."""
        del token
        timestamp = str(int(now.timestamp()))
        message_id = request.headers["webhook-id"]
        signed = b"%b.%b.%b" % (
            message_id.encode(),
            timestamp.encode(),
            request.content,
        )
        return {
            "webhook-timestamp": timestamp,
            "webhook-signature": " ".join(
                f"v1,{signature(key, signed)}" for key in self._keys
            ),
        }

    # Writing -----------------------------------------------------------------------

    def pack(self, rows: Iterable[Row]) -> Iterator[Part]:
        """So many rows, or bytes."""
        empty = len(self._framed(()))
        gathered: list[Row] = []
        items: list[bytes] = []
        size = empty
        for row in rows:
            item = self._encode(row)
            is_full = len(gathered) >= self._limits.rows
            if gathered and (is_full or size + len(item) > self._limits.size):
                yield Part(gathered, content=self._framed(items))
                gathered, items, size = [], [], empty
            gathered.append(row)
            items.append(item)
            size += len(item) + 1  # and a comma, or the end of a line
        if gathered:
            yield Part(gathered, content=self._framed(items))

    def refuse(self, row: Row) -> str | None:
        """Rows that are larger than a request."""
        if len(self._encode(row)) > (self._limits.row_size or 0):
            return f"the row is more than `options: {{bytes: {self._limits.size}}}`"
        return None

    def request(self, part: Part) -> Request:
        """Rows as JSON, with an id that is the same however often they are sent."""
        content = part.content or self._framed(map(self._encode, part.rows))
        return self._signed_later(content, len(part.rows))

    def classify(self, part: Part, response: Response) -> Verdict:
        """All are acknowledged by a status of 2xx, but for those that it rejects."""
        status = response.status
        if trouble := trouble_of(response):
            return trouble
        if 200 <= status < 300:
            return Verdict(self._accepted(part, rejected_in(response)))
        if status in ROW_REFUSED:
            if len(part.rows) > 1:
                return Verdict(advice=Advice.SPLIT)
            refusal = Outcome(State.REJECTED, f"HTTP_{status}", message=words(response))
            return Verdict({part.rows[0].seq: refusal})
        raise ValueError(f"the status {status} means nothing here")

    def _accepted(
        self, part: Part, rejected: Sequence[Mapping[str, Any]]
    ) -> Mapping[int, Outcome]:
        """How each row ended.

        Raises:
            ValueError: a row is rejected that was not sent.
        """
        outcomes = {row.seq: ACKNOWLEDGED for row in part.rows}
        if not rejected:
            return outcomes
        seqs = {self._event_id(row): row.seq for row in part.rows}
        for one in rejected:
            seq = seqs.get(str(one.get("event_id")))
            if seq is None:
                raise ValueError("a row is rejected that was not sent")
            outcomes[seq] = Outcome(
                State.REJECTED,
                str(one.get("code") or "REJECTED"),
                str(one.get("field") or ""),
                str(one.get("message") or ""),
            )
        return outcomes

    def _signed_later(self, content: bytes, rows: int) -> Request:
        """A request whose id is made of its content, which tells run and rows apart."""
        digest = hashlib.sha256(b"%b.%b" % (self.sync.name.encode(), content))
        message_id = f"msg_{digest.hexdigest()[:32]}"
        headers = {
            "content-type": CONTENT_TYPES[self.options.format],
            "webhook-id": message_id,
            "idempotency-key": message_id,
        }
        return Request("POST", self._path, content, headers, units=rows)

    def _framed(self, items: Iterable[bytes], kind: str = TYPE) -> bytes:
        """The body that holds encoded rows."""
        if self.options.format == "ndjson":
            return b"".join(b"%b\n" % item for item in items)
        opening = orjson.dumps(
            {"type": kind, "timestamp": self._planned, "data": {"sync": self.sync.name}}
        )
        return b'%b,"rows":[%b]}}' % (opening[:-2], b",".join(items))

    def _encode(self, row: Row) -> bytes:
        """A row as JSON."""
        return orjson.dumps(
            {
                "event_id": self._event_id(row),
                "op": row.op,
                "key": row.key,
                "timestamp": self._planned,
                "values": row.values,
            }
        )

    def _event_id(self, row: Row) -> str:
        """The id of a row: an event's own; of a write, of what is written, and when.

        Values are part of it, as two runs may have one moment if the ledger was lost.
        """
        if row.event_id:
            return row.event_id
        name = f"{self.sync.name}|{self._planned}|{row.op}|{row.key}|".encode()
        values = orjson.dumps(row.values, option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(name + values).hexdigest()[:32]

    # Reading -----------------------------------------------------------------------

    def describe_requests(self) -> Sequence[Request]:
        """A signed request without rows."""
        return [self._signed_later(self._framed((), CHECK_TYPE), 0)]

    def refuses(self, response: Response) -> Verdict | None:
        """The signature is no good, nobody is there, or it is a passing failure."""
        return trouble_of(response)

    def read_fields(
        self, responses: Sequence[Response]
    ) -> Mapping[str, RemoteField] | None:
        """None: the receiver takes what it wants.

        Raises:
            ValueError: it does not take signed requests.
        """
        for response in responses:
            if not response.is_fine:
                raise ValueError(
                    "the receiver answers a signed request without rows with the status"
                    f" {response.status}"
                )
        return None

    # Set-up ------------------------------------------------------------------------

    def setup(self) -> Sequence[str]:
        """The address and the secret."""
        return [
            "Make a secret: `echo whsec_$(openssl rand -base64 32)`. Set it as "
            "INTENT_WEBHOOK_SECRET here, and give it to the receiver.",
            "Set INTENT_WEBHOOK_URL to the address of the receiver, over https.",
            "The receiver verifies the signature, and takes each event_id once: "
            "docs/destinations/webhook.md has the code.",
            "It is told these fields: "
            + ", ".join(
                f"{name} ({rule.type})" for name, rule in self.sync.fields.items()
            )
            + ".",
        ]


def key_of(secret: SecretStr) -> bytes:
    """The bytes that a secret stands for; none if it is no secret."""
    text = secret.get_secret_value()
    if not text.startswith(SECRET_PREFIX):
        return b""
    try:
        return base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return b""


def signature(key: bytes, signed: bytes) -> str:
    """HMAC-SHA256 in Base64."""
    return base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def trouble_of(response: Response) -> Verdict | None:
    """What answers mean that are not about rows."""
    status = response.status
    if status in (401, 403):
        return Verdict(
            advice=Advice.REFUSED,
            message="The receiver refuses the signature. Are INTENT_WEBHOOK_SECRET and "
            "its own secret the same, and is the clock right?",
        )
    if status in NOT_A_RECEIVER:
        return Verdict(
            advice=Advice.REFUSED,
            message=f"At INTENT_WEBHOOK_URL nobody takes webhooks (status {status}).",
        )
    if status in (408, 425, 429) or status >= 500:
        return Verdict(advice=Advice.RESEND)
    return None


def rejected_in(response: Response) -> Sequence[Mapping[str, Any]]:
    """The rows that a receiver rejects, though it took the request.

    Any text will do as an answer, but a web page is none of a receiver.

    Raises:
        ValueError: the answer is damaged, or a page.
    """
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "text/html":
        raise ValueError("a web page")
    if kind != "application/json" or not response.content.strip():
        return ()
    answer = orjson.loads(response.content)
    rejected = answer.get("rejected", []) if isinstance(answer, dict) else []
    if not isinstance(rejected, list) or not all(
        isinstance(one, dict) for one in rejected
    ):
        raise ValueError("`rejected` is no list of objects")
    return rejected


def words(response: Response) -> str:
    """The first words of an answer, if it is no page."""
    kind = response.headers.get("content-type", "")
    return "" if "html" in kind else response.content[:200].decode(errors="replace")


ADAPTER = Webhook
