{#-
    True if an identifier falls to the hold-out: if the first digits of a hash of it are
    below the share that the var `intent_holdout_share` gives. A larger share keeps whom
    a smaller one took. Not the hash that contacts are named by, so that the hold-out is
    no run of neighbours where contacts are ordered by their ids.
-#}
{% macro is_holdout(identifier) -%}
    {%- set share = holdout_share() -%}
    {%- if share == 0 -%}
        false
    {%- elif share == 1 -%}
        true
    {%- else -%}
        substring({{ dbt.hash("'holdout ' || " ~ identifier) }}, 1, 8)
        < '{{ "%08x" % ((share * 4294967296) | int) }}'
    {%- endif -%}
{%- endmacro %}


{#- The var `intent_holdout_share`; stops at one that is no share. -#}
{% macro holdout_share() %}
    {%- set share = var('intent_holdout_share') -%}
    {%- if share is boolean or share is not number or share < 0 or share > 1 -%}
        {%- do exceptions.raise_compiler_error(
            "intent_holdout_share: got '" ~ share ~ "'. Give a share of the contacts"
            ~ ' from 0 to 1, such as 0.05'
        ) -%}
    {%- endif -%}
    {{- return(share) -}}
{% endmacro %}
