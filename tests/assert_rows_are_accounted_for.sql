-- Every row that came in is somewhere.
with

feed_accounts as (

    select * from {{ ref('feed_accounts') }}

)

select * from feed_accounts
where rows_in <> counted + quarantined + duplicates + superseded + no_activity
