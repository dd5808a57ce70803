{{ config(enabled='crm' in var('intent_feeds'), materialized='view') }}

with

contacts as (

    select * from {{ ref('stg_crm__contacts') }}

),

contacts_named as (

    select
        'contacts' as feed_table,
        crm_id as event_id,
        'Contact Recorded' as event_name,
        cast(null as {{ dbt.type_string() }}) as activity,
        crm_id as business_key,
        customer_id,
        cast(null as {{ dbt.type_string() }}) as user_id,
        crm_id,
        email,
        phone,
        cast(null as {{ dbt.type_string() }}) as anonymous_id,
        cast(null as {{ dbt.type_string() }}) as reversed_order_id,
        malformed_columns,
        source_file,
        created_at as occurred_at,
        received_at,
        coalesce(updated_at, created_at) as version_at,
        cast(null as {{ dbt.type_timestamp() }}) as reversed_at,
        cast(null as {{ dbt.type_string() }}) as bad_value,
        cast(null as {{ dbt.type_string() }}) as machine_reason

    from contacts

),

judged as (

    select
        'crm' as feed,
        feed_table,
        event_id,
        event_name,
        activity,
        business_key,
        customer_id,
        user_id,
        crm_id,
        email,
        phone,
        anonymous_id,
        {{ first_identifier() }} as identifier,
        reversed_order_id,
        {{ quarantine_reason() }} as quarantine_reason,
        malformed_columns,
        source_file,
        occurred_at,
        received_at,
        version_at,
        reversed_at

    from contacts_named

)

select * from judged
