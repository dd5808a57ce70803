"""How fast it all is, and next to what: `intent bench`.

Every step runs in a process of its own, so that each has a time and a peak of memory.
"""
