with

clock as (

    select * from {{ ref('int_clock') }}

),

-- Whoever acts on an account acts on its contacts: the hold-out is not among them.
contacts as (

    select
        contact_id,
        account_id

    from {{ ref('int_contacts') }}
    where account_id is not null and not is_suppressed and not is_holdout

),

contact_scores as (

    select * from {{ ref('contact_scores') }}

),

contact_fit as (

    select * from {{ ref('contact_fit') }}

),

score_models as (

    select * from {{ ref('score_models') }}

),

score_bands as (

    select * from {{ ref('score_bands') }}

),

-- A contact that pulls itself down takes nothing from its colleagues.
contacts_joined as (

    select
        contacts.account_id,
        contact_scores.score_model,
        contact_scores.contact_id,
        greatest(contact_scores.raw_score, 0) as raw_score,
        contact_fit.fit_score,
        case
            when contact_scores.raw_score > 0
                then row_number() over (
                    partition by contacts.account_id, contact_scores.score_model
                    order by
                        {{ rounded_score('contact_scores.raw_score') }} desc,
                        contact_scores.contact_id asc
                )
        end as carrier_rank

    from contacts
    inner join contact_scores
        on contacts.contact_id = contact_scores.contact_id
    inner join contact_fit
        on contacts.contact_id = contact_fit.contact_id

),

accounts as (

    select
        account_id,
        score_model,
        count(*) as contact_count,
        sum(raw_score) as raw_score,
        avg(fit_score) as fit_score,
        max(case when carrier_rank = 1 then contact_id end) as top_contact_1,
        max(case when carrier_rank = 1 then raw_score end) as top_raw_score_1,
        max(case when carrier_rank = 2 then contact_id end) as top_contact_2,
        max(case when carrier_rank = 2 then raw_score end) as top_raw_score_2,
        max(case when carrier_rank = 3 then contact_id end) as top_contact_3,
        max(case when carrier_rank = 3 then raw_score end) as top_raw_score_3

    from contacts_joined
    group by 1, 2

),

accounts_scored as (

    select
        accounts.*,
        {{ intent_score('accounts.raw_score', 'score_models.scale') }} as intent_score

    from accounts
    inner join score_models
        on accounts.score_model = score_models.score_model

),

bands_reached as (

    select
        accounts_scored.account_id,
        accounts_scored.score_model,
        score_bands.band,
        row_number() over (
            partition by accounts_scored.account_id, accounts_scored.score_model
            order by score_bands.rank
        ) as band_rank

    from accounts_scored
    inner join score_bands
        on
            accounts_scored.score_model = score_bands.score_model
            and {{ rounded_score('accounts_scored.intent_score') }}
            >= score_bands.enter_at

),

accounts_banded as (

    select
        accounts_scored.account_id,
        accounts_scored.score_model,
        clock.as_of,
        accounts_scored.contact_count,
        accounts_scored.raw_score,
        accounts_scored.intent_score,
        bands_reached.band as segment,
        accounts_scored.fit_score,
        accounts_scored.top_contact_1,
        accounts_scored.top_raw_score_1 / nullif(accounts_scored.raw_score, 0)
            as top_contact_1_share,
        accounts_scored.top_contact_2,
        accounts_scored.top_raw_score_2 / nullif(accounts_scored.raw_score, 0)
            as top_contact_2_share,
        accounts_scored.top_contact_3,
        accounts_scored.top_raw_score_3 / nullif(accounts_scored.raw_score, 0)
            as top_contact_3_share

    from accounts_scored
    cross join clock
    inner join bands_reached
        on
            accounts_scored.account_id = bands_reached.account_id
            and accounts_scored.score_model = bands_reached.score_model
            and bands_reached.band_rank = 1

)

select * from accounts_banded
