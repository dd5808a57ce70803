with

feed_days as (

    select * from {{ ref('int_feed_days') }}

),

expectations as (

    select * from {{ ref('feed_expectations') }}

),

days_expected as (

    select
        feed_days.*,
        feed_days.rows_arrived / nullif(feed_days.median_rows, 0) as share_of_median,
        feed_days.is_over
        and not feed_days.is_quiet
        and feed_days.median_rows >= expectations.least_rows as is_volume_judged,
        feed_days.rows_arrived >= expectations.least_rows as are_shares_judged,
        expectations.late_after_hours,
        expectations.silent_after_hours,
        expectations.least_share_of_median,
        expectations.most_share_of_median,
        expectations.most_quarantine_share,
        expectations.most_unknown_share

    from feed_days
    left join expectations
        on
            feed_days.feed = expectations.feed
            and feed_days.feed_table = expectations.feed_table

),

days_judged as (

    select
        *,
        case
            when silent_hours > silent_after_hours then 'silent'
            when silent_hours > late_after_hours then 'late'
            when is_volume_judged and share_of_median < least_share_of_median
                then 'collapsed'
            when are_shares_judged and unknown_name_share > most_unknown_share
                then 'unknown_names'
            when are_shares_judged and quarantine_share > most_quarantine_share
                then 'dirty'
            when is_volume_judged and share_of_median > most_share_of_median
                then 'surging'
            else 'ok'
        end as status

    from days_expected

),

final as (

    select
        feed,
        feed_table,
        arrival_date,
        rows_arrived,
        rows_happened,
        median_rows,
        share_of_median,
        quarantine_share,
        unknown_name_share,
        newest_event_at,
        newest_arrival_at,
        silent_hours,
        status,
        case
            when status in ('late', 'silent')
                then
                    'nothing had arrived for '
                    || {{ whole_text('floor(silent_hours)') }}
                    || ' hours'
            when status in ('collapsed', 'surging')
                then
                    {{ whole_text('rows_arrived') }}
                    || ' rows arrived, where '
                    || {{ whole_text('floor(median_rows + 0.5)') }}
                    || ' are usual on this weekday'
            when status = 'dirty'
                then
                    {{ whole_text('floor(100 * quarantine_share + 0.5)') }}
                    || '% of the rows can not be used: see quarantined_events'
            when status = 'unknown_names'
                then
                    {{ whole_text('floor(100 * unknown_name_share + 0.5)') }}
                    || '% of the rows have names that event_names does not list'
        end as finding

    from days_judged

)

select * from final
