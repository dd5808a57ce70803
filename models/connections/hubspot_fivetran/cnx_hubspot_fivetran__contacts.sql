{{ config(enabled=is_connected('crm', 'hubspot_fivetran')) }}

with

contacts as (

    select * from {{ loader_table('hubspot_fivetran', 'contact') }}

),

renamed as (

    select
        id as crm_id,
        property_email as email,
        coalesce(property_mobilephone, property_phone) as phone,
        property_associatedcompanyid as account_id,
        property_hs_country_region_code as country,
        property_state as region,
        property_city as city,
        property_hs_language as language,
        property_gender as gender,
        property_degree as education,
        property_jobtitle as job_title,
        property_hs_email_optout as email_opt_out,
        property_createdate as created_at,
        property_lastmodifieddate as updated_at,
        _fivetran_synced as received_at,
        malformed_columns

    from contacts

)

select * from renamed
