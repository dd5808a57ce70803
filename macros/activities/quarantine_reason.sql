{#-
    Why a row can't be counted; null if it can. The first reason that applies, in a
    fixed order. Reads `malformed_columns`, `event_id`, `occurred_at`, `received_at`,
    `has_unknown_name`, `bad_value` (the feed's own finding), the identifiers and
    `given_email`, the email as the feed gave it.
    `needs_identifier` is the condition under which a row must name somebody.

    A clock may be fast by 5 minutes: a time that lies further after the arrival of the
    row is no time that can be believed. The verdict is final: it depends on the row
    alone, not on the clock of the run.
-#}
{% macro quarantine_reason(needs_identifier='1 = 1') -%}
    {%- set tolerated_seconds = seconds_a_clock_may_be_fast() -%}
    case
        when malformed_columns is not null then 'malformed_value'
        when event_id is null then 'no_event_id'
        when occurred_at is null then 'no_time'
        when has_unknown_name then 'unknown_event_name'
        when bad_value is not null then bad_value
        when {{ first_identifier() }} is null and {{ needs_identifier }}
            then
                case
                    when given_email is not null then 'malformed_email'
                    else 'no_identifier'
                end
        when
            {{ epoch_seconds('occurred_at') }}
            > {{ epoch_seconds('received_at') }} + {{ tolerated_seconds }}
            then 'future_event'
    end
{%- endmacro %}
