{#-
    The instant that all scores are as of, as an SQL timestamp (UTC): the var
    `intent_as_of`, a past UTC midnight, else the moment at which the run started.
    Only `int_clock` calls this; all else reads that model.
-#}
{% macro intent_as_of() -%}
    {%- set as_of = var('intent_as_of') -%}
    {%- set now = run_started_at.strftime('%Y-%m-%d %H:%M:%S') -%}
    {%- if as_of is none -%}
        cast('{{ now }}' as {{ dbt.type_timestamp() }})
    {%- else -%}
        {%- set day = (as_of | string)[:10] -%}
        {%- if not modules.re.fullmatch(
            '\\d{4}-\\d{2}-\\d{2}([ T]00:00(:00)?(Z|\\+00:00)?)?', as_of | string
        ) -%}
            {%- do exceptions.raise_compiler_error(
                "intent_as_of: got '" ~ as_of ~ "'. Give a past UTC midnight, such as "
                ~ "2026-05-01, or nothing for now"
            ) -%}
        {%- endif -%}
        {%- if day > now[:10] -%}
            {%- do exceptions.raise_compiler_error(
                "intent_as_of: '" ~ as_of ~ "' lies in the future. Give a past UTC "
                ~ "midnight, or nothing for now"
            ) -%}
        {%- endif -%}
        cast('{{ day }} 00:00:00' as {{ dbt.type_timestamp() }})
    {%- endif -%}
{%- endmacro %}


{#-
    A number for this run of dbt, larger than that of every run before. It only orders
    runs; no score depends on it.
-#}
{% macro run_id() -%}
    cast({{ run_started_at.strftime('%Y%m%d%H%M%S%f')[:17] }} as bigint)
{%- endmacro %}
