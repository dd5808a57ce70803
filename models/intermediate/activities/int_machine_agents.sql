{#- Patterns are tried on the distinct agents, which are few, not on every event. -#}
with

machine_agents as (

    select * from {{ ref('machine_agents') }}

),

user_agents as (
    {% set feeds = ['web', 'email'] | select('in', intent_feeds()) | list %}
    {% for feed in feeds %}
        select user_agent from {{ ref('stg_' ~ feed ~ '__events') }}
        where user_agent is not null
        {{ 'union' if not loop.last }}
    {% else %}
        select cast(null as {{ dbt.type_string() }}) as user_agent
        where 1 = 0
    {% endfor %}

),

matched as (

    select
        user_agents.user_agent,
        min(machine_agents.reason) as reason

    from user_agents
    inner join machine_agents
        on lower(user_agents.user_agent) like machine_agents.pattern
    group by 1

)

select * from matched
