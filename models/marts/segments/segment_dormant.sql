select * from {{ ref('contact_intent') }} where state = 'dormant'
