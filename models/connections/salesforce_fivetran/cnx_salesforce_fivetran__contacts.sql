{{ config(enabled=is_connected('crm', 'salesforce_fivetran')) }}

with

contacts as (

    select
        id as crm_id,
        email,
        coalesce(mobile_phone, phone) as phone,
        account_id as account_id,
        mailing_country_code as country,
        mailing_state as region,
        mailing_city as city,
        title as job_title,
        individual_id as individual_id,
        has_opted_out_of_email as email_opt_out,
        do_not_call as call_opt_out,
        is_deleted,
        created_date as created_at,
        last_modified_date as updated_at,
        _fivetran_synced as received_at,
        malformed_columns

    from {{ loader_table('salesforce_fivetran', 'contact') }}

),

leads as (

    select
        id as crm_id,
        email,
        coalesce(mobile_phone, phone) as phone,
        cast(null as {{ dbt.type_string() }}) as account_id,
        country_code as country,
        state as region,
        city,
        title as job_title,
        individual_id as individual_id,
        has_opted_out_of_email as email_opt_out,
        do_not_call as call_opt_out,
        is_deleted,
        created_date as created_at,
        last_modified_date as updated_at,
        _fivetran_synced as received_at,
        malformed_columns

    from {{ loader_table('salesforce_fivetran', 'lead') }}

),

individuals as (

    select
        id as individual_id,
        has_opted_out_profiling as objected_to_profiling,
        last_modified_date as updated_at,
        _fivetran_synced as received_at

    from {{ loader_table('salesforce_fivetran', 'individual') }}

),

{{ salesforce_contacts() }}
