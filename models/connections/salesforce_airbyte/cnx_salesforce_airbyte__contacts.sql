{{ config(enabled=is_connected('crm', 'salesforce_airbyte')) }}

with

contacts as (

    select
        id as crm_id,
        email,
        coalesce(mobilephone, phone) as phone,
        accountid as account_id,
        mailingcountrycode as country,
        mailingstate as region,
        mailingcity as city,
        title as job_title,
        individualid as individual_id,
        hasoptedoutofemail as email_opt_out,
        donotcall as call_opt_out,
        isdeleted as is_deleted,
        createddate as created_at,
        lastmodifieddate as updated_at,
        _airbyte_extracted_at as received_at,
        malformed_columns

    from {{ loader_table('salesforce_airbyte', 'Contact') }}

),

leads as (

    select
        id as crm_id,
        email,
        coalesce(mobilephone, phone) as phone,
        cast(null as {{ dbt.type_string() }}) as account_id,
        countrycode as country,
        state as region,
        city,
        title as job_title,
        individualid as individual_id,
        hasoptedoutofemail as email_opt_out,
        donotcall as call_opt_out,
        isdeleted as is_deleted,
        createddate as created_at,
        lastmodifieddate as updated_at,
        _airbyte_extracted_at as received_at,
        malformed_columns

    from {{ loader_table('salesforce_airbyte', 'Lead') }}

),

individuals as (

    select
        id as individual_id,
        hasoptedoutprofiling as objected_to_profiling,
        lastmodifieddate as updated_at,
        _airbyte_extracted_at as received_at

    from {{ loader_table('salesforce_airbyte', 'Individual') }}

),

{{ salesforce_contacts() }}
