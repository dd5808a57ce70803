{#- The tables of a feed, as a list of names. -#}
{% macro feed_tables(feed) %}
    {{- return({
        'web': ['events', 'identifies'],
        'shop': ['customers', 'orders', 'order_lines', 'returns'],
        'email': ['events'],
        'crm': ['contacts'],
    }[feed]) -}}
{% endmacro %}
