{{ config(materialized='view') }}

with

{% if 'shop' in intent_feeds() %}

    order_lines as (

        select * from {{ ref('stg_shop__order_lines') }}

    ),

    -- However many lines and pieces: an order tells of each of its categories once.
    order_categories as (

        select distinct
            'order:' || order_id as order_key,
            lower(product_category) as product_category

        from order_lines
        where
            order_line_id is not null
            and order_id is not null
            and product_category is not null
            and malformed_columns is null
            and coalesce(quantity, 1) > 0

    )

{% else %}

    order_categories as (

        select
            cast(null as {{ dbt.type_string() }}) as order_key,
            cast(null as {{ dbt.type_string() }}) as product_category
        where 1 = 0

    )

{% endif %}

select * from order_categories
