{{ config(materialized='view') }}

with

clock as (

    select * from {{ ref('int_clock') }}

),

records as (

    select * from {{ ref('int_usable_records') }}

),

-- What was written before the clock, and of that the newest of each record.
versions_ranked as (

    select
        records.*,
        row_number() over (
            partition by records.identifier
            order by
                records.version_at desc,
                records.received_at desc,
                records.source_file asc
        ) as version_rank

    from records
    cross join clock
    where records.version_at < clock.as_of

),

newest as (

    select
        feed,
        identifier,
        account_id,
        version_at,
        {{ declared_attributes() | join(',\n        ') }}

    from versions_ranked
    where version_rank = 1

)

select * from newest
