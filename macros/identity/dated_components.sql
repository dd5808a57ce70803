{#-
    A table of connected components over time, each named after its eldest node. The
    model's SQL tells which nodes are joined when: rows of `graph`, `node`, `neighbour`,
    `seniority`, `valid_from` and `valid_to` (dates, half-open; null: open). Each node has
    one row whose neighbour is the node itself: it begins to be at `valid_from`, and of
    two nodes the one with the lower `seniority` is elder. `graph` names a set of nodes
    that the links of all times connect; null for a node without links.

    The table has one row per node and period: `leader` is the eldest node of its
    component, itself if it stands alone. Rows of other nodes stay, as in `components`.

    Days on which links of a graph begin or end are its epochs. To solve each epoch by
    itself would copy a graph as often as it changed: a chain of 10,000 that grew in a
    year would have millions of copies. So a span of epochs is taken as a whole first:
    nodes that links join throughout the span are one node, and one that no other link
    of the span touches is settled. Only the rest is looked at in parts of the span, and
    so on. A link is taken up anew at its two ends only, so all is linear in the number
    of links, times the logarithm of the epochs.
-#}
{% materialization dated_components, default %}
    {{ return(materialize_nodes(solve_dated_components)) }}
{% endmaterialization %}


{#- What `materialize_nodes` needs of `dated_components`. -#}
{% macro solve_dated_components(rows_sql) %}
    {% set rows = make_scratch('rows', rows_sql) %}
    {% set epochs = make_scratch('epochs', epochs_sql(rows)) %}
    {% set links = [make_scratch('links_0', first_links_sql(rows, epochs))] %}
    {% set nodes = [make_scratch('nodes_0', first_nodes_sql(links[0], rows))] %}
    {% set made = [rows, epochs] %}
    {% set levels = [] %}
    {% set state = namespace(is_settled=not has_links(links[0])) %}
    {% for depth in range(1, 65) if not state.is_settled %}
        {% set joined = make_scratch('joined_' ~ depth, throughout_sql(links[-1])) %}
        {% set found = find_components(joined, 'span_' ~ depth) %}
        {% set members = make_scratch('members_' ~ depth, members_sql(nodes[-1], found.labels)) %}
        {% set spans = make_scratch('spans_' ~ depth, spans_sql(members)) %}
        {% do links.append(make_scratch(
            'links_' ~ depth, links_of_parts_sql(links[-1], found.labels)
        )) %}
        {% do nodes.append(make_scratch(
            'nodes_' ~ depth, nodes_of_parts_sql(links[-1], spans)
        )) %}
        {% do levels.append({'members': members, 'spans': spans, 'parts': nodes[-1]}) %}
        {% do made.extend([joined, members, spans] + found.made) %}
        {% set state.is_settled = not has_links(links[-1]) %}
    {% endfor %}
    {% if not state.is_settled %}
        {% do exceptions.raise_compiler_error(
            model.name ~ ': the spans are not settled at depth 64'
        ) %}
    {% endif %}
    {% set turns = [none] %}
    {% for level in levels | reverse %}
        {% do turns.append(make_scratch(
            'turns_' ~ loop.revindex, turns_of_members_sql(level, turns[-1])
        )) %}
    {% endfor %}
    {{ return({
        'query': dated_components_sql(rows, epochs, turns[-1]),
        'made': made + links + nodes + turns[1:]
    }) }}
{% endmacro %}


{#-
    The days of each graph, numbered from 0. `stop` is the number of epochs to solve: the
    last one needs no solving if no link ever ends, as all of the graph is joined then.
-#}
{% macro epochs_sql(rows) %}
    with days as (
        select graph, valid_from as day, 0 as is_end
        from {{ rows }}
        where node <> neighbour
        union all
        select graph, valid_to as day, 1 as is_end
        from {{ rows }}
        where node <> neighbour and valid_to is not null
    ),
    distinct_days as (
        select graph, day, max(is_end) as is_end
        from days
        group by graph, day
    )
    select
        graph,
        day,
        row_number() over (partition by graph order by day) - 1 as epoch,
        count(*) over (partition by graph)
        + max(is_end) over (partition by graph) - 1 as stop
    from distinct_days
{% endmacro %}


{#- The links in numbers of epochs, each within the one span that is all of them. -#}
{% macro first_links_sql(rows, epochs) %}
    select
        cast(0 as {{ dbt.type_bigint() }}) as span_from,
        begun.stop as span_to,
        cast(null as {{ dbt.type_bigint() }}) as parent_from,
        links.node,
        links.neighbour,
        begun.epoch as begins,
        coalesce(ended.epoch, begun.stop) as ends
    from {{ rows }} as links
    inner join {{ epochs }} as begun
        on links.graph = begun.graph and links.valid_from = begun.day
    left join {{ epochs }} as ended
        on links.graph = ended.graph and links.valid_to = ended.day
    where links.node <> links.neighbour and begun.epoch < begun.stop
{% endmacro %}


{#- The nodes of these links, with the eldest of each, which is itself. -#}
{% macro first_nodes_sql(links, rows) %}
    with ends as (
        select span_from, span_to, parent_from, node from {{ links }}
        union
        select span_from, span_to, parent_from, neighbour as node from {{ links }}
    )
    select ends.*, rows_of_nodes.seniority as eldest
    from ends
    inner join {{ rows }} as rows_of_nodes
        on ends.node = rows_of_nodes.node
        and rows_of_nodes.node = rows_of_nodes.neighbour
{% endmacro %}


{#- The links that join their nodes throughout the span. -#}
{% macro throughout_sql(links) %}
    select span_from as graph, node, neighbour
    from {{ links }}
    where begins <= span_from and ends >= span_to
{% endmacro %}


{#- The nodes of each span, with what they are one with throughout it. -#}
{% macro members_sql(nodes, labels) %}
    select
        nodes.span_from,
        nodes.span_to,
        nodes.parent_from,
        nodes.node,
        nodes.eldest,
        {{ 'coalesce(labels.component, nodes.node)' if labels else 'nodes.node' }} as component
    from {{ nodes }} as nodes
    {% if labels %}
        left join {{ labels }} as labels
            on nodes.span_from = labels.graph and nodes.node = labels.node
    {% endif %}
{% endmacro %}


{#- What is one throughout a span, with the eldest of it. -#}
{% macro spans_sql(members) %}
    select span_from, span_to, component, min(eldest) as eldest
    from {{ members }}
    group by span_from, span_to, component
{% endmacro %}


{#- The parts into which a span is cut: at most 8, of equal length but the last. -#}
{% macro parts_of_span() -%}
    select span_lengths.*, numbers.part
    from (
        select
            *,
            cast(floor((span_to - span_from + 7) / 8.0) as {{ dbt.type_bigint() }})
                as part_length
        from spans_to_cut
    ) as span_lengths
    inner join (
        {%- for part in range(8) %}
            select {{ part }} as part {{ 'union all' if not loop.last }}
        {%- endfor %}
    ) as numbers
        on span_lengths.span_from + numbers.part * span_lengths.part_length
        < span_lengths.span_to
{%- endmacro %}


{#- The other links, between what is one, cut to the parts of the span that they meet. -#}
{% macro links_of_parts_sql(links, labels) %}
    with spans_to_cut as (
        select
            links.span_from,
            links.span_to,
            {% for end in ['node', 'neighbour'] %}
                {{ 'coalesce(' ~ end ~ 's.component, links.' ~ end ~ ')' if labels else 'links.' ~ end }}
                    as {{ end }},
            {% endfor %}
            links.begins,
            links.ends
        from {{ links }} as links
        {% if labels %}
            left join {{ labels }} as nodes
                on links.span_from = nodes.graph and links.node = nodes.node
            left join {{ labels }} as neighbours
                on links.span_from = neighbours.graph and links.neighbour = neighbours.node
        {% endif %}
        where links.begins > links.span_from or links.ends < links.span_to
    ),
    parts as ({{ parts_of_span() }}),
    parts_cut as (
        select
            span_from + part * part_length as span_from,
            least(span_from + (part + 1) * part_length, span_to) as span_to,
            span_from as parent_from,
            node,
            neighbour,
            begins,
            ends
        from parts
        where node <> neighbour
    )
    select distinct
        span_from,
        span_to,
        parent_from,
        least(node, neighbour) as node,
        greatest(node, neighbour) as neighbour,
        greatest(begins, span_from) as begins,
        least(ends, span_to) as ends
    from parts_cut
    where begins < span_to and ends > span_from
{% endmacro %}


{#- What is one in a span, and has links of its parts. -#}
{% macro nodes_of_parts_sql(links, spans) %}
    with ends as (
        select span_from, span_to, parent_from, node from {{ links }}
        union
        select span_from, span_to, parent_from, neighbour as node from {{ links }}
    )
    select ends.*, spans.eldest
    from ends
    inner join {{ spans }} as spans
        on ends.parent_from = spans.span_from and ends.node = spans.component
{% endmacro %}


{#-
    From which epoch on whom each node of a level follows, within its span: what is one
    follows its eldest, but for the parts in which `deeper` tells more.
-#}
{% macro turns_of_members_sql(level, deeper) %}
    with
    {% if deeper %}
        spans_to_cut as (
            select spans.*
            from {{ level.spans }} as spans
            inner join (
                select distinct parent_from, node from {{ level.parts }}
            ) as cut
                on spans.span_from = cut.parent_from and spans.component = cut.node
        ),
        parts as ({{ parts_of_span() }}),
        turns as (
            select
                parts.component,
                parts.span_from,
                parts.span_from + parts.part * parts.part_length as epoch,
                parts.eldest
            from parts
            left join {{ level.parts }} as told
                on
                    parts.component = told.node
                    and parts.span_from + parts.part * parts.part_length = told.span_from
            where told.node is null
            union all
            select node as component, parent_from as span_from, epoch, eldest
            from {{ deeper }}
        ),
        turns_compared as (
            select
                *,
                lag(eldest) over (
                    partition by component, span_from order by epoch
                ) as eldest_before
            from turns
        ),
        turns_of_spans as (
            select component, span_from, epoch, eldest
            from turns_compared
            where eldest_before is null or eldest <> eldest_before
            union all
            select spans.component, spans.span_from, spans.span_from as epoch, spans.eldest
            from {{ level.spans }} as spans
            left join spans_to_cut
                on
                    spans.component = spans_to_cut.component
                    and spans.span_from = spans_to_cut.span_from
            where spans_to_cut.component is null
        )
    {% else %}
        turns_of_spans as (
            select component, span_from, span_from as epoch, eldest
            from {{ level.spans }}
        )
    {% endif %}
    select members.node, members.parent_from, turns_of_spans.epoch, turns_of_spans.eldest
    from {{ level.members }} as members
    inner join turns_of_spans
        on
            members.component = turns_of_spans.component
            and members.span_from = turns_of_spans.span_from
{% endmacro %}


{#- The rows of the table: the turns of each node in days, from its first one on. -#}
{% macro dated_components_sql(rows, epochs, turns) %}
    with nodes as (
        select graph, node, seniority, valid_from
        from {{ rows }}
        where node = neighbour
    ),
    whole_graphs as (
        select nodes.graph, min(nodes.seniority) as eldest
        from nodes
        group by nodes.graph
    ),
    turns_of_days as (
        select node, valid_from, seniority as eldest
        from nodes
        union all
        select nodes.node, epochs.day as valid_from, whole_graphs.eldest
        from nodes
        inner join {{ epochs }} as epochs
            on nodes.graph = epochs.graph and epochs.epoch = epochs.stop
        inner join whole_graphs
            on nodes.graph = whole_graphs.graph
        {% if turns %}
            union all
            select
                nodes.node,
                greatest(epochs.day, nodes.valid_from) as valid_from,
                turns.eldest
            from {{ turns }} as turns
            inner join nodes
                on turns.node = nodes.node
            inner join {{ epochs }} as epochs
                on nodes.graph = epochs.graph and turns.epoch = epochs.epoch
        {% endif %}
    ),
    -- Joined on its first day: it never stood alone.
    firsts_of_days as (
        select node, valid_from, min(eldest) as eldest
        from turns_of_days
        group by node, valid_from
    ),
    days_compared as (
        select
            *,
            lag(eldest) over (partition by node order by valid_from) as eldest_before
        from firsts_of_days
    ),
    periods as (
        select
            node,
            valid_from,
            lead(valid_from) over (partition by node order by valid_from) as valid_to,
            eldest
        from days_compared
        where eldest_before is null or eldest <> eldest_before
    )
    select
        periods.node,
        leaders.node as leader,
        periods.valid_from,
        periods.valid_to,
        {{ run_id() }} as run_id
    from periods
    inner join nodes as leaders
        on periods.eldest = leaders.seniority
{% endmacro %}
