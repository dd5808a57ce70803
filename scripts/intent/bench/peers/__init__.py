"""The same scores by what one would pick instead, each written as well as we can.

Each reads the same Parquet files, that `inputs` writes from a built warehouse: events
that are cleaned, deduplicated and still stand, whose each identifier is, and the rules.
So what cleaning and identity take is spared them. Each writes contact_id, score_model
and intent_score of all sheets.

    python -m intent.bench.peers NAME INPUTS OUTPUT
"""
