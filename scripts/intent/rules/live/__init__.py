"""From a draft to the live sheet and back: what would change, and the change itself."""
