with

contact_intent as (

    select * from {{ ref('contact_intent') }}

)

select * from contact_intent
where segment = 'cold'
