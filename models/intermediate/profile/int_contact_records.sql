{{ config(materialized='view') }}

with

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
        {{ attribute_columns([]) }}
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
            {{ attribute_columns(declared_attributes()) }}

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
            ]) }}

        from shop_customers

    {% endif %}

),

-- Records have no names that could be unknown, and stand for no activity.
records_named as (

    select
        *,
        false as has_unknown_name,
        cast(null as {{ dbt.type_string() }}) as activity

    from records_unioned

),

usable as (

    select
        feed,
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

)

select * from usable
