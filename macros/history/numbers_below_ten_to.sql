{#- The final select of the whole numbers from 0 up to 10 ^ `digits` - 1. -#}
{% macro numbers_below_ten_to(digits) %}
digits as (
    {% for digit in range(10) %}
        select {{ digit }} as digit
        {{ 'union all' if not loop.last }}
    {% endfor %}

)

select
    {% for place in range(digits) %}
        digits_{{ place }}.digit * {{ 10 ** place }} {{ '+' if not loop.last }}
    {% endfor %}
    as number

from digits as digits_0
{% for place in range(1, digits) %}
    cross join digits as digits_{{ place }}
{% endfor %}
{%- endmacro %}
