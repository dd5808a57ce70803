{{ config(enabled=is_connected('crm', 'hubspot_airbyte')) }}

with

contacts as (

    select * from {{ loader_table('hubspot_airbyte', 'contacts') }}
    where not coalesce(archived, false)

),

renamed as (

    select
        id as crm_id,
        properties_email as email,
        coalesce(properties_mobilephone, properties_phone) as phone,
        properties_associatedcompanyid as account_id,
        properties_hs_country_region_code as country,
        properties_state as region,
        properties_city as city,
        properties_hs_language as language,
        properties_gender as gender,
        properties_degree as education,
        properties_jobtitle as job_title,
        properties_hs_email_optout as email_opt_out,
        createdat as created_at,
        updatedat as updated_at,
        _airbyte_extracted_at as received_at,
        malformed_columns

    from contacts

)

select * from renamed
