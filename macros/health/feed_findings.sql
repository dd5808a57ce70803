{#-
    A query of the feeds that are not as usual now: of the last whole day before the
    clock and, where the clock is within a day, of that one. `feed_health` and `clock`
    are the relations of the models.
-#}
{% macro feed_findings(feed_health, clock) -%}
    select
        feed_health.feed,
        feed_health.feed_table,
        feed_health.arrival_date,
        feed_health.status,
        feed_health.finding

    from {{ feed_health }} as feed_health
    cross join {{ clock }} as clock
    where
        feed_health.status <> 'ok'
        and feed_health.arrival_date
        >= cast({{ dbt.dateadd('day', -1, 'cast(clock.as_of as date)') }} as date)
{%- endmacro %}


{#- Warns of each feed that the query finds, by name, when tests run. -#}
{% macro warn_of_feeds(findings_sql) %}
    {% if execute and flags.WHICH in ['build', 'test'] %}
        {% for row in run_query(findings_sql ~ ' order by 1, 2, 3').rows %}
            {% do exceptions.warn(
                'feed_health: ' ~ row[0] ~ '.' ~ row[1] ~ ' on ' ~ row[2] ~ ' is ' ~ row[3]
                ~ ': ' ~ row[4]
            ) %}
        {% endfor %}
    {% endif %}
{% endmacro %}
