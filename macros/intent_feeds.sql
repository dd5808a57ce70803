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


{#-
    The feeds whose rows come as files of the landing folder, as a list: on DuckDB those
    that no connection brings, elsewhere none.
-#}
{% macro landed_feeds() %}
    {{- return(adapter.dispatch('landed_feeds', 'intent_scoring')()) -}}
{% endmacro %}


{% macro default__landed_feeds() %}
    {{- return([]) -}}
{% endmacro %}


{% macro duckdb__landed_feeds() %}
    {%- set feeds = [] -%}
    {%- for feed in intent_feeds() if feed_connection(feed) is none -%}
        {%- do feeds.append(feed) -%}
    {%- endfor -%}
    {{- return(feeds) -}}
{% endmacro %}


{#- The other known feeds, as a list: their folders in the landing folder are left alone. -#}
{% macro feeds_not_landed() %}
    {{- return(feed_tables().keys() | reject('in', landed_feeds()) | list) -}}
{% endmacro %}


{#- The tables of all feeds, by feed: a dict of lists of names. -#}
{% macro feed_tables() %}
    {{- return({
        'web': ['events', 'identifies'],
        'shop': ['customers', 'orders', 'order_lines', 'returns', 'subscriptions'],
        'email': ['events'],
        'crm': ['contacts', 'interactions', 'identifier_links'],
        'loyalty': ['events'],
        'reviews': ['reviews'],
        'support': ['tickets', 'ratings'],
        'surveys': ['responses'],
        'social': ['events'],
    }) -}}
{% endmacro %}
