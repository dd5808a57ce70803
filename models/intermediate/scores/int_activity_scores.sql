with

activity_scores as (
    {% for category in score_categories() %}
        select * from {{ ref('int_scores__' ~ category) }}
        {{ 'union all' if not loop.last }}
    {% endfor %}

)

select * from activity_scores
