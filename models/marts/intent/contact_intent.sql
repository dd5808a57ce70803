with

clock as (

    select * from {{ ref('int_clock') }}

),

contacts as (

    select * from {{ ref('int_contacts') }}

),

shown_score_model as (

    select score_model from {{ ref('score_models') }}
    where {{ is_shown_sheet() }}

),

contact_scores as (

    select contact_scores.*
    from {{ ref('contact_scores') }} as contact_scores
    inner join shown_score_model
        on contact_scores.score_model = shown_score_model.score_model

),

drivers as (

    select drivers.*
    from {{ ref('contact_intent_drivers') }} as drivers
    inner join shown_score_model
        on drivers.score_model = shown_score_model.score_model

),

own_doings as (

    select activity from {{ ref('activities') }}
    where coalesce(is_own_doing, true)

),

segments_since as (

    select segments_since.*
    from {{ ref('int_segments_since') }} as segments_since
    inner join shown_score_model
        on segments_since.score_model = shown_score_model.score_model

),

changes as (

    select changes.*
    from {{ ref('contact_intent_changes') }} as changes
    inner join shown_score_model
        on changes.score_model = shown_score_model.score_model

),

contact_fit as (

    select * from {{ ref('contact_fit') }}

),

top_interests as (

    select
        contact_id,
        product_category

    from {{ ref('contact_interests') }}
    where interest_rank = 1

),

contact_stages as (

    select * from {{ ref('int_contact_stages') }}

),

band_ranks as (

    select score_bands.*
    from {{ ref('score_bands') }} as score_bands
    inner join shown_score_model
        on score_bands.score_model = shown_score_model.score_model

),

leaving_times as (

    select
        contact_id,
        min(case when band = 'hot' then leaves_after end) as minutes_hot,
        min(case when band = 'warm' then leaves_after end) as minutes_warm

    from {{ ref('int_cooling_times') }}
    group by 1

),

-- The shop's own people and tests are no contacts to work on.
internal_contacts as (

    select distinct contact_identifiers.contact_id
    from {{ ref('int_internal_identifiers') }} as internal_identifiers
    inner join {{ ref('int_contact_identifiers') }} as contact_identifiers
        on internal_identifiers.identifier = contact_identifiers.identifier

),

contact_days as (

    select contact_days.*
    from {{ ref('int_contact_observed_days') }} as contact_days
    inner join own_doings
        on contact_days.activity = own_doings.activity

),

top_drivers as (

    select
        contact_id,
        max(case when driver_rank = 1 then activity end) as top_driver_1,
        max(case when driver_rank = 2 then activity end) as top_driver_2,
        max(case when driver_rank = 3 then activity end) as top_driver_3

    from drivers
    where net_points > 0
    group by 1

),

feed_health as (

    select * from {{ ref('feed_health') }}

),

activity_spans as (

    select
        contact_id,
        cast(sum(case when age_days < 30 then event_count else 0 end) as bigint)
            as activity_count_30d,
        min(first_at) as first_activity_at,
        max(last_at) as last_activity_at

    from contact_days
    group by 1

),

last_activities as (

    select
        contact_days.contact_id,
        min(contact_days.activity) as last_activity

    from contact_days
    inner join activity_spans
        on
            contact_days.contact_id = activity_spans.contact_id
            and contact_days.last_at = activity_spans.last_activity_at
    group by 1

),

last_days as (

    select max(arrival_date) as arrival_date from feed_health

),

data_horizon as (

    select
        coalesce(
            min(
                case
                    when feed_health.status in ('late', 'silent')
                        then feed_health.newest_event_at
                end
            ),
            max(feed_health.newest_event_at)
        ) as data_as_of

    from feed_health
    inner join last_days
        on feed_health.arrival_date = last_days.arrival_date

),

percentiles as (

    select
        contact_id,
        100 * percent_rank() over (order by {{ rounded_score('intent_score') }})
            as score_percentile

    from contact_scores

),

joined as (

    select
        contacts.contact_id,
        contacts.email,
        contacts.account_id,
        clock.as_of,
        shown_score_model.score_model,
        contact_scores.intent_score,
        contact_scores.segment,
        case
            when contacts.is_suppressed then 'suppressed'
            when
                {{ rounded_score('contact_scores.intent_score') }}
                >= {{ dormant_below() }}
                then 'active'
            when activity_spans.contact_id is null then 'never_active'
            else 'dormant'
        end as state,
        segments_since.segment_since,
        case
            when contact_scores.segment = 'hot'
                then coalesce(
                    {{ minutes_later('clock.as_of', 'leaving_times.minutes_hot') }},
                    {{ never() }}
                )
        end as hot_until,
        case
            when contact_scores.segment in ('hot', 'warm')
                then coalesce(
                    {{ minutes_later('clock.as_of', 'leaving_times.minutes_warm') }},
                    {{ never() }}
                )
        end as warm_until,
        changes.score_to - changes.score_from as score_change_7d,
        percentiles.score_percentile,
        contact_stages.buying_stage,
        contact_fit.fit_score,
        contact_fit.fit_grade,
        contact_fit.fit_grade
        || cast(band_ranks.rank as {{ dbt.type_string() }}) as intent_grade,
        top_drivers.top_driver_1,
        top_drivers.top_driver_2,
        top_drivers.top_driver_3,
        top_interests.product_category as top_interest,
        activity_spans.first_activity_at,
        activity_spans.last_activity_at,
        last_activities.last_activity,
        case
            when not contacts.is_suppressed
                then coalesce(activity_spans.activity_count_30d, 0)
        end as activity_count_30d,
        not contacts.is_suppressed
        and internal_contacts.contact_id is null as is_exportable,
        contacts.is_holdout,
        data_horizon.data_as_of

    from contacts
    cross join clock
    cross join shown_score_model
    cross join data_horizon
    left join contact_scores
        on contacts.contact_id = contact_scores.contact_id
    left join segments_since
        on contacts.contact_id = segments_since.contact_id
    left join changes
        on contacts.contact_id = changes.contact_id
    left join top_interests
        on contacts.contact_id = top_interests.contact_id
    left join contact_fit
        on contacts.contact_id = contact_fit.contact_id
    left join contact_stages
        on contacts.contact_id = contact_stages.contact_id
    left join band_ranks
        on contact_scores.segment = band_ranks.band
    left join internal_contacts
        on contacts.contact_id = internal_contacts.contact_id
    left join leaving_times
        on contacts.contact_id = leaving_times.contact_id
    left join top_drivers
        on contacts.contact_id = top_drivers.contact_id
    left join activity_spans
        on contacts.contact_id = activity_spans.contact_id
    left join last_activities
        on contacts.contact_id = last_activities.contact_id
    left join percentiles
        on contacts.contact_id = percentiles.contact_id

)

select * from joined
