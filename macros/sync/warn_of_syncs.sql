{#-
    A query of the syncs that ran before and have not for more hours than the var
    `intent_sync_late_hours` says, as of the clock; of none if the var is null.
    `runs` and `clock` are the relations of `fct_sync_run` and `int_clock`.
-#}
{% macro late_syncs(runs, clock) -%}
    {%- set hours = var('intent_sync_late_hours') -%}
    select
        last_runs.sync,
        last_runs.started_at

    from (
        select
            sync,
            max(started_at) as started_at

        from {{ runs }}
        where state in ('done', 'stopped')
        group by sync
    ) as last_runs
    cross join {{ clock }} as clock
    where
        {% if hours is none -%}
            1 = 0
        {%- else -%}
            {{ minutes_later('last_runs.started_at', hours * 60) }} < clock.as_of
        {%- endif %}
{%- endmacro %}


{#- Warns of each sync that the query finds, by name, when tests run. -#}
{% macro warn_of_syncs(late_syncs_sql) %}
    {% if execute and flags.WHICH in ['build', 'test'] %}
        {% for row in run_query(late_syncs_sql ~ ' order by 1').rows %}
            {% do exceptions.warn(
                'the sync ' ~ row[0] ~ ' has not run since ' ~ row[1] ~ ' UTC'
            ) %}
        {% endfor %}
    {% endif %}
{% endmacro %}
