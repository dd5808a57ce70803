-- A feed that fell silent or collapsed must not look like contacts cooling down.
{{ config(severity='warn') }}
{% set findings_sql = feed_findings(ref('feed_health'), ref('int_clock')) %}
{% do warn_of_feeds(findings_sql) %}
{{ findings_sql }}
