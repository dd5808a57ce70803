"""An invented shop's feeds: to try the project out, test it and judge the score.

`write_demo_feeds` writes them. With the default rates a contact-year makes about
92 events in web/events and email/events together, visitors and robots included.
"""

from intent.demo.landing import clear_demo, holds_demo
from intent.demo.spec import DemoSpec, DemoSummary
from intent.demo.write import write_demo_feeds

__all__ = [
    "DemoSpec",
    "DemoSummary",
    "clear_demo",
    "holds_demo",
    "write_demo_feeds",
]
