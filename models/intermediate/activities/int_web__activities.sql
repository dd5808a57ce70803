{{ config(enabled='web' in var('intent_feeds'), materialized='view') }}

with

events as (

    select * from {{ ref('stg_web__events') }}

),

identifies as (

    select * from {{ ref('stg_web__identifies') }}

),

events_named as (

    select
        {{ activity_columns(
            identifiers=['user_id', 'email', 'anonymous_id'],
            feed_table="'events'",
            event_id='event_id',
            event_name='event_name',
            event_detail="coalesce(
            form,
            feature,
            case
                when campaign is not null then 'campaign'
                when search_phrase is not null then 'search'
            end
        )",
            business_key="'form:' || form_submission_id",
            order_id='order_id',
            is_whole_order='product_id is null',
            product_category='product_category',
            user_agent='user_agent',
            measured='dwell_seconds',
            amount='value',
            currency='currency',
            occurred_at='event_time',
            bad_value="case
            when quantity < 0 then 'negative_quantity'
            when dwell_seconds < 0 then 'negative_dwell'
        end",
        ) }}

    from events

),

identifies_named as (

    select
        {{ activity_columns(
            identifiers=['user_id', 'email', 'phone', 'anonymous_id'],
            feed_table="'identifies'",
            event_id='event_id',
            event_name="'Identify'",
            is_record='true',
            occurred_at='event_time',
        ) }}

    from identifies

),

{{ judge_activities('web', ['events_named', 'identifies_named']) }}
