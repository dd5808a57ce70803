with

identity_limits as (

    select
        *,
        coalesce(identifier_kind, '(blank)') || ', ' || coalesce(linked_kind, '(blank)')
            as rule

    from {{ ref('identity_limits') }}

),

limit_faults as (

    select
        'identity_limits' as sheet,
        rule,
        case
            {% for column in ['identifier_kind', 'linked_kind'] %}
                when
                    {{ column }} is null
                    or {{ column }} not in (
                        {%- for kind in identifier_kinds() %}
                            '{{ kind }}'{{ ',' if not loop.last }}
                        {%- endfor %}
                    )
                    then
                        '{{ column }} must be one of '
                        || '{{ identifier_kinds() | join(", ") }}'
            {% endfor %}
            when identifier_kind = linked_kind then 'linked_kind must be another kind'
            when people is null or people < 1 then 'people must be 1 or more'
        end as fault

    from identity_limits

),

repeated_rows as (

    select
        'identity_limits' as sheet,
        rule,
        'stands ' || cast(count(*) as {{ dbt.type_string() }}) || ' times' as fault

    from identity_limits
    group by 1, 2
    having count(*) > 1

),

faults_unioned as (

    select * from limit_faults
    union all
    select * from repeated_rows

),

faults as (

    select * from faults_unioned
    where fault is not null

)

select * from faults
