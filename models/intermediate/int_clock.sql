select
    {{ intent_as_of() }} as as_of,
    {{ run_id() }} as run_id
