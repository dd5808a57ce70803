"""Why scores changed between two clocks: a contact's, or everyone's."""

from intent.diff.contact import diff_contact
from intent.diff.everyone import diff_everyone
from intent.diff.render import print_contact_diff, print_everyone_diff

__all__ = [
    "diff_contact",
    "diff_everyone",
    "print_contact_diff",
    "print_everyone_diff",
]
