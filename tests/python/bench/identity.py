"""How long identity takes, and how much memory: makes a large shop and builds it.

    python tests/python/bench/identity.py --identifiers 5000000 --folder /tmp/bench

Prints the time and peak memory of one build of the identity models, and of one more
after 1% new rows, with the time of each model.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import duckdb

PROJECT = Path(__file__).resolve().parents[3]
IDENTIFIERS_PER_PERSON = 6.05
CHAIN_LENGTH = 10_000
FEEDS = ["web", "shop", "crm"]
LAST_DAY = "2026-07-01"

# Made of hashes of the person's number, so that the same arguments make the same shop.
SHOP = """
    create macro chance(person, what) as
        hash(person * 1000003 + what) % 1000000 / 1000000.0;
    create macro moment(person, what, share_at_once) as
        timestamp '2025-07-01'
        + to_seconds((chance(person, 1) * 300 * 86400)::bigint)
        + case
            when chance(person, what) < share_at_once then interval 0 days
            else to_seconds((chance(person, what + 500) * 60 * 86400)::bigint)
        end;
    create table people as
    select
        person,
        'p' || person || '@shop' || person % 97 || '.example' as email,
        'U' || person as user_id,
        case when chance(person, 2) < 0.7 then 'C' || person end as customer_id,
        case when chance(person, 3) < 0.6 then '+49' || person end as phone,
        case when chance(person, 4) < 0.15 then 'K' || person end as crm_id,
        1 + (chance(person, 5) * 3)::bigint as cookies,
    from range({first}, {end}) as people (person);
    create table cookies as
    select
        person, user_id, email, cookie,
        'A' || person || '-' || cookie as anonymous_id,
    from people, range(cookies) as cookies (cookie);
"""

TABLES = {
    "web/identifies": """
        -- Accounts, cookies on which one logs in, forms sent without an account.
        select user_id, email, null as phone, null as anonymous_id,
            moment(person, 10, 0.5) as event_time
        from people
        union all
        select user_id, null, phone, null, moment(person, 11, 0.5)
        from people where chance(person, 12) < 0.8 and phone is not null
        union all
        select user_id, null, null, anonymous_id, moment(person, 20 + cookie, 0.3)
        from cookies
        union all
        select null, email, null, anonymous_id, moment(person, 40 + cookie, 0.3)
        from cookies where chance(person, 60 + cookie) < 0.6
        union all
        -- Chains: each account shares an email with the one before.
        select 'chain' || link // 2, 'chain' || (link + 1) // 2 || '@long.example',
            null, null, timestamp '2025-07-01' + to_hours((hash(link) % 8760)::bigint)
        from range({chains} * {chain_length}) as links (link)
        where (link + 1) % {chain_length} <> 0
        union all
        -- Devices that many use.
        select 'U' || {first} + (device * 7919 + visit) % {people}, null, null,
            'shared' || device,
            timestamp '2025-07-01' + to_hours((hash(device, visit) % 8760)::bigint)
        from range({devices}) as devices (device),
            range(case when device = 0 then 10000 else 50 end) as visits (visit)
        where {devices} > 0
    """,
    "shop/customers": """
        select customer_id, email, phone, moment(person, 13, 0.5) as created_at,
            created_at as updated_at
        from people where customer_id is not null
        union all
        -- Some change their email; a new customer takes some of these.
        select customer_id, 'new.' || email, phone, moment(person, 13, 0.5),
            timestamp '2026-05-20' + to_hours(person % 24)
        from people where customer_id is not null and chance(person, 70) < 0.01
        union all
        select 'N' || customer_id, email, null,
            timestamp '2026-06-01' + to_hours(person % 24), null
        from people where customer_id is not null and chance(person, 70) < 0.003
    """,
    "crm/contacts": """
        select crm_id, email, customer_id, null as phone,
            moment(person, 14, 0.2) as created_at, created_at as updated_at
        from people where crm_id is not null
    """,
    "crm/identifier_links": """
        select 'L' || person as event_id, user_id, email, true as is_withdrawn,
            timestamp '2026-06-10' as event_time
        from people where chance(person, 71) < 0.005
    """,
}


def write_shop(landing: Path, name: str, first: int, end: int, scale: int) -> None:
    """Write the raw files of the people with these numbers."""
    values = {
        "first": first,
        "end": end,
        "people": end - first,
        "chains": 10 * scale,
        "chain_length": CHAIN_LENGTH,
        "devices": 200 * scale,
    }
    with duckdb.connect() as connection:
        connection.execute(SHOP.format(**values))
        for table, query in TABLES.items():
            folder = landing / table
            folder.mkdir(parents=True, exist_ok=True)
            when = "event_time" if "event_time" in query else "created_at"
            key = ", uuid() as event_id" if table == "web/identifies" else ""
            connection.execute(f"""
                copy (
                    select *, {when} + interval 1 minute as received_at {key}
                    from ({query.format(**values)})
                ) to '{folder}/{name}.parquet' (format parquet)
            """)


def build(folder: Path) -> None:
    """Build the identity models, and say what it took."""
    environment = {
        **os.environ,
        "INTENT_LANDING": str(folder / "landing"),
        "INTENT_DUCKDB_PATH": str(folder / "intent.duckdb"),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
    }
    variables = {"intent_as_of": LAST_DAY, "intent_feeds": FEEDS}
    started, processor_before = time.monotonic(), processor_seconds()
    done = subprocess.run(
        [
            *(str(Path(sys.executable).with_name("dbt")), "build"),
            *("--select", "+int_contact_identifiers", "--vars", json.dumps(variables)),
            *(
                "--exclude-resource-type",
                "unit_test",
                "--exclude-resource-type",
                "test",
            ),
            *("--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)),
        ],
        env=environment,
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - started
    if done.returncode:
        sys.exit(done.stdout[-3000:] + done.stderr)
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024**2
    results = json.loads((folder / "target/run_results.json").read_text())["results"]
    for result in sorted(results, key=lambda result: -result["execution_time"])[:12]:
        name = result["unique_id"].split(".")[2]
        print(f"  {result['execution_time']:7.1f} s  {name}")
    processor = processor_seconds() - processor_before
    print(f"  {seconds:7.1f} s  in all, {processor:.1f} s of processor time")
    print(f"  {memory:7.1f} GiB at most so far")


def processor_seconds() -> float:
    """Processor time of all commands run so far; what others run does not count."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def describe(folder: Path) -> None:
    """Say how large the shop is."""
    with duckdb.connect(str(folder / "intent.duckdb"), read_only=True) as connection:
        sizes = connection.sql("""
            from intent_intermediate.int_identifiers
            select
                count(*) as identifiers,
                (select count(distinct (node, linked_node))
                    from intent_intermediate.int_identifier_links) as links,
                (select count(distinct component)
                    from intent_intermediate.int_identifier_clusters) as clusters,
                (select count(*)
                    from intent_intermediate.int_identifier_contacts) as periods
        """)
        for name, value in zip(sizes.columns, sizes.fetchall()[0], strict=True):
            print(f"  {value:>10,}  {name}")


def main() -> None:
    """Make the shop, build it, add to it, build again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--identifiers", type=int, default=5_000_000)
    parser.add_argument("--folder", type=Path, required=True)
    arguments = parser.parse_args()
    folder, landing = arguments.folder, arguments.folder / "landing"
    shutil.rmtree(folder, ignore_errors=True)
    people = int(arguments.identifiers / IDENTIFIERS_PER_PERSON)
    write_shop(landing, "first", 1, people, scale=1)
    print("all at once")
    build(folder)
    describe(folder)
    # New people, and as many who say more of themselves.
    write_shop(landing, "second", int(people * 0.995), int(people * 1.005), scale=0)
    print("1% more")
    build(folder)
    describe(folder)


if __name__ == "__main__":
    main()
