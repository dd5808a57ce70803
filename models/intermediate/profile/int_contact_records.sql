{{ config(materialized='view') }}

with

clock as (

    select * from {{ ref('int_clock') }}

),

{% if 'crm' in intent_feeds() %}

    crm_contacts as (

        select * from {{ ref('stg_crm__contacts') }}

    ),

{% endif %}

{% if 'shop' in intent_feeds() %}

    shop_customers as (

        select * from {{ ref('stg_shop__customers') }}

    ),

{% endif %}

-- Whether a record can be used is judged as it is among the activities.
records_unioned as (

    select
        cast(null as {{ dbt.type_string() }}) as feed,
        {{ activity_columns(
            identifiers=[],
            malformed_columns='cast(null as ' ~ dbt.type_string() ~ ')',
            source_file='cast(null as ' ~ dbt.type_string() ~ ')',
            received_at='cast(null as ' ~ dbt.type_timestamp() ~ ')',
        ) }},
        {{ attribute_columns([]) }},
        cast(null as {{ dbt.type_string() }}) as account_id
    where 1 = 0

    {% if 'crm' in intent_feeds() %}

        union all
        select
            'crm' as feed,
            {{ activity_columns(
                identifiers=['crm_id', 'customer_id', 'email', 'phone'],
                event_id='crm_id',
                occurred_at='created_at',
                version_at='coalesce(updated_at, created_at)',
                bad_value=impossible_attributes(has_income=true),
            ) }},
            {{ attribute_columns(declared_attributes()) }},
            account_id

        from crm_contacts

    {% endif %}

    {% if 'shop' in intent_feeds() %}

        union all
        select
            'shop' as feed,
            {{ activity_columns(
                identifiers=['customer_id', 'email', 'phone'],
                event_id='customer_id',
                occurred_at='created_at',
                version_at='coalesce(updated_at, created_at)',
                bad_value=impossible_attributes(),
            ) }},
            {{ attribute_columns([
                'country', 'region', 'city', 'language', 'gender', 'account_type',
                'birth_date',
            ]) }},
            cast(null as {{ dbt.type_string() }}) as account_id

        from shop_customers

    {% endif %}

),

-- Records have no names that could be unknown, and stand for no activity.
records_named as (

    select
        *,
        email as given_email,
        false as has_unknown_name,
        cast(null as {{ dbt.type_string() }}) as activity

    from records_unioned

),

usable as (

    select
        feed,
        account_id,
        case feed
            when 'crm' then {{ typed_identifier('crm_id') }}
            else {{ typed_identifier('customer_id') }}
        end as identifier,
        source_file,
        received_at,
        version_at,
        {{ declared_attributes() | join(',\n        ') }}

    from records_named
    where {{ quarantine_reason() }} is null

),

-- What was written before the clock, and of that the newest of each record.
versions_ranked as (

    select
        usable.*,
        row_number() over (
            partition by usable.identifier
            order by
                usable.version_at desc,
                usable.received_at desc,
                usable.source_file asc
        ) as version_rank

    from usable
    cross join clock
    where usable.version_at < clock.as_of

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
