{#- Seconds since 1970 of a UTC timestamp, whole, as a 64-bit integer. -#}
{% macro epoch_seconds(timestamp) -%}
    {{ return(adapter.dispatch('epoch_seconds', 'intent_scoring')(timestamp)) }}
{%- endmacro %}


{% macro default__epoch_seconds(timestamp) -%}
    cast(extract(epoch from {{ timestamp }}) as bigint)
{%- endmacro %}
