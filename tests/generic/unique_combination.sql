{#-
    Fails on every combination of values of `columns` that more than one row has. Nulls
    count as a value like others.
-#}
{% test unique_combination(model, columns) %}

select
    {{ columns | join(', ') }},
    count(*) as row_count

from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1

{% endtest %}
