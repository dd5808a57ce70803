"""Carries out requests as files: in a folder, or in a bucket of S3.

`PUT` writes a file whole or not at all, and is answered with its SHA-256 as the `etag`.
`HEAD` tells whether a folder can be written to. A PUT that is repeated has the same
result, so nothing is ever in doubt.
"""

import asyncio
import errno
import hashlib
import importlib
import os
import re
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Any, Protocol
from urllib.parse import urlsplit
from urllib.request import url2pathname

from intent.errors import BadInputError
from intent.sync.model import Request, Response
from intent.sync.wire import HopelessError, UnansweredError, is_loopback

ASIDE = ".part-"
"""How the names of files begin that are being written."""
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FILE_MODE, FOLDER_MODE = 0o640, 0o750
"""The owner writes, its group reads: there are people's addresses in these files."""
S3_SECONDS = "60s"
RETRIES = {"max_retries": 3, "retry_timeout": timedelta(seconds=60)}
STATUS = re.compile(r"status code: ([0-9]{3})")
NOT_ALLOWED = ("AccessDenied", "ExpiredToken", "InvalidAccessKeyId")
"""Codes of refusals, whatever their status."""
ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")


class Store(Protocol):
    """Where files are put."""

    async def put(self, path: str, content: bytes) -> int:
        """Write a file whole, or not at all; return a status as HTTP has them."""

    async def look(self, path: str) -> int:
        """The status of a folder: 200 if files can be put there."""


class FileChannel:
    """The channel of a destination that takes files."""

    def __init__(self, address: str) -> None:
        """Make the channel of an address, `file:///folder` or `s3://bucket/prefix`.

        Raises:
            BadInputError: it is none of the two, or the package for S3 is missing.
        """
        url = urlsplit(address)
        if url.scheme not in ("file", "s3"):
            raise BadInputError(f"{url.scheme}: files go to a folder or to s3:// only.")
        self._store: Store = (
            Folder(Path(url2pathname(url.path)))
            if url.scheme == "file"
            else Bucket(url.netloc, url.path.strip("/"))
        )

    async def token(self) -> str | None:
        """None: the system, or the package for S3, knows who we are."""
        return None

    async def reauthorise(self, stale: str | None) -> None:
        """Nothing to be done."""

    async def send(self, request: Request) -> Response:
        """Write a file, or look at a folder.

        Raises:
            HopelessError: the folder can't be written, or its disk is full. Nothing of
                the file is there.
            UnansweredError: the bucket can't be reached.
        """
        if request.method == "HEAD":
            return Response(await self._store.look(request.path.strip("/")))
        if request.method != "PUT":
            raise ValueError(f"{request.method} is nothing that files do")
        path = PurePosixPath(request.path.strip("/"))
        if any(part.startswith(".") for part in path.parts) or path.is_absolute():
            raise ValueError("a file's name is not to begin with a dot")
        status = await self._store.put(str(path), request.content)
        digest = hashlib.sha256(request.content).hexdigest()
        return Response(status, {"etag": digest})

    async def close(self) -> None:
        """Nothing to be done."""


class Folder:
    """A folder of this machine, or one that it has mounted."""

    def __init__(self, folder: Path) -> None:
        """Make it for a folder, which need not be there yet."""
        self._folder = folder

    async def put(self, path: str, content: bytes) -> int:
        """Write aside, have it on the disk, rename; then have the name on the disk."""
        await asyncio.to_thread(self._put, self._folder / path, content)
        return 201

    def _put(self, file: Path, content: bytes) -> None:
        aside = file.with_name(f"{ASIDE}{file.name}")
        try:
            make_folder(file.parent)
            try:
                write_through(aside, content)
                aside.replace(file)
            except BaseException:
                aside.unlink(missing_ok=True)
                raise
            sync_folder(file.parent)
        except OSError as error:
            raise fault(file.parent, error) from None

    async def look(self, path: str) -> int:
        """200: the folder can be written to, or made.

        A run looks before it writes: what a killed one left half-written goes.

        Raises:
            HopelessError: it can't.
        """
        folder = self._folder / path
        try:
            for left in folder.glob(f"{ASIDE}*"):
                left.unlink(missing_ok=True)
            while not folder.exists() and folder != folder.parent:
                folder = folder.parent
            if not folder.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
            if not os.access(folder, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        except OSError as error:
            raise fault(folder, error) from None
        return 200


def make_folder(folder: Path) -> None:
    """Make a folder and those above it that are missing, to outlast a power cut."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(FOLDER_MODE, exist_ok=True)
    sync_folder(folder.parent)


def write_through(file: Path, content: bytes) -> None:
    """Write a file, and wait until it is on the disk."""
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
    with os.fdopen(handle, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(handle)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def fault(folder: Path, error: OSError) -> HopelessError:
    """Why a file can't be written, and what to do."""
    if error.errno in FULL:
        return HopelessError(
            f"The disk of {folder} is full. No file there is half-written. Make room, "
            "then run again."
        )
    return HopelessError(
        f"The folder {folder} can't be written: {error.strerror}. No file there is "
        "half-written. Mend that, or set INTENT_FILES_FOLDER to another place."
    )


class Bucket:
    """A bucket of S3, or of a service that speaks as S3 does."""

    def __init__(self, name: str, prefix: str) -> None:
        """Make it; who we are is told by the usual variables, `AWS_...`.

        Raises:
            BadInputError: the package for S3 is not installed, or a variable is wrong.
        """
        try:
            stores: Any = importlib.import_module("obstore.store")
            known: Any = importlib.import_module("obstore.exceptions")
        except ModuleNotFoundError:
            raise BadInputError(
                "Files go to S3 with the package obstore: "
                "pip install 'intent-scoring[s3]'."
            ) from None
        self._faults = (known.BaseError, OSError, ValueError)
        try:
            self._store = stores.S3Store(
                name,
                prefix=prefix or None,
                client_options={
                    "allow_http": is_loopback(endpoint_host()),
                    "allow_invalid_certificates": False,
                    "timeout": S3_SECONDS,
                },
                retry_config=RETRIES,
            )
        except self._faults:
            raise BadInputError(
                f"The bucket {name} can't be used with these settings. Check "
                "INTENT_FILES_URL and the variables that begin with AWS_."
            ) from None
        self._name = name

    async def put(self, path: str, content: bytes) -> int:
        """Put an object, which is there whole or not at all."""
        try:
            await self._store.put_async(path, content, use_multipart=False)
        except self._faults as error:
            return self._status(error)
        return 201

    async def look(self, path: str) -> int:
        """200 if the bucket is there and we may list it."""
        try:
            listing = self._store.list(f"{path}/", chunk_size=1)
            await anext(listing, None)
        except self._faults as error:
            return self._status(error)
        return 200

    def _status(self, error: Exception) -> int:
        """The status of a refusal.

        Raises:
            UnansweredError: it is none. What it says may name keys, so it isn't told.
        """
        text = str(error)
        found = STATUS.search(text)
        status = int(found[1]) if found else 0
        if status in (401, 403) or any(code in text for code in NOT_ALLOWED):
            return 403
        if status == 404:
            return 404
        raise UnansweredError(
            f"The bucket {self._name} gave no answer that can be used "
            f"({type(error).__name__}). Check the network and the variables that begin "
            "with AWS_."
        ) from None


def endpoint_host() -> str:
    """The host that stands in for S3's own, if one is set."""
    endpoints = [os.environ.get(name) for name in ENDPOINTS]
    return urlsplit(next(filter(None, endpoints), "")).hostname or ""
