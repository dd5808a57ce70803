{#-
    Fails on every combination of values of `columns` that more than one row has, and on
    each that lacks a value. Where columns may be null, `nullable` lists them: null is a
    value like others there.
-#}
{% test unique_combination(model, columns, nullable=[]) %}

select
    {{ columns | join(', ') }},
    count(*) as row_count

from {{ model }}
group by {{ columns | join(', ') }}
having
    count(*) > 1
    {% for column in columns if column not in nullable %}
        or {{ column }} is null
    {% endfor %}

{% endtest %}
