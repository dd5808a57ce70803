"""What is told to destinations, and which fault is which, over real sockets."""

import asyncio
import gzip
import logging
import socket
import ssl
import struct
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from intent.errors import BadInputError, RefusedError
from intent.sync.adapter import Adapter
from intent.sync.model import Limits, Part, Request, Response, Verdict
from intent.sync.secrets import Settings
from intent.sync.spec import Sync
from intent.sync.wire import (
    HttpChannel,
    NotSentError,
    RedirectedError,
    UnansweredError,
)
from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict

SECRET = "canary-secret-1f2e3d"
ENTER = Request("POST", "/records?cursor=canary-query", b'{"canary": "body"}')
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class ToySettings(Settings):
    model_config = SettingsConfigDict(env_prefix="INTENT_TOY_")

    url: str = "https://api.toy.test"
    login_url: str = ""
    token: SecretStr = SecretStr(SECRET)


class Toy(Adapter[ToySettings]):
    """A destination that needs a token, if its settings name an address for it."""

    name = "toy"
    settings = ToySettings
    hosts = ("api.toy.test", "*.my.toy.test")
    native_modes = frozenset()
    native_leave = True
    limits = Limits(rows=1, size=1, concurrent=4)

    @property
    def address(self) -> str:
        return self.config.url

    def token_request(self) -> Request | None:
        if not self.config.login_url:
            return None
        host = self.config.login_url
        return Request("POST", "/token", host=host, authorised=False)

    def read_token(self, response: Response) -> str | None:
        if response.status == 401:
            return None
        if b"token" not in response.content:
            raise ValueError("no token")
        return response.content.decode()

    def authorise(
        self, request: Request, token: str | None, now: datetime
    ) -> Mapping[str, str]:
        del request
        assert now.tzinfo is UTC
        secret = token or self.config.token.get_secret_value()
        return {"authorization": f"Bearer {secret}"}

    def pack(self, rows: Any) -> Any:
        raise NotImplementedError

    def request(self, part: Part) -> Request:
        raise NotImplementedError

    def classify(self, part: Part, response: Response) -> Verdict:
        raise NotImplementedError

    def describe_requests(self) -> Sequence[Request]:
        return ()

    def read_fields(self, responses: Sequence[Response]) -> None:
        del responses

    def setup(self) -> Sequence[str]:
        return ()


def toy(**settings: str) -> Toy:
    spec = {
        "name": "toy",
        "destination": "toy",
        "object": "record",
        "match": {"field": "email", "column": "email"},
        "fields": {"segment": {"column": "segment", "trigger": True}},
    }
    now = datetime(2026, 7, 1, tzinfo=UTC)
    return Toy(Sync.model_validate(spec), ToySettings(**settings), now)  # type: ignore[arg-type]


@asynccontextmanager
async def server(
    answer: Answer, tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """A server that lives as long as the block; its port."""
    tasks: set[asyncio.Task[None]] = set()

    async def handle(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            await answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(handle(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    listening = await asyncio.start_server(begin, "127.0.0.1", 0, ssl=tls)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def read_request(reader: asyncio.StreamReader) -> tuple[str, bytes]:
    """The head and the body of a request."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = 0
    for line in head.lower().splitlines():
        if line.startswith("content-length:"):
            length = int(line.partition(":")[2])
    return head, await reader.readexactly(length)


def always(content: bytes) -> Answer:
    """A server that gives each request the same answer, as it is."""

    async def answer(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while True:
            await read_request(reader)
            writer.write(content)
            await writer.drain()

    return answer


def run(main: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(20):
            await main

    asyncio.run(bounded())


@asynccontextmanager
async def channel_to(answer: Answer, **settings: Any) -> AsyncIterator[HttpChannel]:
    async with server(answer) as port:
        channel = HttpChannel(toy(url=f"http://127.0.0.1:{port}"), **settings)
        try:
            yield channel
        finally:
            await channel.close()


@asynccontextmanager
async def channel_at(url: str, **settings: Any) -> AsyncIterator[HttpChannel]:
    channel = HttpChannel(toy(url=url), **settings)
    try:
        yield channel
    finally:
        await channel.close()


def says_nothing_of_secrets(error: BaseException) -> None:
    """Nor would a traceback of it."""
    shown: BaseException | None = error
    while shown is not None:
        assert "canary" not in str(shown)
        is_hidden = shown.__suppress_context__
        shown = shown.__cause__ or (None if is_hidden else shown.__context__)


# A request and its answer


def test_a_request_arrives_as_it_was_made() -> None:
    seen: list[tuple[str, bytes]] = []

    async def answer(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        seen.append(await read_request(reader))
        writer.write(
            b"HTTP/1.1 207 Multi-Status\r\nX-Quota: 5\r\ncontent-length: 2\r\n\r\nok"
        )

    async def main() -> None:
        async with channel_to(answer) as channel:
            response = await channel.send(
                Request("PATCH", "/a%2Fb?c=d", b"body", {"content-type": "text/csv"})
            )
        assert response.status == 207
        assert response.headers["x-quota"] == "5"
        assert response.content == b"ok"

    run(main())
    [(head, body)] = seen
    lines = head.lower().splitlines()
    assert lines[0] == "patch /a%2fb?c=d http/1.1"
    assert "content-type: text/csv" in lines
    assert f"authorization: bearer {SECRET}" in lines
    assert any(line.startswith("user-agent: intent_scoring/") for line in lines)
    assert body == b"body"


def test_a_request_without_authorisation_has_none() -> None:
    seen: list[str] = []

    async def answer(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        seen.append((await read_request(reader))[0])
        writer.write(OK)

    async def main() -> None:
        async with channel_to(answer) as channel:
            await channel.send(Request("GET", "/", authorised=False))

    run(main())
    assert SECRET not in seen[0]


def test_compressed_answers_are_read() -> None:
    packed = gzip.compress(b'{"a": 1}')
    head = f"content-encoding: gzip\r\ncontent-length: {len(packed)}".encode()

    async def main() -> None:
        content = b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n" + packed
        async with channel_to(always(content)) as channel:
            assert (await channel.send(ENTER)).content == b'{"a": 1}'

    run(main())


def test_connections_are_used_again() -> None:
    connections = 0

    async def answer(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        nonlocal connections
        connections += 1
        await always(OK)(reader, writer)

    async def main() -> None:
        async with channel_to(answer) as channel:
            for _ in range(5):
                await channel.send(ENTER)

    run(main())
    assert connections == 1


def test_addresses_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with channel_to(always(OK)) as channel:
            await channel.send(ENTER)

    with caplog.at_level(logging.DEBUG):
        run(main())

    assert not [each for each in caplog.records if "canary" in each.getMessage()]


# Faults before anything was sent


def test_nobody_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"

        async def main() -> None:
            async with channel_at(url) as channel:
                with pytest.raises(NotSentError, match="was refused") as told:
                    await channel.send(ENTER)
                says_nothing_of_secrets(told.value)

        run(main())


def test_a_name_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "canary")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)

    async def main() -> None:
        async with channel_at("https://api.toy.test") as channel:
            with pytest.raises(NotSentError, match=r"api\.toy\.test.*resolved") as told:
                await channel.send(ENTER)
            says_nothing_of_secrets(told.value)

    run(main())


def test_a_connection_that_does_not_come_about() -> None:
    """The queue of a listener that accepts nobody is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        place = listener.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(place)

        async def main() -> None:
            url = f"http://127.0.0.1:{place[1]}"
            async with channel_at(url, connect_seconds=0.3) as channel:
                with pytest.raises(NotSentError, match="too long"):
                    await channel.send(ENTER)

        try:
            run(main())
        finally:
            for each in waiting:
                each.close()


# TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that nobody signed, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "certificate.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + secret)
    return file


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_a_certificate_that_nobody_signed(tls: ssl.SSLContext) -> None:
    heard = 0

    async def answer(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        nonlocal heard
        heard += len(await reader.read(100))
        del writer

    async def main() -> None:
        async with (
            server(answer, tls) as port,
            channel_at(f"https://localhost:{port}") as channel,
        ):
            with pytest.raises(NotSentError, match=r"certificate.*self.signed") as told:
                await channel.send(ENTER)
            says_nothing_of_secrets(told.value)

    run(main())
    assert heard == 0


def test_a_certificate_of_the_company(
    tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    async def main() -> None:
        async with (
            server(always(OK), tls) as port,
            channel_at(f"https://localhost:{port}") as channel,
        ):
            assert (await channel.send(ENTER)).status == 200

    run(main())


def test_a_certificate_of_another_host(
    tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    async def main() -> None:
        async with (
            server(always(OK), tls) as port,
            channel_at(f"https://127.0.0.1:{port}") as channel,
        ):
            with pytest.raises(NotSentError, match="certificate can't be trusted"):
                await channel.send(ENTER)

    run(main())


def test_no_tls_where_it_should_be() -> None:
    async def answer(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async def main() -> None:
        async with (
            server(answer) as port,
            channel_at(f"https://127.0.0.1:{port}") as channel,
        ):
            with pytest.raises(NotSentError, match="TLS"):
                await channel.send(ENTER)

    run(main())


# Faults after something was sent


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    opened = writer.get_extra_info("socket")
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    del writer
    await read_request(reader)


async def close_at_once(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    del reader, writer


async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


async def trickle_head(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    await read_request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"x-a: b\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)


async def say_nothing(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    del writer
    await reader.read()


UNANSWERED: dict[str, Answer] = {
    "reset": reset,
    "hung up": hang_up,
    "hung up at once": close_at_once,
    "trickle": trickle,
    "trickling head": trickle_head,
    "silence": say_nothing,
    "no HTTP": always(b"220 mail.canary.test ESMTP\r\n\r\n"),
    "damaged": always(
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 6\r\n\r\ncanary"
    ),
    "too large": always(
        b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n" + b"x" * 5000
    ),
}


@pytest.mark.parametrize("case", UNANSWERED)
def test_requests_without_a_whole_answer(case: str) -> None:
    async def main() -> None:
        async with channel_to(
            UNANSWERED[case], answer_seconds=0.5, largest_answer=4000
        ) as channel:
            with pytest.raises(UnansweredError) as told:
                await channel.send(ENTER)
            says_nothing_of_secrets(told.value)

    run(main())


@pytest.mark.parametrize(
    "head", ["content-length: 20", "transfer-encoding: chunked\r\n\r\n5"]
)
def test_an_answer_that_breaks_off(head: str) -> None:
    async def answer(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await read_request(reader)
        writer.write(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\nok".encode())

    async def main() -> None:
        async with channel_to(answer) as channel:
            with pytest.raises(UnansweredError, match="broke off"):
                await channel.send(ENTER)

    run(main())


def test_an_idle_connection_that_was_closed_meanwhile() -> None:
    """Whether the server had read the request before it hung up can't be known."""

    async def answer(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await read_request(reader)
        writer.write(OK)
        await reset(reader, writer)

    async def main() -> None:
        async with channel_to(answer) as channel:
            await channel.send(ENTER)
            with pytest.raises(UnansweredError):
                await channel.send(ENTER)

    run(main())


def test_large_bodies_have_longer() -> None:
    body = b"x" * 300_000

    async def answer(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await read_request(reader)
        await asyncio.sleep(0.6)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 300000\r\n\r\n" + body)

    async def main() -> None:
        async with channel_to(answer, answer_seconds=0.4) as channel:
            response = await channel.send(Request("PUT", "/", body))
            assert response.content == body

    run(main())


def test_the_channel_works_after_faults() -> None:
    times = 0

    async def answer(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        nonlocal times
        times += 1
        if times % 2:
            await reset(reader, writer)
        await read_request(reader)
        writer.write(OK[:-2].replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\nok"))

    async def main() -> None:
        async with channel_to(answer) as channel:
            for _ in range(5):
                with pytest.raises(UnansweredError):
                    await channel.send(ENTER)
                assert (await channel.send(ENTER)).status == 200

    run(main())


# Redirects, addresses, proxies


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(status: int) -> None:
    visits = 0

    async def elsewhere(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        nonlocal visits
        visits += 1
        await always(OK)(reader, writer)

    async def main() -> None:
        async with server(elsewhere) as port:
            head = f"HTTP/1.1 {status} X\r\nlocation: http://127.0.0.1:{port}/canary"
            content = f"{head}\r\ncontent-length: 0\r\n\r\n".encode()
            async with channel_to(always(content)) as channel:
                with pytest.raises(RedirectedError, match="INTENT_TOY_URL") as told:
                    await channel.send(ENTER)
                says_nothing_of_secrets(told.value)

    run(main())
    assert visits == 0


@pytest.mark.parametrize(
    "url",
    [
        "http://api.toy.test",
        "https://toy.test",
        "https://api.toy.test.evil.test",
        "https://evilmy.toy.test",
        "https://evil.test/api.toy.test",
        "https://evil.test#api.toy.test",
        "https://api.toy.test@evil.test",
        "https://name:canary@api.toy.test",
        "https://api.toy.test\\@evil.test",
        "https://127.0.0.1.evil.test",
        "https://2130706433",
        "http://0.0.0.0",
        "http://10.0.0.1",
        "ftp://127.0.0.1",
        "file:///etc/passwd",
        "api.toy.test",
        "https://",
        "https://[",
        " ",
        "",
    ],
)
def test_strangers_are_not_spoken_to(url: str) -> None:
    with pytest.raises(BadInputError, match="INTENT_TOY_URL") as told:
        HttpChannel(toy(url=url))
    says_nothing_of_secrets(told.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.toy.test",
        "https://API.toy.test/",
        "https://eu.my.toy.test",
        "https://a--b.sandbox.my.toy.test",
        "http://127.0.0.1:1",
        "http://localhost:1",
        "http://[::1]:1",
        "https://127.0.0.1:1",
    ],
)
def test_friends_are(url: str) -> None:
    async def main() -> None:
        async with channel_at(url):
            pass

    run(main())


@pytest.mark.parametrize("path", ["@evil.test/", "//evil.test/", ".evil.test/", "x"])
def test_no_path_leads_elsewhere(path: str) -> None:
    seen: list[str] = []

    async def answer(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        head, _ = await read_request(reader)
        seen.append(head)
        writer.write(OK)

    async def main() -> None:
        async with channel_to(answer) as channel:
            await channel.send(Request("GET", path))

    run(main())
    assert "host: 127.0.0.1" in seen[0].lower()


def test_another_host_of_a_request_is_checked() -> None:
    async def main() -> None:
        async with channel_to(always(OK)) as channel:
            with pytest.raises(BadInputError, match=r"evil\.test"):
                await channel.send(Request("POST", "/", host="https://evil.test"))

    run(main())


def test_a_wrong_setting_is_named() -> None:
    async def main() -> None:
        adapter = toy(url="http://127.0.0.1:1", login_url="https://login.evil.test")
        channel = HttpChannel(adapter)
        try:
            with pytest.raises(BadInputError, match="INTENT_TOY_LOGIN_URL"):
                await channel.send(ENTER)
        finally:
            await channel.close()

    run(main())


@pytest.mark.parametrize(
    "secret", ["canary\r\nx-evil: 1", "canary\u20ac", "canary\x00"]
)
def test_secrets_that_no_header_can_hold(secret: str) -> None:
    heard: list[str] = []

    async def answer(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        heard.append((await read_request(reader))[0])
        writer.write(OK)

    async def main() -> None:
        async with server(answer) as port:
            adapter = toy(url=f"http://127.0.0.1:{port}", token=secret)
            channel = HttpChannel(adapter)
            try:
                with pytest.raises(BadInputError, match="INTENT_TOY_") as told:
                    await channel.send(ENTER)
            finally:
                await channel.close()
            says_nothing_of_secrets(told.value)

    run(main())
    assert heard == []


def test_a_proxy_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def refuse(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        asked.append((await read_request(reader))[0])
        writer.write(b"HTTP/1.1 403 canary\r\ncontent-length: 0\r\n\r\n")

    async def main() -> None:
        async with server(refuse) as port:
            monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
            async with channel_at("https://api.toy.test") as channel:
                with pytest.raises(NotSentError, match="proxy") as told:
                    await channel.send(ENTER)
                says_nothing_of_secrets(told.value)

    run(main())
    assert asked[0].startswith("CONNECT api.toy.test:443 ")
    assert "canary" not in asked[0]


def test_a_proxy_that_hangs_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with server(hang_up) as port:
            monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
            async with channel_at("https://api.toy.test") as channel:
                with pytest.raises(NotSentError):
                    await channel.send(ENTER)

    run(main())


def test_no_proxy_to_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    async def main() -> None:
        async with channel_to(always(OK)) as channel:
            assert (await channel.send(ENTER)).status == 200

    run(main())


# Tokens


class TokenServer:
    """Gives tokens, and accepts only the last one."""

    def __init__(self) -> None:
        self.given = 0
        self.revoked = False
        self.failures: list[bytes] = []
        self.accepted: list[str] = []

    async def __call__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while True:
            head, _ = await read_request(reader)
            await asyncio.sleep(0.02)
            status, content = self.answer(head)
            length = f"content-length: {len(content)}\r\n\r\n".encode()
            writer.write(b"HTTP/1.1 " + status + b" X\r\n" + length + content)
            await writer.drain()

    def answer(self, head: str) -> tuple[bytes, bytes]:
        if head.startswith("POST /token"):
            assert "authorization" not in head.lower()
            if self.revoked:
                return b"401", b""
            if self.failures:
                return self.failures.pop(), b"<html>"
            self.given += 1
            return b"200", f"token{self.given}".encode()
        if f"authorization: Bearer token{self.given}\r\n" not in head:
            return b"401", b""
        return b"200", b""


@asynccontextmanager
async def with_tokens(tokens: TokenServer) -> AsyncIterator[HttpChannel]:
    async with server(tokens) as port:
        url = f"http://127.0.0.1:{port}"
        channel = HttpChannel(toy(url=url, login_url=url))
        try:
            yield channel
        finally:
            await channel.close()


def test_many_workers_ask_for_one_token() -> None:
    tokens = TokenServer()

    async def main() -> None:
        async with with_tokens(tokens) as channel:
            answers = await asyncio.gather(*(channel.send(ENTER) for _ in range(20)))
            assert {answer.status for answer in answers} == {200}
            assert await channel.token() == "token1"

    run(main())
    assert tokens.given == 1


def test_many_workers_renew_a_token_once() -> None:
    tokens = TokenServer()

    async def work(channel: HttpChannel) -> None:
        token = await channel.token()
        answer = await channel.send(ENTER)
        if answer.status == 401:
            await channel.reauthorise(token)
            answer = await channel.send(ENTER)
        assert answer.status == 200

    async def main() -> None:
        async with with_tokens(tokens) as channel:
            await channel.send(ENTER)
            tokens.given = 7  # the server has forgotten token1
            await asyncio.gather(*(work(channel) for _ in range(20)))

    run(main())
    assert tokens.given == 8


def test_a_worker_that_comes_late_renews_nothing() -> None:
    tokens = TokenServer()

    async def main() -> None:
        async with with_tokens(tokens) as channel:
            old = await channel.token()
            await channel.reauthorise(old)
            await channel.reauthorise(old)
            assert await channel.token() == "token2"

    run(main())


def test_a_worker_that_gives_up_while_it_renews() -> None:
    tokens = TokenServer()

    async def main() -> None:
        async with with_tokens(tokens) as channel:
            first = asyncio.ensure_future(channel.token())
            second = asyncio.ensure_future(channel.token())
            await asyncio.sleep(0.01)
            first.cancel()
            assert str(await second).startswith("token")

    run(main())


def test_revoked_credentials() -> None:
    tokens = TokenServer()
    tokens.revoked = True

    async def main() -> None:
        async with with_tokens(tokens) as channel:
            with pytest.raises(RefusedError, match="INTENT_TOY_") as told:
                await channel.send(ENTER)
            assert "canary" not in str(told.value)

    run(main())


def test_a_secret_that_does_not_change_can_not_be_renewed() -> None:
    async def main() -> None:
        async with channel_to(always(OK)) as channel:
            assert await channel.token() is None
            with pytest.raises(RefusedError):
                await channel.reauthorise(None)

    run(main())


@pytest.mark.parametrize("status", [b"200", b"404", b"429", b"500", b"503"])
def test_a_token_server_that_is_unwell_refuses_nobody(status: bytes) -> None:
    tokens = TokenServer()
    tokens.failures = [status]

    async def main() -> None:
        async with with_tokens(tokens) as channel:
            with pytest.raises(UnansweredError):
                await channel.send(ENTER)
            assert (await channel.send(ENTER)).status == 200

    run(main())
