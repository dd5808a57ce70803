{#-
    The ready connections: by feed and name, the tables of the feed's contract that each
    one fills, with a model `cnx_<connection>__<table>` for each.
-#}
{% macro ready_connections() %}
    {{- return({
        'web': {
            'segment': ['events', 'identifies'],
            'ga4': ['events'],
        },
        'shop': {
            'shopify_fivetran': ['customers', 'orders', 'order_lines', 'returns'],
            'shopify_airbyte': ['customers', 'orders', 'order_lines', 'returns'],
        },
        'email': {
            'klaviyo_fivetran': ['events'],
            'klaviyo_airbyte': ['events'],
        },
        'support': {
            'zendesk_fivetran': ['tickets', 'ratings'],
            'zendesk_airbyte': ['tickets', 'ratings'],
        },
        'crm': {
            'hubspot_fivetran': ['contacts'],
            'hubspot_airbyte': ['contacts'],
            'salesforce_fivetran': ['contacts'],
            'salesforce_airbyte': ['contacts'],
        },
    }) -}}
{% endmacro %}


{#- True if a feed comes through the ready connection of that name. -#}
{% macro is_connected(feed, connection) %}
    {{- return(
        feed in intent_feeds()
        and (feed_connection(feed) or {}).get('name') == connection
    ) -}}
{% endmacro %}


{#-
    How a feed reaches us: none for our own landing contract, else a dict of the
    connection's `name` and its `models`, a dict of table and model name. Stops at a var
    `intent_connections` that says something else.
-#}
{% macro feed_connection(feed) %}
    {%- set connections = var('intent_connections') -%}
    {%- if connections is not mapping -%}
        {%- do stop_at_connection(
            '', connections, 'Give a dict such as {web: segment, shop: shopify_fivetran}'
        ) -%}
    {%- endif -%}
    {%- set feeds = feed_tables() -%}
    {%- for named in connections if named not in feeds -%}
        {%- do stop_at_connection(
            named, connections[named], 'There is no such feed. There are '
            ~ feeds.keys() | join(', ')
        ) -%}
    {%- endfor -%}
    {%- set chosen = connections.get(feed) -%}
    {%- if chosen is none -%}
        {{- return(none) -}}
    {%- elif chosen is mapping and 'models' in chosen -%}
        {{- return(own_connection(feed, chosen)) -}}
    {%- endif -%}
    {%- set name = chosen.connection if chosen is mapping else chosen -%}
    {%- set ready = ready_connections().get(feed, {}) -%}
    {%- set other_keys = [] if chosen is string
        else (chosen | reject('in', ['connection', 'schema', 'database', 'table']) | list)
        if chosen is mapping else ['other'] -%}
    {%- if name not in ready or other_keys -%}
        {%- do stop_at_connection(
            feed, chosen,
            ('Give one of ' ~ ready.keys() | join(', ') ~ ', ' if ready else 'Give ')
            ~ '{connection: ..., schema: ..., database: ...}, or {models: {<table>: '
            ~ '<model of yours>}}; leave the feed out to read our own contract'
        ) -%}
    {%- endif -%}
    {%- set models = {} -%}
    {%- for table in ready[name] -%}
        {%- do models.update({table: 'cnx_' ~ name ~ '__' ~ table}) -%}
    {%- endfor -%}
    {{- return({'name': name, 'models': models}) -}}
{% endmacro %}


{#- A feed that models of one's own bring, as `feed_connection` returns it. -#}
{% macro own_connection(feed, chosen) %}
    {%- set tables = feed_tables()[feed] -%}
    {%- set models = chosen.models -%}
    {%- if chosen.keys() | list != ['models'] or models is not mapping or not models
        or models.keys() | reject('in', tables) | list -%}
        {%- do stop_at_connection(
            feed, chosen, 'Give {models: {<table>: <model of yours>}}, with tables of '
            ~ tables | join(', ')
        ) -%}
    {%- endif -%}
    {{- return({'name': 'models', 'models': models}) -}}
{% endmacro %}


{#- Stops the run: the var `intent_connections` is wrong. -#}
{% macro stop_at_connection(feed, got, remedy) %}
    {%- do exceptions.raise_compiler_error(
        'intent_connections: ' ~ (feed ~ ': ' if feed) ~ "got '" ~ got ~ "'. " ~ remedy
    ) -%}
{% endmacro %}
