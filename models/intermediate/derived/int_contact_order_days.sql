with

contact_orders as (

    select * from {{ ref('int_contact_orders') }}

),

{{ count_order_days() }}
