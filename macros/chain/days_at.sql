{#-
    The final select of what subjects had done at their clocks, of each UTC day, and of
    the signals derived from it, from the CTEs `clocks`, `identifier_clocks` (see
    `identifiers_at`), `contact_orders` (see `orders_at`) and `wanted_activities`, the
    observed activities to read. `of_sheet`: with the `score_model` of each subject.
-#}
{% macro days_at(of_sheet=false) %}
activity_days as (

    select * from {{ ref('int_activity_days') }}

),

-- Read on its own: what is read twice, engines may copy, and these are few.
days_ended as (

    select * from {{ ref('int_activity_days') }}
    where valid_to is not null

),

signals as (

    select * from {{ ref('derived_signals') }}

),

days_taken_back as (

    select distinct
        identifier_clocks.contact_id,
        days_ended.identifier,
        days_ended.activity,
        days_ended.activity_date

    from days_ended
    inner join identifier_clocks
        on days_ended.identifier = identifier_clocks.identifier
    where
        {{ taken_back_since(
            'days_ended', 'days_ended.activity_date', 'identifier_clocks'
        ) }}

),

observed_days as (

    select
        identifier_clocks.contact_id,
        identifier_clocks.rule_version,
        {{ 'identifier_clocks.score_model,' if of_sheet }}
        activity_days.activity,
        activity_days.activity_date,
        activity_days.quantity,
        activity_days.last_at,
        {{ age_days('identifier_clocks.as_of', 'activity_days.last_at') }} as age_days

    from activity_days
    inner join wanted_activities
        on activity_days.activity = wanted_activities.activity
    inner join identifier_clocks
        on activity_days.identifier = identifier_clocks.identifier
    left join days_taken_back
        on
            identifier_clocks.contact_id = days_taken_back.contact_id
            and activity_days.identifier = days_taken_back.identifier
            and activity_days.activity = days_taken_back.activity
            and activity_days.activity_date = days_taken_back.activity_date
    where
        {{ in_force('activity_days', 'identifier_clocks.facts_before') }}
        and {{ known_at(
            'activity_days',
            'activity_days.activity_date',
            'identifier_clocks',
            'days_taken_back',
        ) }}

),

order_days as (

    with
    {{ count_order_days() }}

),

derived_signals as (
    {% for family in [
        'order_values', 'purchase_gaps', 'purchase_due', 'login_weeks', 'loyalty'
    ] %}
        select
            derived.contact_id,
            derived.activity,
            derived.occurred_at

        from (
            with
            {% if family == 'login_weeks' %}
                contact_days as (select * from observed_days),
            {% endif %}
            {{ context['derive_' ~ family]() }}
        ) as derived
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

derived_days as (

    with
    signals as (select * from derived_signals),

    {{ count_signals() }}

),

days_unioned as (

    select
        contact_id,
        rule_version,
        {{ 'score_model,' if of_sheet }}
        activity,
        quantity,
        last_at,
        age_days

    from observed_days
    union all
    select
        derived_days.contact_id,
        clocks.rule_version,
        {{ 'clocks.score_model,' if of_sheet }}
        derived_days.activity,
        derived_days.quantity,
        derived_days.last_at,
        {{ age_days('clocks.as_of', 'derived_days.last_at') }} as age_days

    from derived_days
    inner join clocks
        on derived_days.contact_id = clocks.contact_id

)

select * from days_unioned
{%- endmacro %}
