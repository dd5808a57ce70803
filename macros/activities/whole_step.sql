{#-
    The whole step of a scale from `least` to `most` that a number has reached, as text:
    '4' for 4.5. Null outside the scale.
-#}
{% macro whole_step(number, least, most) -%}
    case
            when {{ number }} between {{ least }} and {{ most }}
                then cast(
                    cast(floor({{ number }}) as {{ dbt.type_bigint() }})
                    as {{ dbt.type_string() }}
                )
        end
{%- endmacro %}
