{#-
    The identifier that a row belongs to: the first one present, the surest kind first,
    as '<kind>:<value>'. Null if there is none. Reads the six identifier columns.
-#}
{% macro first_identifier() -%}
    {{ first_of(identifier_kinds()) }}
{%- endmacro %}


{#- The same of some kinds only, given as a list, in its order. -#}
{% macro first_of(kinds) -%}
    case
        {%- for kind in kinds %}
            when {{ kind }} is not null then {{ typed_identifier(kind) }}
        {%- endfor %}
    end
{%- endmacro %}


{#- The kinds of identifiers, the surest first. -#}
{% macro identifier_kinds() %}
    {{- return(['customer_id', 'user_id', 'crm_id', 'email', 'phone', 'anonymous_id']) -}}
{% endmacro %}


{#- An identifier with its kind before it, so that kinds never mix. -#}
{% macro typed_identifier(kind) -%}
    '{{ kind }}:' || {{ kind }}
{%- endmacro %}
