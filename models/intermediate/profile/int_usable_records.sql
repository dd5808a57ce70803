{#-
    What is judged here is what quarantines a row of these tables among the activities.
    (They name somebody by their own key, whatever else they hold.)
-#}
{{ config(materialized='table') }}

with

records_unioned as (

    select
        cast(null as {{ dbt.type_string() }}) as feed,
        cast(null as {{ dbt.type_string() }}) as identifier,
        cast(null as {{ dbt.type_string() }}) as account_id,
        {{ attribute_columns([]) }},
        cast(null as {{ dbt.type_string() }}) as malformed_columns,
        cast(null as {{ dbt.type_string() }}) as source_file,
        cast(null as {{ dbt.type_timestamp() }}) as created_at,
        cast(null as {{ dbt.type_timestamp() }}) as updated_at,
        cast(null as {{ dbt.type_timestamp() }}) as received_at
    where 1 = 0

    {% if 'crm' in intent_feeds() %}

        union all
        select
            'crm' as feed,
            {{ typed_identifier('crm_id') }} as identifier,
            account_id,
            {{ attribute_columns(declared_attributes()) }},
            malformed_columns,
            source_file,
            created_at,
            updated_at,
            received_at

        from {{ ref('stg_crm__contacts') }}

    {% endif %}

    {% if 'shop' in intent_feeds() %}

        union all
        select
            'shop' as feed,
            {{ typed_identifier('customer_id') }} as identifier,
            cast(null as {{ dbt.type_string() }}) as account_id,
            {{ attribute_columns([
                'country', 'region', 'city', 'language', 'gender', 'account_type',
                'birth_date',
            ]) }},
            malformed_columns,
            source_file,
            created_at,
            updated_at,
            received_at

        from {{ ref('stg_shop__customers') }}

    {% endif %}

),

records_judged as (

    select
        *,
        coalesce(updated_at, created_at) as version_at,
        case
            when identifier is null or created_at is null then 1
            when malformed_columns is not null then 1
            when {{ impossible_attributes(has_income=true) }} is not null then 1
            when
                {{ epoch_seconds('created_at') }}
                > {{ epoch_seconds('received_at') }}
                + {{ seconds_a_clock_may_be_fast() }}
                then 1
            else 0
        end as is_unusable

    from records_unioned

),

usable as (

    select
        feed,
        identifier,
        account_id,
        version_at,
        received_at,
        source_file,
        {{ declared_attributes() | join(',\n        ') }}

    from records_judged
    where is_unusable = 0

)

select * from usable
