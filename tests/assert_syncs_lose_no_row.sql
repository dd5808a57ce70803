-- Whatever a run was to tell has exactly one end.
with

sync_runs as (

    select * from {{ ref('fct_sync_run') }}

)

select * from sync_runs
where
    state <> 'running'
    and planned <> acknowledged + rejected + deferred + skipped + in_doubt
