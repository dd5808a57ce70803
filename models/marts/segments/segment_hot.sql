select * from {{ ref('contact_intent') }} where segment = 'hot'
