with

clock as (

    select * from {{ ref('int_clock') }}

),

interest_days as (

    select * from {{ ref('int_contact_interest_days') }}

),

shown_score_model as (

    select score_model from {{ ref('score_models') }}
    where {{ is_shown_sheet() }}

),

-- Interest is what adds points. What an order settles was of interest all the same.
rules as (

    select rules.*
    from {{ ref('int_scoring_rules') }} as rules
    inner join shown_score_model
        on rules.score_model = shown_score_model.score_model
    where rules.points > 0

),

days_weighed as (

    select
        interest_days.contact_id,
        interest_days.product_category,
        rules.points
        * least(
            interest_days.quantity,
            coalesce(rules.daily_limit, interest_days.quantity)
        )
        * {{ decayed('interest_days.age_days', 'rules.half_life_days') }} as amount,
        interest_days.last_at

    from interest_days
    inner join rules
        on
            interest_days.activity = rules.activity
            and (
                rules.rule_group is null
                or interest_days.rule_group = rules.rule_group
            )

),

amounts_summed as (

    select
        contact_id,
        product_category,
        sum(amount) as decayed_amount,
        max(last_at) as last_at

    from days_weighed
    group by 1, 2

),

-- What has faded to nothing is left out.
amounts_left as (

    select * from amounts_summed
    where {{ rounded_score('decayed_amount') }} > 0

),

interests as (

    select
        amounts_left.contact_id,
        amounts_left.product_category,
        clock.as_of,
        amounts_left.decayed_amount,
        amounts_left.decayed_amount
        / nullif(
            sum(amounts_left.decayed_amount)
                over (partition by amounts_left.contact_id),
            0
        ) as interest_share,
        row_number() over (
            partition by amounts_left.contact_id
            order by
                {{ rounded_score('amounts_left.decayed_amount') }} desc,
                amounts_left.product_category asc
        ) as interest_rank,
        amounts_left.last_at

    from amounts_left
    cross join clock

)

select * from interests
