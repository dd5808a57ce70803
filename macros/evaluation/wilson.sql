{#-
    The bounds of the 95% interval of a share by Wilson, of `hits` among `total`; null if
    there are none.
-#}
{% macro wilson_low(hits, total) -%}
    case
        when {{ total }} > 0 then greatest({{ wilson_bound(hits, total, '-') }}, 0)
    end
{%- endmacro %}


{% macro wilson_high(hits, total) -%}
    case
        when {{ total }} > 0 then least({{ wilson_bound(hits, total, '+') }}, 1)
    end
{%- endmacro %}


{% macro wilson_bound(hits, total, sign) -%}
    {%- set z = 'cast(1.959963984540054 as ' ~ type_double() ~ ')' -%}
    (
        {{ hits }} + {{ z }} * {{ z }} / 2
        {{ sign }} {{ z }} * sqrt(
            cast({{ hits }} as {{ type_double() }})
            * ({{ total }} - {{ hits }}) / nullif({{ total }}, 0)
            + {{ z }} * {{ z }} / 4
        )
    ) / (nullif({{ total }}, 0) + {{ z }} * {{ z }})
{%- endmacro %}


{#- A share as a fraction; null of nothing. -#}
{% macro share(part, whole) -%}
    cast({{ part }} as {{ type_double() }}) / nullif({{ whole }}, 0)
{%- endmacro %}
