with

subjects as (

    select
        subject_id,
        as_of,
        last_active_at

    from {{ ref('int_evaluation_subjects') }}

),

sheet_scores as (

    select * from {{ ref('int_evaluation_sheet_scores') }}

),

order_quintiles as (

    select * from {{ ref('int_evaluation_order_quintiles') }}

),

edges as (

    select * from {{ ref('int_score_edges') }}

),

scores_unioned as (

    select
        sheet_scores.subject_id,
        sheet_scores.score_model as scorer,
        'sheet' as kind,
        sheet_scores.intent_score as score,
        case
            when sheet_scores.intent_score >= edges.hot_enter_at then 'hot'
            when sheet_scores.intent_score >= edges.warm_enter_at then 'warm'
            else 'cold'
        end as segment

    from sheet_scores
    inner join edges
        on sheet_scores.score_model = edges.score_model
    union all
    select
        subject_id,
        'undecayed' as scorer,
        'baseline' as kind,
        plain_score as score,
        cast(null as {{ dbt.type_string() }}) as segment

    from sheet_scores
    where is_primary
    union all
    -- Who never did anything, is as if it had in 1970.
    select
        subject_id,
        'recency' as scorer,
        'baseline' as kind,
        -{{ rounded_score(
            age_days(
                'as_of',
                "coalesce(last_active_at, cast('1970-01-01' as " ~ dbt.type_timestamp() ~ '))',
            )
        ) }} as score,
        cast(null as {{ dbt.type_string() }}) as segment

    from subjects
    union all
    select
        subjects.subject_id,
        'rfm' as scorer,
        'baseline' as kind,
        coalesce(
            order_quintiles.recency_quintile
            + order_quintiles.frequency_quintile
            + order_quintiles.value_quintile,
            0
        ) as score,
        cast(null as {{ dbt.type_string() }}) as segment

    from subjects
    left join order_quintiles
        on subjects.subject_id = order_quintiles.subject_id

),

final as (

    select
        subject_id,
        scorer,
        kind,
        cast(score as {{ type_double() }}) as score,
        segment

    from scores_unioned

)

select * from final
