{#-
    Files of the landing folder do not change once they are counted: they are not here.
    A loader rewrites its tables in place. There the rows that arrived within an hour
    stand for a file, and are read again if any of them is another than before.
-#}
{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='source_file',
        on_schema_change='fail',
    )
}}

{% set feeds = intent_feeds() | reject('in', landed_feeds()) | list %}

with

arrivals as (
    {% for feed in feeds %}
        select
            source_file,
            count(*) as row_count,
            {{ rows_fingerprint('feed_rows') }} as fingerprint

        from {{ ref('int_' ~ feed ~ '__activities') }} as feed_rows
        group by 1
        {{ 'union all' if not loop.last }}
    {% else %}
        select
            cast(null as {{ dbt.type_string() }}) as source_file,
            cast(0 as {{ dbt.type_bigint() }}) as row_count,
            cast(null as {{ dbt.type_string() }}) as fingerprint
        where 1 = 0
    {% endfor %}

),

{% if is_incremental() %}

    arrivals_known as (

        select * from {{ this }}

    ),

    -- Of an hour of which all rows are gone, the number is 0.
    arrivals_changed as (

        select
            coalesce(arrivals.source_file, arrivals_known.source_file) as source_file,
            coalesce(arrivals.row_count, 0) as row_count,
            coalesce(arrivals.fingerprint, '') as fingerprint

        from arrivals
        full outer join arrivals_known
            on arrivals.source_file = arrivals_known.source_file
        where
            coalesce(arrivals.row_count, 0) <> coalesce(arrivals_known.row_count, 0)
            or coalesce(arrivals.fingerprint, '')
            <> coalesce(arrivals_known.fingerprint, '')

    ),

{% else %}

    arrivals_changed as (

        select * from arrivals

    ),

{% endif %}

final as (

    select
        source_file,
        row_count,
        fingerprint,
        {{ run_id() }} as run_id

    from arrivals_changed

)

select * from final
