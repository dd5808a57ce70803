{#-
    When a contact will leave its band if it does nothing more. Time after the clock is
    cut into sixteen spans, those in which the score may fall under the exit again into
    sixteen, and so on, down to a minute: 16^6 minutes are 31 years.

    Within a span no amount is smaller than at its end if it is positive, and at its
    start if it is negative: the score of these is a floor. A span whose floor is not
    under the exit is passed over, so no crossing is jumped over, however negative
    amounts fade. Without negative amounts the floor is the score at the span's end.
-#}
{{ config(materialized='table') }}

{% set rounds = 6 %}
{% set spans = 16 %}

with

shown_score_model as (

    select
        score_model,
        scale

    from {{ ref('score_models') }}
    where {{ is_shown_sheet() }}

),

score_bands as (

    select * from {{ ref('score_bands') }}

),

contact_scores as (

    select * from {{ ref('contact_scores') }}

),

net_points as (

    select * from {{ ref('int_net_points') }}

),

rules as (

    select * from {{ ref('int_scoring_rules') }}

),

rule_groups as (

    select distinct
        contact_id,
        rule_group

    from {{ ref('int_contact_audiences') }}

),

bands_left as (

    select
        contact_scores.contact_id,
        contact_scores.score_model,
        shown_score_model.scale,
        exits.band,
        exits.exit_below

    from contact_scores
    inner join shown_score_model
        on contact_scores.score_model = shown_score_model.score_model
    inner join score_bands as bands
        on
            contact_scores.score_model = bands.score_model
            and contact_scores.segment = bands.band
    inner join score_bands as exits
        on
            bands.score_model = exits.score_model
            and bands.rank <= exits.rank
    where exits.exit_below > 0

),

amounts as (

    select
        net_points.contact_id,
        rules.cap_group,
        rules.group_cap,
        rules.cap,
        rules.half_life_days,
        net_points.decayed_amount as amount

    from net_points
    inner join shown_score_model
        on net_points.score_model = shown_score_model.score_model
    left join rule_groups
        on net_points.contact_id = rule_groups.contact_id
    inner join rules
        on
            net_points.score_model = rules.score_model
            and net_points.activity = rules.activity
            and (
                rules.rule_group is null
                or rules.rule_group = coalesce(rule_groups.rule_group, 0)
            )
    where net_points.decayed_amount <> 0

),

sixteenths as (
    {% for number in range(spans) %}
        select {{ number }} as part
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

spans_0 as (

    select
        bands_left.*,
        cast(0 as bigint) as starts_after

    from bands_left

),

{% for round in range(1, rounds + 1) %}
    {% set minutes = spans ** (rounds - round) %}

    cut_{{ round }} as (

        select
            spans.contact_id,
            spans.score_model,
            spans.scale,
            spans.band,
            spans.exit_below,
            spans.starts_after + sixteenths.part * {{ minutes }} as starts_after,
            spans.starts_after + (sixteenths.part + 1) * {{ minutes }} as ends_after

        from spans_{{ round - 1 }} as spans
        cross join sixteenths

    ),

    faded_{{ round }} as (

        select
            cut.contact_id,
            cut.band,
            cut.starts_after,
            amounts.cap_group,
            amounts.group_cap,
            amounts.cap,
            amounts.amount
            * {{ decayed(minutes_in_days('cut.ends_after'), 'amounts.half_life_days') }}
                as amount,
            amounts.amount * case
                when amounts.amount > 0
                    then {{ decayed(
                        minutes_in_days('cut.ends_after'), 'amounts.half_life_days'
                    ) }}
                else {{ decayed(
                    minutes_in_days('cut.starts_after'), 'amounts.half_life_days'
                ) }}
            end as floor_amount

        from cut_{{ round }} as cut
        inner join amounts
            on cut.contact_id = amounts.contact_id

    ),

    capped_{{ round }} as (

        select
            contact_id,
            band,
            starts_after,
            cap_group,
            group_cap,
            sum({{ saturated('amount', 'cap') }}) as group_score,
            sum({{ saturated('floor_amount', 'cap') }}) as floor_group_score

        from faded_{{ round }}
        group by 1, 2, 3, 4, 5

    ),

    summed_{{ round }} as (

        select
            contact_id,
            band,
            starts_after,
            sum(
                case
                    when group_score > 0
                        then {{ saturated('group_score', 'group_cap') }}
                    else group_score
                end
            ) as raw_score,
            sum(
                case
                    when floor_group_score > 0
                        then {{ saturated('floor_group_score', 'group_cap') }}
                    else floor_group_score
                end
            ) as floor_raw_score

        from capped_{{ round }}
        group by 1, 2, 3

    ),

    scored_{{ round }} as (

        select
            cut.*,
            {{ rounded_score(intent_score('summed.raw_score', 'cut.scale')) }}
                as score,
            {{ rounded_score(intent_score('summed.floor_raw_score', 'cut.scale')) }}
                as floor_score

        from cut_{{ round }} as cut
        inner join summed_{{ round }} as summed
            on
                cut.contact_id = summed.contact_id
                and cut.band = summed.band
                and cut.starts_after = summed.starts_after

    ),

    -- From the first span on at whose end the score is under the exit, none matters.
    ranked_{{ round }} as (

        select
            scored.*,
            coalesce(sum(case when scored.score < scored.exit_below then 1 else 0 end)
                over (
                    partition by scored.contact_id, scored.band
                    order by scored.starts_after
                    rows between unbounded preceding and 1 preceding
                ), 0) as spans_left_before

        from scored_{{ round }} as scored

    ),

    spans_{{ round }} as (

        select
            contact_id,
            score_model,
            scale,
            band,
            exit_below,
            starts_after,
            ends_after,
            score

        from ranked_{{ round }}
        where floor_score < exit_below and spans_left_before = 0

    ),

{% endfor %}

first_minutes as (

    select
        contact_id,
        band,
        min(ends_after) as leaves_after

    from spans_{{ rounds }}
    where score < exit_below
    group by 1, 2

)

select * from first_minutes
