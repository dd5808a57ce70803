{#- The feeds that the shop has, as a list; stops at a var that names none or others. -#}
{% macro intent_feeds() %}
    {%- set feeds = var('intent_feeds') -%}
    {%- set known = feed_tables().keys() | list -%}
    {%- if feeds is string or feeds is not sequence or not feeds
        or feeds | reject('in', known) | list -%}
        {%- do exceptions.raise_compiler_error(
            "intent_feeds: got '" ~ feeds ~ "'. Give a list of one or more of "
            ~ known | join(', ')
        ) -%}
    {%- endif -%}
    {{- return(feeds) -}}
{% endmacro %}


{#- The known feeds that the shop has not, as a list. -#}
{% macro feeds_left_out() %}
    {{- return(feed_tables().keys() | reject('in', intent_feeds()) | list) -}}
{% endmacro %}


{#- The tables of all feeds, by feed: a dict of lists of names. -#}
{% macro feed_tables() %}
    {{- return({
        'web': ['events', 'identifies'],
        'shop': ['customers', 'orders', 'order_lines', 'returns', 'subscriptions'],
        'email': ['events'],
        'crm': ['contacts', 'interactions'],
        'loyalty': ['events'],
        'reviews': ['reviews'],
        'support': ['tickets', 'ratings'],
        'surveys': ['responses'],
        'social': ['events'],
    }) -}}
{% endmacro %}
