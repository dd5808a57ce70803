{#-
    The number that a text holds, such as '-40000.5'; null if it holds anything else.
    Digits, one point and a minus before them make a number, on every engine.
-#}
{% macro number_in(text) -%}
    {%- set ns = namespace(rest=text) -%}
    {%- for digit in range(10) -%}
        {%- set ns.rest = 'replace(' ~ ns.rest ~ ", '" ~ digit ~ "', '')" -%}
    {%- endfor -%}
    case
        when
            {{ ns.rest }} in ('', '.', '-', '-.')
            and {{ ns.rest }} <> {{ text }}
            and {{ text }} not like '_%-%'
            then cast({{ text }} as {{ type_double() }})
    end
{%- endmacro %}
