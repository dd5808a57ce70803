{{ config(enabled='shop' in var('intent_feeds'), materialized='view') }}

with

customers as (

    select * from {{ ref('stg_shop__customers') }}

),

orders as (

    select * from {{ ref('stg_shop__orders') }}

),

order_lines as (

    select * from {{ ref('stg_shop__order_lines') }}

),

returns as (

    select * from {{ ref('stg_shop__returns') }}

),

orders_named as (

    select
        'orders' as feed_table,
        order_id as event_id,
        'Order Placed' as event_name,
        'purchase' as activity,
        order_id as business_key,
        customer_id,
        cast(null as {{ dbt.type_string() }}) as user_id,
        cast(null as {{ dbt.type_string() }}) as crm_id,
        email,
        phone,
        cast(null as {{ dbt.type_string() }}) as anonymous_id,
        cast(null as {{ dbt.type_string() }}) as reversed_order_id,
        malformed_columns,
        source_file,
        ordered_at as occurred_at,
        received_at,
        coalesce(updated_at, cancelled_at, ordered_at) as version_at,
        cancelled_at as reversed_at,
        cast(null as {{ dbt.type_string() }}) as bad_value,
        cast(null as {{ dbt.type_string() }}) as machine_reason

    from orders

),

returns_named as (

    select
        'returns' as feed_table,
        return_id as event_id,
        'Order Returned' as event_name,
        'returned' as activity,
        return_id as business_key,
        customer_id,
        cast(null as {{ dbt.type_string() }}) as user_id,
        cast(null as {{ dbt.type_string() }}) as crm_id,
        email,
        cast(null as {{ dbt.type_string() }}) as phone,
        cast(null as {{ dbt.type_string() }}) as anonymous_id,
        case when is_full_return then order_id end as reversed_order_id,
        malformed_columns,
        source_file,
        returned_at as occurred_at,
        received_at,
        received_at as version_at,
        cast(null as {{ dbt.type_timestamp() }}) as reversed_at,
        cast(null as {{ dbt.type_string() }}) as bad_value,
        cast(null as {{ dbt.type_string() }}) as machine_reason

    from returns

),

customers_named as (

    select
        'customers' as feed_table,
        customer_id as event_id,
        'Customer Recorded' as event_name,
        cast(null as {{ dbt.type_string() }}) as activity,
        customer_id as business_key,
        customer_id,
        cast(null as {{ dbt.type_string() }}) as user_id,
        cast(null as {{ dbt.type_string() }}) as crm_id,
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

    from customers

),

order_lines_named as (

    select
        'order_lines' as feed_table,
        order_line_id as event_id,
        'Order Line Recorded' as event_name,
        cast(null as {{ dbt.type_string() }}) as activity,
        order_line_id as business_key,
        cast(null as {{ dbt.type_string() }}) as customer_id,
        cast(null as {{ dbt.type_string() }}) as user_id,
        cast(null as {{ dbt.type_string() }}) as crm_id,
        cast(null as {{ dbt.type_string() }}) as email,
        cast(null as {{ dbt.type_string() }}) as phone,
        cast(null as {{ dbt.type_string() }}) as anonymous_id,
        cast(null as {{ dbt.type_string() }}) as reversed_order_id,
        malformed_columns,
        source_file,
        received_at as occurred_at,
        received_at,
        cast(null as {{ dbt.type_timestamp() }}) as version_at,
        cast(null as {{ dbt.type_timestamp() }}) as reversed_at,
        case when quantity < 0 then 'negative_quantity' end as bad_value,
        cast(null as {{ dbt.type_string() }}) as machine_reason

    from order_lines

),

unioned as (

    select * from orders_named
    union all
    select * from returns_named
    union all
    select * from customers_named
    union all
    select * from order_lines_named

),

judged as (

    select
        'shop' as feed,
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
        {{ quarantine_reason("feed_table <> 'order_lines'") }} as quarantine_reason,
        malformed_columns,
        source_file,
        occurred_at,
        received_at,
        version_at,
        reversed_at

    from unioned

)

select * from judged
