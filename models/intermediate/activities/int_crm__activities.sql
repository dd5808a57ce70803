{{ config(enabled='crm' in var('intent_feeds'), materialized='view') }}

with

contacts as (

    select * from {{ ref('stg_crm__contacts') }}

),

contacts_named as (

    select
        {{ activity_columns(
            identifiers=['crm_id', 'customer_id', 'email', 'phone'],
            feed_table="'contacts'",
            event_id='crm_id',
            event_name="'Contact Recorded'",
            occurred_at='created_at',
            version_at='coalesce(updated_at, created_at)',
        ) }}

    from contacts

),

{{ judge_activities('crm', ['contacts_named']) }}
