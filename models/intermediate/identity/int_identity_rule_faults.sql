with

identity_limits as (

    select
        *,
        {{ rule_name(['identifier_kind', 'linked_kind']) }} as rule

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

{{ rule_faults(
    sheets=['identity_limits'],
    checks=['limit_faults'],
) }}
