"""The only place that speaks to destinations: HTTP, with its faults told apart.

What matters to rows is whether a request that failed may have been applied. One that
failed before its first byte was sent surely was not; of any other we can't know.
"""

import asyncio
import ipaddress
import logging
import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from importlib.metadata import version
from typing import Any, Protocol

import httpx2

from intent.errors import BadInputError, RefusedError, UnavailableError
from intent.sync.adapter import Adapter
from intent.sync.model import Request, Response

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 60.0
"""For a whole request with a small body: no trickle of bytes keeps a worker longer."""
SLOWEST_BYTES = 200_000
"""Bytes in a second: large bodies have so much longer."""
LARGEST_ANSWER = 200_000_000
"""Bytes; the results of a bulk job may be as large as what was sent."""

# They log each address with its query, and at lower levels the headers.
for _name in ("httpx2", "httpcore2"):
    logging.getLogger(_name).setLevel(logging.WARNING)


class NotSentError(UnavailableError):
    """A request surely had no effect: it was not sent."""


class HopelessError(NotSentError):
    """A request had no effect, and would have none if it were sent again."""


class RedirectedError(HopelessError):
    """The destination pointed somewhere else, where we don't follow."""


class UnansweredError(UnavailableError):
    """A request was sent, perhaps in part, and has no whole answer."""


class Channel(Protocol):
    """How the runner speaks to a destination."""

    async def token(self) -> str | None:
        """The token that requests are authorised with; got when first needed."""

    async def reauthorise(self, stale: str | None) -> None:
        """Get a new token, unless somebody else did since `stale` was in use."""

    async def send(self, request: Request) -> Response:
        """Send a request, and wait for the whole answer."""

    async def close(self) -> None:
        """Close all connections."""


class HttpChannel:
    """Speaks to a destination by HTTP.

    Certificates are always verified, redirects are never followed, and only the hosts
    that the adapter names are spoken to. Proxies and certificates of a company are
    taken from the environment, as other programs do: HTTPS_PROXY, NO_PROXY,
    SSL_CERT_FILE.
    """

    def __init__(
        self,
        adapter: Adapter[Any],
        answer_seconds: float = ANSWER_SECONDS,
        connect_seconds: float = CONNECT_SECONDS,
        largest_answer: int = LARGEST_ANSWER,
    ) -> None:
        """Make a channel; nothing is sent yet.

        Raises:
            BadInputError: the address is none of the destination's.
        """
        self._adapter = adapter
        self._answer_seconds = answer_seconds
        self._largest_answer = largest_answer
        self._token: str | None = None
        self._turn = asyncio.Lock()
        check_address(adapter, adapter.address)
        connections = adapter.limits.concurrent + 2  # one more for a token
        self._client = httpx2.AsyncClient(
            headers={"user-agent": f"intent_scoring/{version('intent-scoring')}"},
            timeout=httpx2.Timeout(None, connect=connect_seconds),
            limits=httpx2.Limits(
                max_connections=connections, max_keepalive_connections=connections
            ),
            mounts=dict.fromkeys(LOOPBACK_MOUNTS),  # never by a proxy
        )

    async def token(self) -> str | None:
        """The token that requests are authorised with; got when first needed.

        Raises:
            RefusedError: the credentials are refused.
            NotSentError: the destination can't be reached.
            UnansweredError: it did not answer.
        """
        if self._token is None:
            await self._renew(None)
        return self._token

    async def reauthorise(self, stale: str | None) -> None:
        """Get a new token, unless somebody else did since `stale` was in use.

        Raises:
            RefusedError: the credentials are refused, or nothing but a secret that
                does not change authorises.
            NotSentError: the destination can't be reached.
            UnansweredError: it did not answer.
        """
        await self._renew(stale)
        if self._token is None:
            raise RefusedError(refusal(self._adapter))

    async def _renew(self, stale: str | None) -> None:
        """Ask for a token, if there is one to ask for and nobody else did."""
        async with self._turn:
            if self._token != stale:
                return
            request = self._adapter.token_request()
            if request is not None:
                self._token = await self._new_token(request)

    async def send(self, request: Request) -> Response:
        """Send a request, and wait for the whole answer.

        Raises:
            RefusedError: the credentials are refused.
            NotSentError: it surely was not sent, and had no effect.
            UnansweredError: it was sent, or perhaps was.
            BadInputError: the address is none of the destination's.
        """
        headers = dict(request.headers)
        if request.authorised:
            token = await self.token()
            now = datetime.now(UTC)
            headers.update(self._adapter.authorise(request, token, now))
            request = replace(request, content=self._adapter.signed(request, now))
        return await self._exchange(request, headers)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def _new_token(self, request: Request) -> str:
        response = await self.send(request)
        name = self._adapter.name
        if response.status == 429 or response.status >= 500:
            raise UnansweredError(
                f"{name} gives no token at present: it answers with the status "
                f"{response.status}."
            )
        try:
            token = self._adapter.read_token(response)
        except (ValueError, LookupError, TypeError, AttributeError):
            raise UnansweredError(
                f"{name} answers the request for a token with something else (status "
                f"{response.status})."
            ) from None
        if token is None:
            raise RefusedError(refusal(self._adapter))
        return token

    async def _exchange(self, request: Request, headers: dict[str, str]) -> Response:
        """Send a request with all its headers, and tell faults apart."""
        built = self._build(request, headers)
        flight = _Flight(self._adapter.name, built.url.host)
        built.extensions["trace"] = flight.trace
        seconds = self._answer_seconds + len(request.content) / SLOWEST_BYTES
        try:
            async with asyncio.timeout(seconds) as limit:
                answer = await self._client.send(built, stream=True)
                content = await self._whole(answer, limit, flight)
        except (httpx2.HTTPError, httpx2.StreamError, OSError) as error:
            raise flight.fault(error) from None
        if 300 <= answer.status_code < 400:
            raise RedirectedError(
                f"{flight.who} answers with a redirect ({answer.status_code}). It is "
                "not followed, so that nothing is told to strangers. Is the address "
                f"right? It comes from {variable_of(self._adapter, flight.host)}."
            )
        names = {name.lower(): value for name, value in answer.headers.items()}
        return Response(answer.status_code, names, content)

    async def _whole(
        self, answer: httpx2.Response, limit: asyncio.Timeout, flight: "_Flight"
    ) -> bytes:
        """The body of an answer; the longer it is, the longer it may take."""
        content = bytearray()
        deadline = limit.when() or 0.0
        try:
            async for chunk in answer.aiter_bytes():
                content += chunk
                if len(content) > self._largest_answer:
                    most = self._largest_answer
                    raise flight.unanswered(f"its answer is larger than {most} bytes")
                limit.reschedule(deadline + len(content) / SLOWEST_BYTES)
        finally:
            await answer.aclose()
        return bytes(content)

    def _build(self, request: Request, headers: dict[str, str]) -> httpx2.Request:
        address = self._adapter.address
        if request.host:
            address = with_scheme(request.host)
            check_address(self._adapter, address)
        path = request.path if request.path.startswith("/") else f"/{request.path}"
        try:
            if not all(map(str.isprintable, headers.values())):
                raise UnicodeError  # a line break, which would end the header
            return self._client.build_request(
                request.method,
                f"{address.rstrip('/')}{path}",
                content=request.content or None,
                headers=headers,
            )
        except (UnicodeError, httpx2.InvalidURL):
            raise BadInputError(
                f"{self._adapter.name}: a setting holds characters that can't stand in "
                "a header or an address. Check the settings that begin with "
                f"{prefix_of(self._adapter)}."
            ) from None


class _Flight:
    """One request on its way: what is known of it when it fails."""

    def __init__(self, name: str, host: str) -> None:
        self.host = host
        self.who = f"{name} ({host})"
        self.sent = False

    async def trace(self, event: str, info: dict[str, Any]) -> None:
        """Note that the first bytes are sent; a proxy's CONNECT is none of them."""
        if event.endswith(".send_request_headers.started"):
            method = getattr(info.get("request"), "method", b"")
            self.sent = self.sent or method != b"CONNECT"

    def unanswered(self, why: str) -> UnansweredError:
        """The fault of a request that may have been applied."""
        return UnansweredError(f"{self.who} gave no whole answer: {why}.")

    def fault(self, error: Exception) -> NotSentError | UnansweredError:
        """The fault that an error is to the runner, in words without its contents."""
        if isinstance(error, httpx2.LocalProtocolError):
            return NotSentError(
                f"{self.who}: the request is no valid HTTP. Does a secret hold a line "
                "break or a space?"
            )
        why = in_words(error)
        if self.sent:
            return self.unanswered(why)
        return NotSentError(f"{self.who} can't be reached: {why}.")


LOOPBACK_MOUNTS = ("all://localhost", "all://127.0.0.1", "all://[::1]")


def is_loopback(host: str) -> bool:
    """The host is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def with_scheme(address: str) -> str:
    """An address that may be given as a bare host."""
    return address if "://" in address else f"https://{address}"


def check_address(adapter: Adapter[Any], address: str) -> None:
    """Make sure that an address is the destination's, before it is told any secret.

    Raises:
        BadInputError: it is not; names the variable that it comes from.
    """
    try:
        url = httpx2.URL(address)
    except (httpx2.InvalidURL, TypeError):
        url = httpx2.URL()
    if not (url.scheme and url.host):
        raise BadInputError(
            f"{variable_of(adapter, address)}: this is not an address. It looks like "
            f"https://{adapter.hosts[0]}."
        )
    host = url.host.rstrip(".")
    is_theirs = url.scheme == "https" and any(
        fnmatchcase(host, pattern) for pattern in adapter.hosts
    )
    is_ours = url.scheme in ("http", "https") and is_loopback(host)
    if url.userinfo or not (is_theirs or is_ours):
        raise BadInputError(
            f"{variable_of(adapter, host)}: {url.scheme}://{host} is "
            f"no address of {adapter.name}, so nothing was sent there. Its addresses "
            f"are https://{', https://'.join(adapter.hosts)}, without a name or "
            "password in them."
        )


def prefix_of(adapter: Adapter[Any]) -> str:
    """How the names of the destination's variables begin."""
    return str(adapter.settings.model_config.get("env_prefix", "")).upper()


def variable_of(adapter: Adapter[Any], part: str) -> str:
    """The variable of the setting that an address was made of."""
    prefix = prefix_of(adapter)
    for name in adapter.settings.model_fields:
        value = getattr(adapter.config, name, None)
        if part and isinstance(value, str) and part.lower() in value.lower():
            return f"{prefix}{name.upper()}"
    return f"{prefix}URL"


def refusal(adapter: Adapter[Any]) -> str:
    """What to tell a user whose credentials are refused."""
    return (
        f"{adapter.name} refuses the credentials. Check the settings that begin with "
        f"{prefix_of(adapter)}: were they revoked, or do they lack a right?"
    )


def chain(error: BaseException) -> Iterator[BaseException]:
    """An error and those that caused it."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        yield current
        seen.add(id(current))
        current = current.__cause__ or current.__context__


FAULTS: tuple[tuple[type[BaseException], str], ...] = (
    (ssl.SSLError, "no encrypted connection (TLS) comes about"),
    (socket.gaierror, "its name can't be resolved"),
    (ConnectionRefusedError, "the connection was refused"),
    (httpx2.ProxyError, "the proxy does not let us through"),
    (httpx2.DecodingError, "the answer is damaged"),
    (TimeoutError, "it takes too long"),
    (httpx2.TimeoutException, "it takes too long"),
    (Exception, "the connection broke off"),
)


def in_words(error: Exception) -> str:
    """Why a request failed, without quoting what an error's text may hold."""
    causes = list(chain(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return (
                f"its certificate can't be trusted ({cause.verify_message}), so "
                "nothing was sent. If your company's proxy looks into encrypted "
                "traffic, name its certificate by SSL_CERT_FILE"
            )
    return next(
        words
        for kind, words in FAULTS
        if any(isinstance(cause, kind) for cause in causes)
    )
