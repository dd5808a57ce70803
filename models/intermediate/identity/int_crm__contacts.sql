{{ config(enabled='crm' in var('intent_feeds')) }}

with

contacts as (

    select
        *,
        coalesce(updated_at, created_at) as version_at

    from {{ ref('stg_crm__contacts') }}
    where crm_id is not null

),

contacts_read as (

    select * from contacts
    where created_at is not null and malformed_columns is null

),

versions_ranked as (

    select
        *,
        row_number() over (
            partition by crm_id
            order by version_at desc, received_at desc, source_file asc
        ) as version_rank

    from contacts_read

),

-- A version that does not speak of profiling takes no objection back.
objections_ranked as (

    select
        crm_id,
        objected_to_profiling,
        row_number() over (
            partition by crm_id
            order by
                version_at desc,
                received_at desc,
                case when objected_to_profiling then 0 else 1 end asc
        ) as objection_rank

    from contacts_read
    where objected_to_profiling is not null

),

-- An objection on a row that could not be read to its end stands.
objections as (

    select crm_id from objections_ranked
    where objection_rank = 1 and objected_to_profiling
    union
    select crm_id from contacts
    where
        objected_to_profiling
        and (created_at is null or malformed_columns is not null)

),

newest as (

    select
        'crm_id:' || versions_ranked.crm_id as identifier,
        versions_ranked.account_id,
        versions_ranked.country,
        objections.crm_id is not null as has_objected,
        coalesce(versions_ranked.email_opt_out, false) as has_opted_out_of_email,
        coalesce(versions_ranked.push_opt_out, false) as has_opted_out_of_push,
        coalesce(versions_ranked.call_opt_out, false) as has_opted_out_of_calls,
        versions_ranked.version_at as recorded_at

    from versions_ranked
    left join objections
        on versions_ranked.crm_id = objections.crm_id
    where versions_ranked.version_rank = 1

)

select * from newest
