{#-
    The final select of what is known of contacts, one row per contact and attribute,
    from the CTEs `contact_records` (records with their contact_id), `contact_orders` and
    `clocks` (contact_id, as_of: the contacts to tell of). `wanted`: a CTE of the
    attributes to tell; null: all.
-#}
{% macro tell_attributes(wanted=none) %}
{%- set declared_texts = [
    'country', 'region', 'city', 'language', 'gender', 'education', 'job_title',
    'interests', 'account_type',
] -%}
{%- set order_texts = ['order_currency', 'customer_type'] -%}
{%- set order_numbers = ['order_count', 'order_value', 'days_since_first_order'] -%}
-- Compared in small letters; lists without blanks around their parts.
records_cleaned as (

    select
        contact_records.contact_id,
        contact_records.feed,
        contact_records.identifier,
        contact_records.version_at,
        lower(contact_records.country) as country,
        lower(contact_records.region) as region,
        lower(contact_records.city) as city,
        {{ dbt.split_part(
            "lower(replace(contact_records.language, '_', '-'))", "'-'", 1
        ) }} as language,
        lower(contact_records.gender) as gender,
        lower(contact_records.education) as education,
        lower(contact_records.job_title) as job_title,
        {{ clean_list('contact_records.interests') }} as interests,
        lower(contact_records.account_type) as account_type,
        contact_records.income,
        {{ age_years('contact_records.birth_date', 'clocks.as_of') }} as age

    from contact_records
    inner join clocks
        on contact_records.contact_id = clocks.contact_id

),

attributes_declared as (
    {% for attribute in declared_texts %}
        select
            contact_id,
            feed,
            identifier,
            version_at,
            '{{ attribute }}' as attribute,
            {{ attribute }} as value,
            cast(null as {{ type_double() }}) as number_value

        from records_cleaned
        where {{ is_told(attribute, wanted) }}
        union all
    {% endfor %}
    {% for attribute in ['income', 'age'] %}
        select
            contact_id,
            feed,
            identifier,
            version_at,
            '{{ attribute }}' as attribute,
            {{ whole_number_text(attribute) }} as value,
            cast({{ attribute }} as {{ type_double() }}) as number_value

        from records_cleaned
        where {{ is_told(attribute, wanted) }}
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

-- Where records of one contact differ, the one written last is believed.
declared_ranked as (

    select
        *,
        row_number() over (
            partition by contact_id, attribute
            order by version_at desc, feed asc, identifier asc
        ) as record_rank

    from attributes_declared

),

order_totals as (

    select
        clocks.contact_id,
        clocks.as_of,
        count(orders.order_key) as order_count,
        min(orders.ordered_at) as first_ordered_at

    from clocks
    left join contact_orders as orders
        on clocks.contact_id = orders.contact_id
    group by 1, 2

),

currencies_ranked as (

    select
        contact_id,
        currency,
        sum(amount) as order_value,
        row_number() over (
            partition by contact_id
            order by count(*) desc, max(ordered_at) desc, currency asc
        ) as currency_rank

    from contact_orders
    where amount is not null
    group by 1, 2

),

order_facts as (

    select
        order_totals.contact_id,
        order_totals.order_count,
        currencies_ranked.order_value,
        currencies_ranked.currency as order_currency,
        floor(
            {{ age_days('order_totals.as_of', 'order_totals.first_ordered_at') }}
        ) as days_since_first_order,
        case
            when order_totals.order_count = 0 then 'none'
            when order_totals.order_count = 1 then 'first_time'
            else 'repeat'
        end as customer_type

    from order_totals
    left join currencies_ranked
        on
            order_totals.contact_id = currencies_ranked.contact_id
            and currencies_ranked.currency_rank = 1

),

attributes_unioned as (

    select
        contact_id,
        attribute,
        value,
        number_value

    from declared_ranked
    where record_rank = 1
    {% for attribute in order_texts %}
        union all
        select
            contact_id,
            '{{ attribute }}' as attribute,
            lower({{ attribute }}) as value,
            cast(null as {{ type_double() }}) as number_value

        from order_facts
        where {{ is_told(attribute, wanted) }}
    {% endfor %}
    {% for attribute in order_numbers %}
        union all
        select
            contact_id,
            '{{ attribute }}' as attribute,
            {{ whole_number_text(attribute) }} as value,
            cast({{ attribute }} as {{ type_double() }}) as number_value

        from order_facts
        where {{ is_told(attribute, wanted) }}
    {% endfor %}

)

select * from attributes_unioned
{%- endmacro %}


{#- True for rows that have an attribute, if it is `wanted`. -#}
{% macro is_told(attribute, wanted) -%}
    {{ attribute }} is not null
    {%- if wanted %}
        and '{{ attribute }}' in (select attribute from {{ wanted }})
    {%- endif %}
{%- endmacro %}
