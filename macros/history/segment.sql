{#-
    The segment of a rounded score: in a band from its `enter_at` on, out of it under its
    `exit_below`, and in between as before. `edges` has the sheet's edges, `before` the
    flags `was_hot` and `was_warm` (0, 1 or null).
-#}
{% macro segment(score, edges, before) -%}
    case
        when
            {{ score }} >= {{ edges }}.hot_enter_at
            or ({{ score }} >= {{ edges }}.hot_exit_below and {{ before }}.was_hot = 1)
            then 'hot'
        when
            {{ score }} >= {{ edges }}.warm_enter_at
            or (
                {{ score }} >= {{ edges }}.warm_exit_below and {{ before }}.was_warm = 1
            )
            then 'warm'
        else 'cold'
    end
{%- endmacro %}


{#- The midnight before which all midnights before `as_of` are: `as_of` if it is one. -#}
{% macro midnight_after(as_of) -%}
    case
        when cast(cast({{ as_of }} as date) as {{ dbt.type_timestamp() }}) = {{ as_of }}
            then {{ as_of }}
        else cast(
            {{ dbt.dateadd('day', 1, 'cast(' ~ as_of ~ ' as date)') }}
            as {{ dbt.type_timestamp() }}
        )
    end
{%- endmacro %}
