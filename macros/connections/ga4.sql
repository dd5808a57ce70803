{#-
    What GA4's export nests: the value of an event's parameter, by its key and the name
    of the value's field (`string_value`, `int_value`, `double_value`); null without it.
-#}
{% macro ga4_param(key, field) -%}
    {{ return(adapter.dispatch('ga4_param', 'intent_scoring')(key, field)) }}
{%- endmacro %}


{% macro default__ga4_param(key, field) -%}
    (
            select param.value.{{ field }} from unnest(event_params) as param
            where param.key = '{{ key }}'
            limit 1
        )
{%- endmacro %}


{% macro duckdb__ga4_param(key, field) -%}
    list_filter(
            event_params, lambda param : param.key = '{{ key }}'
        )[1].value.{{ field }}
{%- endmacro %}


{#- A field of the first item of an event; null without items. -#}
{% macro ga4_first_item(field) -%}
    {{ return(adapter.dispatch('ga4_first_item', 'intent_scoring')(field)) }}
{%- endmacro %}


{% macro default__ga4_first_item(field) -%} items[safe_offset(0)].{{ field }} {%- endmacro %}


{% macro duckdb__ga4_first_item(field) -%} items[1].{{ field }} {%- endmacro %}


{#- The UTC timestamp of a number of microseconds since 1970. -#}
{% macro micros_to_timestamp(column) -%}
    {{ return(adapter.dispatch('micros_to_timestamp', 'intent_scoring')(column)) }}
{%- endmacro %}


{% macro default__micros_to_timestamp(column) -%}
    timestamp_micros({{ column }})
{%- endmacro %}


{% macro duckdb__micros_to_timestamp(column) -%} make_timestamp({{ column }}) {%- endmacro %}


{#- The path of an address: what stands between its host and its query, at least '/'. -#}
{% macro url_path(address) -%}
    {%- set rest = without_query(
        dbt.split_part(address, "'://'", 2)
    ) -%}
    case
            when {{ dbt.position("'/'", rest) }} > 0
                then substring({{ rest }}, {{ dbt.position("'/'", rest) }})
            when {{ rest }} <> '' then '/'
        end
{%- endmacro %}


{#- Columns as one text, with '|' between; a null is an empty text. -#}
{% macro texts_joined(columns) -%}
    {%- for column in columns -%}
        coalesce(cast({{ column }} as {{ dbt.type_string() }}), '')
        {{- " || '|' || " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
