"""What contacts declare about themselves: age, gender, where they live, interests.

Some of it goes with how much they buy, so that fit has something to find.
"""

import numpy as np
from numpy.typing import NDArray

from intent.demo.basics import CATEGORIES, DAY, Calendar, Columns

COUNTRIES = ("DE", "AT", "CH", "NL", "FR", "GB")
COUNTRY_SHARES = (0.62, 0.12, 0.06, 0.08, 0.07, 0.05)
LANGUAGES = ("de", "de-AT", "de-CH", "nl", "fr", "en-GB", "en")
"""By country, and one for those who speak another than most there."""
OTHER_LANGUAGE = 0.08
PLACES = (
    *(("DE", "Bayern", "München"), ("DE", "Bayern", "Nürnberg")),
    *(("DE", "Berlin", "Berlin"), ("DE", "Hamburg", "Hamburg")),
    *(("DE", "Hessen", "Frankfurt am Main"), ("DE", "Sachsen", "Leipzig")),
    *(("DE", "Nordrhein-Westfalen", "Köln"), ("DE", "Nordrhein-Westfalen", "Bonn")),
    *(("AT", "Wien", "Wien"), ("AT", "Steiermark", "Graz")),
    *(("CH", "Zürich", "Zürich"), ("CH", "Bern", "Thun")),
    *(("NL", "Noord-Holland", "Amsterdam"), ("NL", "Utrecht", "Utrecht")),
    *(("FR", "Occitanie", "Toulouse"), ("FR", "Bretagne", "Rennes")),
    *(("GB", "England", "London"), ("GB", "Scotland", "Edinburgh")),
)
"""Country, region and city."""
GENDERS = ("female", "male", "diverse")
GENDER_SHARES = (0.50, 0.48, 0.02)
EDUCATIONS = ("school", "vocational", "bachelor", "master", "doctorate")
EDUCATION_SHARES = (0.22, 0.36, 0.22, 0.16, 0.04)
JOBS = (
    *("Teacher", "Software Engineer", "Nurse", "Designer", "Carpenter"),
    *("Accountant", "Head of Purchasing", "Managing Director", "Office Manager"),
)
BUYING_JOBS = JOBS.index("Head of Purchasing")
"""From here on, jobs of those who buy for a company."""
INTERESTS = (*CATEGORIES, "books", "music", "travel")
DECLARES_FAVOURITE = 0.7
MOVES = 0.05
"""Contacts whose city and job change within history; some then tell more."""
AGES = (18, 80)
INCOMES = (18_000, 150_000)

# How much more, or less, those buy who...
AGED_30_TO_45, OTHERWISE_AGED = 1.25, 0.88
BUYS_FOR_COMPANY = 1.3


def draw_declared(
    rng: np.random.Generator,
    calendar: Calendar,
    people: Columns,
    company: NDArray[np.int64],
) -> Columns:
    """Attributes of contacts, as indices into the lists above.

    `people` has the contacts' `country` and `favourite`, `company` is -1 if none.
    """
    n = len(company)
    business = company >= 0
    age = np.clip(rng.normal(42, 13, n), *AGES)
    job = rng.integers(0, BUYING_JOBS, n)
    job = np.where(business, rng.integers(BUYING_JOBS, len(JOBS), n), job)
    income = np.round(rng.lognormal(np.log(42_000), 0.4, n) / 500) * 500
    shown = rng.random(n) < DECLARES_FAVOURITE
    other = rng.random(n) < OTHER_LANGUAGE
    moves = rng.random(n) < MOVES
    return {
        "born": (calendar.start // DAY - age * 365.25).astype(np.int64),
        "age": age,
        "gender": rng.choice(len(GENDERS), n, p=GENDER_SHARES),
        "income": np.clip(income, *INCOMES),
        "education": rng.choice(len(EDUCATIONS), n, p=EDUCATION_SHARES),
        "job": job,
        "next_job": rng.integers(0, len(JOBS), n),
        "place": _places(rng, people["country"]),
        "next_place": _places(rng, people["country"]),
        "language": np.where(other, len(COUNTRIES), people["country"]),
        "interest_1": np.where(
            shown, people["favourite"], rng.integers(0, len(INTERESTS), n)
        ),
        "interest_2": rng.integers(-len(INTERESTS), len(INTERESTS), n),
        # ms after the start of history, or -1
        "moves_after": np.where(moves, rng.integers(0, calendar.days * DAY, n), -1),
    }


def buying_factor(declared: Columns, company: NDArray[np.int64]) -> NDArray[np.float64]:
    """How much more or less than others contacts with these attributes buy."""
    ripe = (declared["age"] >= 30) & (declared["age"] < 45)
    factor = np.where(ripe, AGED_30_TO_45, OTHERWISE_AGED)
    return factor * np.where(company >= 0, BUYS_FOR_COMPANY, 1.0)


def _places(rng: np.random.Generator, country: NDArray[np.int64]) -> NDArray[np.int64]:
    """A place in each of the countries."""
    of_country = np.array([COUNTRIES.index(place[0]) for place in PLACES])
    first = np.searchsorted(of_country, np.arange(len(COUNTRIES)))
    size = np.bincount(of_country, minlength=len(COUNTRIES))
    within = (rng.random(len(country)) * size[country]).astype(np.int64)
    return first[country] + within
