{#-
    A table of connected components. The model's SQL tells which nodes are joined: rows
    of `graph`, `node` and `neighbour` (integers from 1 to 2,147,483,646); a row whose
    neighbour is the node itself only names it. Many graphs can be solved at once:
    `graph` tells them apart. The table has one row per graph and node: `component` is
    one of the component's nodes, and `run_id` the run that found it.

    Like an incremental model it keeps the rows of nodes that the SQL does not name, and
    replaces all rows of those that it does; see `keeps_nodes`.

    No other materialization can do this in SQL that all engines share: the number of
    rounds depends on the data, and a recursive CTE would walk a chain link by link.
-#}
{% materialization components, default %}
    {{ return(materialize_nodes(solve_components)) }}
{% endmaterialization %}


{#-
    Builds the model's table, or replaces in it the rows of the nodes that were solved.
    `solve` is the macro that solves: from the model's SQL it returns the query of the
    rows and the relations that it made on the way.
-#}
{% macro materialize_nodes(solve) %}
    {% set existing = load_cached_relation(this) %}
    {% set target = this.incorporate(type='table') %}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {% set solution = solve(sql) %}
    {% set found = make_scratch('found', solution.query) %}
    {% if existing is none or not existing.is_table or should_full_refresh() %}
        {% if existing is not none %}{% do adapter.drop_relation(existing) %}{% endif %}
        {% do adapter.rename_relation(found, target) %}
        {% call statement('main') %}select count(*) from {{ target }}{% endcall %}
    {% else %}
        {% set columns = adapter.get_columns_in_relation(target) %}
        {% call statement('main') %}
            {{ get_delete_insert_merge_sql(target, found, 'node', columns, none) }}
        {% endcall %}
        {% do drop_scratch([found]) %}
    {% endif %}
    {% do drop_scratch(solution.made) %}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do persist_docs(target, model) %}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target]}) }}
{% endmacro %}


{#-
    True in a model of the materializations `components` and `dated_components` whose
    table stands and is not built anew: its SQL may then name only the nodes that
    something has changed for.
-#}
{% macro keeps_nodes() %}
    {% if not execute %}{{ return(false) }}{% endif %}
    {% set relation = load_cached_relation(this) %}
    {{ return(relation is not none and relation.is_table and not should_full_refresh()) }}
{% endmacro %}


{#- What `materialize_nodes` needs of `components`. -#}
{% macro solve_components(pairs_sql) %}
    {% set pairs = make_scratch('pairs', pairs_sql) %}
    {% set found = find_components(pairs, 'whole') %}
    {% do found.made.append(pairs) %}
    {{ return({
        'query': labelled_components_sql(pairs, found.labels), 'made': found.made
    }) }}
{% endmacro %}


{#-
    Solves the graphs by contraction: in each round every node is merged into one of its
    neighbours or itself, the one whose number comes first in an order that is as good
    as random and new in each round. So at least about a third of the nodes goes in each
    round, however the links run, and chains of 10,000 take some ten rounds; what is
    settled is not touched again. (Bögeholz, Brand and Todor, In-database connected
    component analysis, 2020.)

    `pairs` is a relation of `graph`, `node` and `neighbour`; `name` tells its scratch
    relations from others of the model. Returns a dict: `labels`, a relation of each
    node that has a neighbour, with its component, none if nothing is joined; and
    `made`, all relations to drop.
-#}
{% macro find_components(pairs, name) %}
    {% set links = [pairs] %}
    {% set choices = [] %}
    {% set state = namespace(is_settled=not has_links(pairs)) %}
    {% for round in range(1, 65) if not state.is_settled %}
        {% do choices.append(make_scratch(
            name ~ '_choices_' ~ round, chosen_neighbours_sql(links[-1], round)
        )) %}
        {% do links.append(make_scratch(
            name ~ '_links_' ~ round, contracted_links_sql(links[-1], choices[-1])
        )) %}
        {% set state.is_settled = not has_links(links[-1]) %}
    {% endfor %}
    {% if not state.is_settled %}
        {% do exceptions.raise_compiler_error(
            model.name ~ ': the components are not settled after 64 rounds'
        ) %}
    {% endif %}
    {% set labels = [choices[-1] if choices else none] %}
    {% for choice in choices[:-1] | reverse %}
        {% do labels.append(make_scratch(
            name ~ '_labels_' ~ loop.revindex, followed_choices_sql(choice, labels[-1])
        )) %}
    {% endfor %}
    {{ return({'labels': labels[-1], 'made': links[1:] + choices + labels[1:]}) }}
{% endmacro %}


{#- The node's neighbour, or the node itself, that comes first in this round's order. -#}
{% macro chosen_neighbours_sql(links, round) %}
    with first_of_pairs as (
        select
            graph,
            node,
            neighbour,
            least(
                {{ shuffled('node', round) }}, {{ shuffled('neighbour', round) }}
            ) as shuffled
        from {{ links }}
        where node <> neighbour
    ),
    both_ways as (
        select graph, node, shuffled from first_of_pairs
        union all
        select graph, neighbour as node, shuffled from first_of_pairs
    ),
    firsts as (
        select graph, node, min(shuffled) as shuffled
        from both_ways
        group by graph, node
    )
    select graph, node, {{ unshuffled('shuffled', round) }} as component
    from firsts
{% endmacro %}


{#- The links between what the nodes were merged into; none within. -#}
{% macro contracted_links_sql(links, choice) %}
    select distinct
        links.graph,
        least(ends.component, other_ends.component) as node,
        greatest(ends.component, other_ends.component) as neighbour
    from {{ links }} as links
    inner join {{ choice }} as ends
        on links.graph = ends.graph and links.node = ends.node
    inner join {{ choice }} as other_ends
        on links.graph = other_ends.graph and links.neighbour = other_ends.node
    where ends.component <> other_ends.component
{% endmacro %}


{#- A round's choices, each followed to what the later rounds made of it. -#}
{% macro followed_choices_sql(choice, later) %}
    select
        choices.graph,
        choices.node,
        coalesce(later.component, choices.component) as component
    from {{ choice }} as choices
    left join {{ later }} as later
        on choices.graph = later.graph and choices.component = later.node
{% endmacro %}


{#- The rows of the table: nodes with neighbours, and those that are only named. -#}
{% macro labelled_components_sql(pairs, labels) %}
    {% if labels is not none %}
        select graph, node, component, {{ run_id() }} as run_id
        from {{ labels }}
        union all
    {% endif %}
    select distinct
        pairs.graph,
        pairs.node,
        pairs.node as component,
        {{ run_id() }} as run_id
    from {{ pairs }} as pairs
    {% if labels is not none %}
        left join {{ labels }} as labels
            on pairs.graph = labels.graph and pairs.node = labels.node
    {% endif %}
    where
        pairs.node = pairs.neighbour
        {{ 'and labels.node is null' if labels is not none }}
{% endmacro %}


{#- True if any row of the relation joins two nodes. -#}
{% macro has_links(relation) %}
    {{ return(run_query(
        'select 1 as found from ' ~ relation ~ ' where node <> neighbour limit 1'
    ).rows | length > 0) }}
{% endmacro %}


{#-
    A node's place in the order of a round: multiplied by a number of the round, modulo
    the prime 2^31 - 1. That is one to one, so `unshuffled` gives the node back.
-#}
{% macro shuffled(node, round) -%}
    mod({{ node }} * {{ shuffling_factors()[round % shuffling_factors() | length][0] }}, 2147483647)
{%- endmacro %}


{#- The node at a place in the order of a round: by the inverse of the number there. -#}
{% macro unshuffled(place, round) -%}
    mod({{ place }} * {{ shuffling_factors()[round % shuffling_factors() | length][1] }}, 2147483647)
{%- endmacro %}


{#- Pairs of numbers whose product is 1 modulo 2^31 - 1, large and without pattern. -#}
{% macro shuffling_factors() %}
    {{ return([
        [1327217885, 1998591742],
        [827932085, 1373794914],
        [1584433588, 1382318667],
        [2137640623, 566778743],
        [286679293, 1827865140],
        [590033245, 115118936],
        [524235863, 2093905199],
        [1504782161, 1735015639],
        [428448489, 1171100497],
        [1901010961, 1555465382],
        [773492682, 194988754],
        [1954648442, 65387436]
    ]) }}
{% endmacro %}


{#-
    Makes a table beside the model's own, for what is needed only while that is built, in
    place of what an interrupted run left. Returns its relation.
-#}
{% macro make_scratch(name, query) %}
    {% set scratch = this.incorporate(
        path={'identifier': this.identifier ~ '__' ~ name}, type='table'
    ) %}
    {% do run_query('drop table if exists ' ~ scratch) %}
    {% do run_query(create_table_as(False, scratch, query)) %}
    {{ return(scratch) }}
{% endmacro %}


{#- Drops such tables. -#}
{% macro drop_scratch(relations) %}
    {% for relation in relations %}
        {% do run_query('drop table if exists ' ~ relation) %}
    {% endfor %}
{% endmacro %}
