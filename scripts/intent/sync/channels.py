"""Opens the channel by which a destination is spoken to."""

from typing import Any

from intent.sync.adapter import Adapter
from intent.sync.file_channel import FileChannel
from intent.sync.wire import Channel, HttpChannel


def open_channel(adapter: Adapter[Any]) -> Channel:
    """Make the channel of an adapter; nothing is sent yet.

    Raises:
        BadInputError: the address is none of the destination's, or what it needs is
            not installed.
    """
    if adapter.channel == "files":
        return FileChannel(adapter.address)
    return HttpChannel(adapter)
