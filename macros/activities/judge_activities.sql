{#-
    The final select of a feed's activities: the rows of the model's CTEs `relations`,
    each made with `activity_columns`, with the identifier that they belong to and the
    reason for which they can't be counted, if there is one. `needs_identifier` is the
    condition under which a row must name somebody.

    A row without a business key is told by this feed alone.
-#}
{% macro judge_activities(feed, relations, needs_identifier='1 = 1') %}
unioned as (

    {%- for relation in relations %}

    select * from {{ relation }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

judged as (

    select
        '{{ feed }}' as feed,
        feed_table,
        event_id,
        event_name,
        activity,
        coalesce(business_key, '{{ feed }}:' || event_id) as business_key,
        {%- for kind in identifier_kinds() %}
        {{ kind }},
        {%- endfor %}
        {{ first_identifier() }} as identifier,
        reversed_order_id,
        product_category,
        user_agent,
        message_id,
        is_machine_flagged,
        quantity,
        amount,
        currency,
        {{ quarantine_reason(needs_identifier) }} as quarantine_reason,
        malformed_columns,
        source_file,
        occurred_at,
        received_at,
        version_at,
        reversed_at

    from unioned

)

select * from judged
{%- endmacro %}
