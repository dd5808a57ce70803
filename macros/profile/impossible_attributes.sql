{#-
    'impossible_value' for a version of a contact's record that declares what can't be:
    a birth after the version was written, or an income below 0; else null. Reads
    `birth_date`, `updated_at`, `created_at` and, where the table has it, `income`.
-#}
{% macro impossible_attributes(has_income=false) -%}
    case
        when birth_date > coalesce(updated_at, created_at) then 'impossible_value'
        {%- if has_income %}
            when income < 0 then 'impossible_value'
        {%- endif %}
    end
{%- endmacro %}
