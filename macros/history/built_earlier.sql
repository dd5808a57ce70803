{#-
    The relation of a model as earlier runs left it, null if there is none. For what is
    written later in the same run, so that a `ref` would be a circle: which midnights are
    missing is told by the history itself.
-#}
{% macro built_earlier(model) %}
    {% if execute %}
        {% for node in graph.nodes.values() if node.name == model %}
            {% do return(adapter.get_relation(node.database, node.schema, node.alias)) %}
        {% endfor %}
    {% endif %}
{% endmacro %}
