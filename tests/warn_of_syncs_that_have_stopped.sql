-- A scheduler that died must not leave old segments in the CRM unnoticed.
{{ config(severity='warn') }}
{% set late_syncs_sql = late_syncs(ref('fct_sync_run'), ref('int_clock')) %}
{% do warn_of_syncs(late_syncs_sql) %}
{{ late_syncs_sql }}
