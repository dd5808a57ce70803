"""Contact intent scoring: the tools around the dbt project."""
