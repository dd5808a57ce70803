{#-
    Built after everything that counts files, so that a file is only told counted once
    it is. Reads the list that the run made at its start.
-#}
-- depends_on: {{ ref('int_activities') }}
with

landed_files as (

    select * from {{ source('raw', 'landed_files') }}

)

select
    source_file,
    feed_table,
    file_format,
    size_bytes,
    modified_at

from landed_files
