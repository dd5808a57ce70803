{#-
    How far the formula for CRMs may be from the score in the year after the clock.

    Both are worked out at moments of that year, which lie the closer the sooner they
    are. Between two moments, their difference in points strays from a straight line by
    an eighth of the squared time between them times its curvature at most. That of an
    amount, however capped, is within rate^2 * |amount| one way and e^-2 times as much
    the other way; a group cap adds (sum of rate * |amount|)^2 / group cap. All of these
    only shrink. A point makes a difference of 5 / scale * e^(-points / scale) to the
    score, and points fall between moments by no more than negative amounts let them
    rise again.
-#}
{% set moments = 29 %}

with

shown_score_model as (

    select
        score_model,
        scale

    from {{ ref('score_models') }}
    where {{ is_shown_sheet() }}

),

amounts as (

    select decay_state.*
    from {{ ref('contact_decay_state') }} as decay_state
    inner join shown_score_model
        on decay_state.score_model = shown_score_model.score_model

),

curves as (

    select * from {{ ref('int_decay_curves') }}
    where curve_number <= {{ decay_field_count() }}

),

-- From half a day on, each step is a fifth longer than the one before: 409 days.
moments as (
    {% for number in range(moments) %}
        select
            {{ number }} as moment,
            cast({{ (2.5 * (1.2 ** number - 1)) | round(2) }} as {{ type_double() }})
                as days_ahead
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

-- Engines sum by numbers faster than by names.
groups as (

    select
        contact_id,
        cap_group,
        group_cap,
        dense_rank() over (order by contact_id) as contact_number,
        row_number() over (order by contact_id, cap_group) as group_number

    from amounts
    group by 1, 2, 3

),

contacts as (

    select distinct
        contact_id,
        contact_number

    from groups

),

amounts_numbered as (

    select
        groups.group_number,
        amounts.cap,
        amounts.decay_rate_per_day as rate,
        amounts.amount

    from amounts
    inner join groups
        on
            amounts.contact_id = groups.contact_id
            and amounts.cap_group = groups.cap_group

),

amounts_faded as (

    select
        amounts_numbered.group_number,
        moments.moment,
        amounts_numbered.cap,
        amounts_numbered.rate,
        {{ faded(
            'amounts_numbered.amount', 'amounts_numbered.rate', 'moments.days_ahead'
        ) }} as amount

    from amounts_numbered
    cross join moments

),

groups_added_up as (

    select
        group_number,
        moment,
        sum({{ saturated('amount', 'cap') }}) as group_score,
        sum(rate * abs(amount)) as slope,
        sum(rate * rate * abs(amount)) as curvature,
        sum(case when amount < 0 then rate * abs(amount) else 0 end) as rise

    from amounts_faded
    group by 1, 2

),

scores_exact as (

    select
        groups.contact_number,
        groups_added_up.moment,
        sum(
            case
                when groups_added_up.group_score > 0
                    then {{ saturated(
                        'groups_added_up.group_score', 'groups.group_cap'
                    ) }}
                else groups_added_up.group_score
            end
        ) as raw_score,
        (1 + {{ exp_of_minus('2') }}) * sum(groups_added_up.curvature)
        + sum(
            coalesce(
                groups_added_up.slope * groups_added_up.slope
                / nullif(groups.group_cap, 0),
                0
            )
        ) as curvature,
        sum(groups_added_up.rise) as rise

    from groups_added_up
    inner join groups
        on groups_added_up.group_number = groups.group_number
    group by 1, 2

),

scores_by_formula as (

    select
        contacts.contact_number,
        moments.moment,
        sum(
            {{ damped(
                'curves.amount', 'curves.rate', 'curves.damping', 'moments.days_ahead'
            ) }}
        ) as raw_score

    from curves
    inner join contacts
        on curves.contact_id = contacts.contact_id
    cross join moments
    group by 1, 2

),

scores_compared as (

    select
        scores_exact.contact_number,
        moments.moment,
        moments.days_ahead,
        abs(coalesce(scores_by_formula.raw_score, 0) - scores_exact.raw_score)
            as difference,
        least(coalesce(scores_by_formula.raw_score, 0), scores_exact.raw_score)
            as least_raw_score,
        scores_exact.curvature,
        scores_exact.rise

    from scores_exact
    inner join moments
        on scores_exact.moment = moments.moment
    left join scores_by_formula
        on
            scores_exact.contact_number = scores_by_formula.contact_number
            and scores_exact.moment = scores_by_formula.moment

),

stretches as (

    select
        contact_number,
        curvature,
        rise,
        difference,
        lead(difference) over moments_of_contact as next_difference,
        lead(least_raw_score) over moments_of_contact as next_least_raw_score,
        lead(days_ahead) over moments_of_contact - days_ahead as length_days

    from scores_compared
    window moments_of_contact as (partition by contact_number order by moment)

),

stretches_bounded as (

    select
        contact_number,
        greatest(difference, next_difference)
        + length_days * length_days / 8 * curvature as most_difference,
        greatest(next_least_raw_score - length_days * rise, 0) as least_points

    from stretches
    where length_days is not null

),

errors as (

    select
        contacts.contact_id,
        max(
            5 / nullif(shown_score_model.scale, 0)
            * {{ exp_of_minus(
                'stretches_bounded.least_points / nullif(shown_score_model.scale, 0)'
            ) }}
            * stretches_bounded.most_difference
        ) as max_error

    from stretches_bounded
    inner join contacts
        on stretches_bounded.contact_number = contacts.contact_number
    cross join shown_score_model
    group by 1

)

select * from errors
