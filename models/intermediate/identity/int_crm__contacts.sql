{{ config(enabled='crm' in var('intent_feeds')) }}

with

contacts as (

    select
        *,
        coalesce(updated_at, created_at) as version_at

    from {{ ref('stg_crm__contacts') }}
    where
        crm_id is not null
        and created_at is not null
        and malformed_columns is null

),

versions_ranked as (

    select
        *,
        row_number() over (
            partition by crm_id
            order by version_at desc, received_at desc, source_file asc
        ) as version_rank

    from contacts

),

newest as (

    select
        {{ typed_identifier('crm_id') }} as identifier,
        coalesce(email_opt_out, false) as has_opted_out_of_email,
        coalesce(push_opt_out, false) as has_opted_out_of_push,
        coalesce(call_opt_out, false) as has_opted_out_of_calls

    from versions_ranked
    where version_rank = 1

)

select * from newest
