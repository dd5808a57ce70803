{#-
    The final select of a feed's activities: the rows of the model's CTEs `relations`,
    each made with `activity_columns`, with the activity that they stand for, the
    identifier that they belong to, and the reason for which they can't be counted, if
    there is one. `needs_identifier` is the condition under which a row must name
    somebody.

    The seed `event_names` says which activity a name stands for: '<name>: <detail>' if
    it is listed, else the name alone. What an event measures counts in whole units,
    and no more of it than a whole number can hold.
-#}
{% macro judge_activities(feed, relations, needs_identifier='1 = 1') %}
{%- set most_measured = 1000000000 -%}
event_names as (

    select * from {{ ref('event_names') }}
    where feed = '{{ feed }}'

),

unioned as (

    {%- for relation in relations %}

    select * from {{ relation }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

-- What has not the form of an email names nobody.
emails_checked as (

    select
        {%- for column in activity_column_types() if column != 'email' %}
        {{ column }},
        {%- endfor %}
        case when {{ is_email('email') }} then email end as email,
        email as given_email

    from unioned

),

unioned_named as (

    select
        emails_checked.*,
        case
            when detailed.event_name is not null then detailed.activity
            else general.activity
        end as activity,
        coalesce(detailed.effect, general.effect) as effect,
        coalesce(detailed.event_name, general.event_name) is null
            and not coalesce(emails_checked.is_record, false) as has_unknown_name

    from emails_checked
    left join event_names as general
        on emails_checked.event_name = general.event_name
    left join event_names as detailed
        on
            emails_checked.event_name || ': ' || lower(emails_checked.event_detail)
            = detailed.event_name

),

judged as (

    select
        '{{ feed }}' as feed,
        feed_table,
        event_id,
        event_name,
        activity,
        coalesce(
            business_key,
            case when activity = 'purchase' then 'order:' || order_id end,
            '{{ feed }}:' || feed_table || ':' || event_id
        ) as business_key,
        {%- for kind in identifier_kinds() %}
        {{ kind }},
        {%- endfor %}
        {{ first_identifier() }} as identifier,
        case when effect = 'takes_order_back' and is_whole_order then order_id end
            as reversed_order_id,
        product_category,
        user_agent,
        message_id,
        is_machine_flagged,
        cast(case
            when effect <> 'measured' or effect is null then 1
            when measured > 0 then floor(least(measured, {{ most_measured }}))
            else 0
        end as {{ dbt.type_bigint() }}) as quantity,
        amount,
        currency,
        {{ quarantine_reason(needs_identifier) }} as quarantine_reason,
        malformed_columns,
        source_file,
        occurred_at,
        received_at,
        version_at,
        reversed_at

    from unioned_named

)

select * from judged
{%- endmacro %}
