/* Matching numbers with symbolic shapes. */
#include <string.h>

#include "graph/reference.h"

/* The dimensions that have a value so far; the arrays are the caller's. */
typedef struct binder {
    const sinter_graph *graph;
    int64_t *dims, *values;
    size_t count, capacity;
} binder;

static sni_bindings bindings_of(const binder *bind) {
    return (sni_bindings){.count = bind->count, .dims = bind->dims, .values = bind->values};
}

static sinter_status contradiction(const binder *bind, size_t input, int axis, sni_expr dim, int64_t wanted,
                                   int64_t given) {
    sni_str text = SNI_STR_INIT;
    sni_sym_print(bind->graph->sym, dim, &text);
    sinter_status status =
        sni_fail(SINTER_SHAPE, "input '%s': dimension %d (%s) must be %lld, not %lld", bind->graph->inputs[input].name,
                 axis, sni_str_text(&text), (long long)wanted, (long long)given);
    sni_str_deinit(&text);
    return status;
}

static bool find(const binder *bind, int64_t dim, int64_t *out_value) {
    for (size_t i = 0; i < bind->count; i++) {
        if (bind->dims[i] == dim) {
            *out_value = bind->values[i];
            return true;
        }
    }
    return false;
}

static sinter_status bind_name(binder *bind, int64_t dim, int64_t value) {
    if (bind->count >= bind->capacity) {
        return sni_fail(SINTER_INVALID_ARGUMENT, "more than %zu named dimensions", bind->capacity);
    }
    bind->dims[bind->count] = dim;
    bind->values[bind->count++] = value;
    return SINTER_OK;
}

/* Values that the caller gives beside the shapes of inputs. They come first, so that an input that contradicts one is named. */
static sinter_status bind_extra(binder *bind, const sni_bindings *extra) {
    for (size_t i = 0; extra && i < extra->count; i++) {
        const char *name = sinter_dim_name(extra->dims[i]);
        int64_t value = extra->values[i], before;
        if (!name) return sni_fail(SINTER_INVALID_ARGUMENT, "a bound dimension has no name");
        if (value < 0) {
            return sni_fail(SINTER_SHAPE, "dimension %s is bound to %lld", name, (long long)value);
        }
        if (!find(bind, extra->dims[i], &before)) {
            SNI_TRY(bind_name(bind, extra->dims[i], value));
        } else if (before != value) {
            return sni_fail(SINTER_SHAPE, "dimension %s is bound to %lld and to %lld", name, (long long)before,
                            (long long)value);
        }
    }
    return SINTER_OK;
}

/* One dimension that is a number or a single name; other expressions wait until all names are known. */
static sinter_status bind_dim(binder *bind, size_t input, int axis, sni_expr dim, int64_t given) {
    const sni_sym *sym = bind->graph->sym;
    int64_t wanted;
    if (given < 0) {
        return sni_fail(SINTER_SHAPE, "input '%s': dimension %d is %lld", bind->graph->inputs[input].name, axis,
                        (long long)given);
    }
    if (sni_sym_is_const(sym, dim, &wanted)) {
        return wanted == given ? SINTER_OK : contradiction(bind, input, axis, dim, wanted, given);
    }
    if (sni_sym_kind_of(sym, dim) != SNI_SYM_DIM) return SINTER_OK;
    if (!find(bind, sni_sym_id(sym, dim), &wanted)) return bind_name(bind, sni_sym_id(sym, dim), given);
    return wanted == given ? SINTER_OK : contradiction(bind, input, axis, dim, wanted, given);
}

/* The dimensions that stand for expressions, after those that they are made of. What is made of a name that nothing binds
 * stays unbound, too: whoever needs it says so. */
static sinter_status bind_definitions(binder *bind) {
    const sni_sym *sym = bind->graph->sym;
    for (size_t i = 0; i < sni_sym_defined_count(sym); i++) {
        int64_t dim, value;
        sni_expr meaning = sni_sym_defined(sym, i, &dim);
        sni_bindings bindings = bindings_of(bind);
        sinter_status status = sni_sym_eval(sym, meaning, &bindings, &value);
        if (status == SINTER_UNBOUND_DIMENSION) continue;
        SNI_TRY(status);
        SNI_TRY(bind_name(bind, dim, value));
    }
    return SINTER_OK;
}

/* Dimensions of inputs that are expressions (2 * n) can be compared only now that every name has a value. */
static sinter_status check_dims(const binder *bind, const int64_t (*shapes)[SINTER_MAX_RANK], const int *ranks) {
    const sinter_graph *graph = bind->graph;
    sni_bindings bindings = bindings_of(bind);
    for (size_t i = 0; i < graph->input_count; i++) {
        const sni_type *type = &graph->values[graph->inputs[i].value].type;
        for (int d = 0; d < type->rank && ranks[i] >= 0; d++) {
            sni_sym_kind kind = sni_sym_kind_of(graph->sym, type->dims[d]);
            int64_t wanted;
            if (kind == SNI_SYM_CONST || kind == SNI_SYM_DIM) continue;
            sinter_status status = sni_sym_eval(graph->sym, type->dims[d], &bindings, &wanted);
            if (status != SINTER_OK) return sni_fail_in(status, "input '%s'", graph->inputs[i].name);
            if (wanted != shapes[i][d]) {
                return contradiction(bind, i, d, type->dims[d], wanted, shapes[i][d]);
            }
        }
    }
    return SINTER_OK;
}

/* Names the operator, the shapes of its operands as they were written, and what the names stand for in this run. */
static sinter_status failed_check(const binder *bind, const sni_check *check) {
    const sinter_graph *graph = bind->graph;
    const sni_node *node = &graph->nodes[check->node];
    sni_str text = SNI_STR_INIT;
    for (int i = 0; i < node->in_count; i++) {
        if (i > 0) sni_str_append(&text, ", ");
        if (node->in[i] != 0) sni_type_print(graph->sym, &graph->values[node->in[i]].type, &text);
    }
    for (size_t i = 0; i < bind->count; i++) {
        const char *name = sinter_dim_name(bind->dims[i]);
        sni_str_printf(&text, "%s%s = %lld", i == 0 ? ") with (" : ", ", name ? name : "?", (long long)bind->values[i]);
    }
    sinter_status status =
        sni_fail(SINTER_SHAPE, "%s%s%s%s: shapes do not fit: (%s)", node->op->name, node->name ? " '" : "",
                 node->name ? node->name : "", node->name ? "'" : "", sni_str_text(&text));
    sni_str_deinit(&text);
    return status;
}

/* What no shape rule could decide while the sizes were names: that two of them are equal, that one is not 0. */
static sinter_status check_nodes(const binder *bind) {
    const sinter_graph *graph = bind->graph;
    sni_bindings bindings = bindings_of(bind);
    for (size_t c = 0; c < graph->check_count; c++) {
        int64_t holds = 0;
        sinter_status status = sni_sym_eval(graph->sym, graph->checks[c].condition, &bindings, &holds);
        if (status != SINTER_OK) {
            return sni_fail_in(status, "%s", graph->nodes[graph->checks[c].node].op->name);
        }
        if (!holds) return failed_check(bind, &graph->checks[c]);
    }
    return SINTER_OK;
}

sinter_status sni_bind_shapes(const sinter_graph *graph, const int64_t (*shapes)[SINTER_MAX_RANK], const int *ranks,
                              const sni_bindings *extra, int64_t *dims, int64_t *values, size_t capacity,
                              size_t *out_count) {
    binder bind = {.graph = graph, .dims = dims, .values = values, .capacity = capacity};
    *out_count = 0;
    SNI_TRY(bind_extra(&bind, extra));
    for (size_t i = 0; i < graph->input_count; i++) {
        const sni_type *type = &graph->values[graph->inputs[i].value].type;
        if (ranks[i] < 0) continue;
        if (ranks[i] != type->rank) {
            return sni_fail(SINTER_SHAPE, "input '%s' has %d dimensions, not %d", graph->inputs[i].name, type->rank,
                            ranks[i]);
        }
        for (int d = 0; d < type->rank; d++) {
            SNI_TRY(bind_dim(&bind, i, d, type->dims[d], shapes[i][d]));
        }
    }
    SNI_TRY(bind_definitions(&bind));
    SNI_TRY(check_dims(&bind, shapes, ranks));
    SNI_TRY(check_nodes(&bind));
    *out_count = bind.count;
    return SINTER_OK;
}
