{#-
    Whole years from a day of birth to a timestamp, as people count their age; null
    above 120, where the date only stands for an unknown one.
-#}
{% macro age_years(birth_date, as_of) -%}
    {%- set years -%}
        extract(year from {{ as_of }}) - extract(year from {{ birth_date }})
        - case
            when
                extract(month from {{ as_of }}) * 100 + extract(day from {{ as_of }})
                < extract(month from {{ birth_date }}) * 100
                + extract(day from {{ birth_date }})
                then 1
            else 0
        end
    {%- endset -%}
    {%- set oldest = 120 -%}
    case when {{ years }} <= {{ oldest }} then {{ years }} end
{%- endmacro %}
