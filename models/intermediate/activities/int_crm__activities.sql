{{ config(enabled='crm' in var('intent_feeds'), materialized='view') }}

with

contacts as (

    select * from {{ ref('stg_crm__contacts') }}

),

interactions as (

    select * from {{ ref('stg_crm__interactions') }}

),

identifier_links as (

    select * from {{ ref('stg_crm__identifier_links') }}

),

identifier_links_counted as (

    select
        *,
        case when {{ is_email('email') }} then 1 else 0 end
        {%- for kind in identifier_kinds() if kind != 'email' %}
            + case when {{ kind }} is not null then 1 else 0 end
        {%- endfor %} as identifier_count

    from identifier_links

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

identifier_links_named as (

    select
        {{ activity_columns(
            identifiers=identifier_kinds(),
            feed_table="'identifier_links'",
            event_id='event_id',
            is_record='true',
            event_name="case
            when is_withdrawn then 'Identifiers Unlinked'
            else 'Identifiers Linked'
        end",
            occurred_at='event_time',
            bad_value="case when identifier_count = 1 then 'no_second_identifier' end",
        ) }}

    from identifier_links_counted

),

{{ judge_activities(
    'crm', ['contacts_named', 'interactions_named', 'identifier_links_named']
) }}
