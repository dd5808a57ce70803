{#-
    An email as it is compared: trimmed, in lower case. Google delivers all spellings
    with dots and tags to one mailbox (a.nn+shop@googlemail.com is ann@gmail.com), so
    they become one. What is no email stays as it is: see `is_email`.
-#}
{% macro normalised_email(column) -%}
    {%- set email = 'lower(' ~ clean_text(column) ~ ')' -%}
    {%- set mailbox = dbt.split_part(dbt.split_part(email, "'@'", 1), "'+'", 1) -%}
    case
            when
                ({{ email }} like '%@gmail.com' or {{ email }} like '%@googlemail.com')
                and {{ email }} not like '%@%@%'
                then replace({{ mailbox }}, '.', '') || '@gmail.com'
            else {{ email }}
        end
{%- endmacro %}


{#-
    True if a text has the form of an email: something before the one @, a domain with a
    dot after it, no blank inside. Null if there is none.
-#}
{% macro is_email(column) -%}
    (
        {{ column }} like '%_@_%._%'
        and {{ column }} not like '%@%@%'
        and {{ column }} not like '% %'
    )
{%- endmacro %}
