with

-- Rows repeat the same identifiers over and over: first reduce, then unpivot.
rows_told as (
    {% for feed in intent_feeds() %}
        select
            {% for kind in identifier_kinds() %}
                {{ kind }},
            {% endfor %}
            min(occurred_at) as told_at

        from {{ ref('int_' ~ feed ~ '__activities') }}
        where quarantine_reason is null
        group by {{ range(1, 1 + identifier_kinds() | length) | join(', ') }}
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

identified_rows as (

    select
        rows_told.*,
        {{ first_identifier() }} as identifier

    from rows_told

),

pairs as (
    {% for kind in identifier_kinds() %}
        select
            identifier,
            {{ typed_identifier(kind) }} as linked_identifier,
            told_at

        from identified_rows
        where {{ kind }} is not null
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

links as (

    select
        identifier,
        linked_identifier,
        min(told_at) as linked_at

    from pairs
    group by 1, 2

)

select * from links
