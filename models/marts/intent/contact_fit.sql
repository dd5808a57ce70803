with

clock as (

    select * from {{ ref('int_clock') }}

),

contacts as (

    select contact_id from {{ ref('int_contacts') }}
    where not is_suppressed

),

fit_points as (

    select * from {{ ref('int_fit_points') }}

),

fit_rules as (

    select * from {{ ref('fit_rules') }}

),

fit_grades as (

    select * from {{ ref('fit_grades') }}

),

attributes_weighed as (

    select
        attribute,
        max(case when points > 0 then points else 0 end) as attainable_points

    from fit_rules
    group by 1

),

all_attributes as (

    select sum(attainable_points) as attainable_points
    from attributes_weighed

),

points_summed as (

    select
        contact_id,
        sum(points) as points,
        sum(attainable_points) as attainable_points

    from fit_points
    group by 1

),

scores as (

    select
        contacts.contact_id,
        100 * case when points_summed.points > 0 then points_summed.points else 0 end
        / nullif(points_summed.attainable_points, 0) as fit_score,
        coalesce(points_summed.attainable_points, 0)
        / nullif(all_attributes.attainable_points, 0) as fit_known_share

    from contacts
    cross join all_attributes
    left join points_summed
        on contacts.contact_id = points_summed.contact_id

),

scores_graded as (

    select
        scores.contact_id,
        clock.as_of,
        scores.fit_score,
        min(fit_grades.fit_grade) as fit_grade,
        scores.fit_known_share

    from scores
    cross join clock
    left join fit_grades
        on {{ rounded_score('scores.fit_score') }} >= fit_grades.enter_at
    group by 1, 2, 3, 5

)

select * from scores_graded
