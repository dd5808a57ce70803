{#-
    Fails on every row whose value lies below `least` or above `most`, of which one may
    be left out. Null lies within every range.
-#}
{% test within_range(model, column_name, least=none, most=none) %}

select {{ column_name }}

from {{ model }}
where
    1 = 0
    {% if least is not none %} or {{ column_name }} < {{ least }} {% endif %}
    {% if most is not none %} or {{ column_name }} > {{ most }} {% endif %}

{% endtest %}
