"""The two streams that commands write to: results, and words about the work."""

from rich.console import Console

out = Console()
err = Console(stderr=True)
