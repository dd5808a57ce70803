"""Keeps CRMs and marketing tools in step with the marts: reverse ETL."""
