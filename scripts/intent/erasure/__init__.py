"""Erases a contact from everything we keep, and keeps what was erased from coming back.

`identifiers` says when two spellings are the same, `keyring` keeps the keyed hashes,
`resolve` finds what belongs to a contact, `rows` judges the rows of files, `landed`
rewrites files, `databases` rewrites DuckDB files, `guard` looks at new files, and
`forget` puts it all together.
"""
