with

sync_rows as (

    select * from {{ ref('stg_sync__rows') }}

),

contacts as (

    select contact_id from {{ ref('contact_intent') }}

),

retired_contact_ids as (

    select * from {{ ref('retired_contact_ids') }}

),

contacts_found as (

    select
        sync_rows.run_id,
        sync_rows.seq,
        sync_rows.sync,
        sync_rows.destination,
        sync_rows.row_id,
        coalesce(contacts.contact_id, retired_contact_ids.contact_id) as contact_id,
        sync_rows.op,
        sync_rows.state,
        sync_rows.code,
        sync_rows.field,
        sync_rows.message,
        sync_rows.changed_fields,
        sync_rows.decided_at

    from sync_rows
    left join contacts
        on sync_rows.row_id = contacts.contact_id
    left join retired_contact_ids
        on sync_rows.row_id = retired_contact_ids.retired_contact_id

)

select * from contacts_found
