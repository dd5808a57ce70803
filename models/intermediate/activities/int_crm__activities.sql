{{ config(enabled='crm' in var('intent_feeds'), materialized='view') }}

with

contacts as (

    select * from {{ ref('stg_crm__contacts') }}

),

interactions as (

    select * from {{ ref('stg_crm__interactions') }}

),

contacts_named as (

    select
        {{ activity_columns(
            identifiers=['crm_id', 'customer_id', 'email', 'phone'],
            feed_table="'contacts'",
            event_id='crm_id',
            event_name="'Contact Recorded'",
            is_record='true',
            occurred_at='created_at',
            version_at='coalesce(updated_at, created_at)',
            bad_value=impossible_attributes(has_income=true),
        ) }}

    from contacts

),

interactions_named as (

    select
        {{ activity_columns(
            identifiers=['crm_id', 'customer_id', 'email', 'phone'],
            feed_table="'interactions'",
            event_id='interaction_id',
            event_name='event_name',
            business_key="'form:' || form_submission_id",
            measured='points',
            occurred_at='occurred_at',
            reversed_at='expires_at',
            bad_value="case when points < 0 then 'negative_points' end",
        ) }}

    from interactions

),

{{ judge_activities('crm', ['contacts_named', 'interactions_named']) }}
