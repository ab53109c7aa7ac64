/* Building a group's program: which axes it has, and where each output lies on them. */
#include "loop/build.h"

#include <string.h>

#include "op/attrs.h"

bool sni_builder_axis(sni_builder *b, sni_expr extent, sni_expr *out_axis) {
    sni_loop *loop = b->loop;
    *out_axis = sni_sym_const(b->sym, 0);
    if (sni_sym_is(b->sym, extent, 1)) return true;
    if (loop->axis_count == SNI_MAX_AXES) {
        b->why = "the kernel would have too many axes";
        return false;
    }
    int a = loop->axis_count++;
    loop->extents[a] = extent;
    loop->axes[a] = *out_axis = sni_sym_axis(b->sym, a, extent);
    return *out_axis != SNI_NO_EXPR;
}

/* Where outputs can lie: all points of a type's dimensions, each at an axis or 0. */
typedef struct domain {
    sni_type full; /* dims of the iteration space in memory order */
    sni_expr full_coords[SINTER_MAX_RANK];
    sni_type row; /* the parallel part; equal to full without reductions, and for contractions */
    sni_expr row_coords[SINTER_MAX_RANK];
} domain;

/* The first member that is a reduction, or the last that is a contraction: the one whose result the stores take. */
static const sni_node *find_member(const sni_builder *b, sni_op_kind kind, int *count) {
    const sni_node *found = NULL;
    *count = 0;
    const sni_members *members = b->members;
    int nodes = members->nodes ? members->count : (int)b->graph->node_count;
    for (int i = 0; i < nodes; ++i) {
        int n = members->nodes ? members->nodes[i] : i;
        if (!members->inside[n] || b->graph->nodes[n].op->kind != kind) continue;
        if (!found || kind == SNI_OP_CONTRACT) found = &b->graph->nodes[n];
        ++*count;
    }
    return found;
}

/* ---- stores into states ---- */

/* The member that writes a region in place and gives this value, or NULL. */
static const sni_node *store_of(const sni_builder *b, uint32_t value) {
    int producer = sni_graph_value(b->graph, value)->producer;
    if (producer < 0 || !b->members->inside[producer]) return NULL;
    const sni_node *node = &b->graph->nodes[producer];
    return node->op->kind == SNI_OP_STORE ? node : NULL;
}

/* What is computed of an output: all of it, or the region that is written. */
static const sni_type *computed_type(const sni_builder *b, uint32_t value) {
    const sni_node *store = store_of(b, value);
    return &sni_graph_value(b->graph, store ? store->in[1] : value)->type;
}

/* Where the point own of the region lies in the state. */
static sni_expr region_offset(sni_builder *b, const sni_node *store, const sni_expr *own) {
    sni_expr coords[SINTER_MAX_RANK];
    const sni_type *type = &sni_graph_value(b->graph, store->in[0])->type;
    for (int d = 0; d < type->rank; ++d) coords[d] = sni_sym_add(b->sym, own[d], sni_splice_start(b, store, d));
    return sni_linearize(b->sym, type, coords);
}

/* The input that a chain of stores began with. */
static uint32_t state_of(const sinter_graph *graph, uint32_t value) {
    for (;;) {
        int producer = sni_graph_value(graph, value)->producer;
        if (producer < 0 || graph->nodes[producer].op->kind != SNI_OP_STORE) return value;
        value = graph->nodes[producer].in[0];
    }
}

/* Work-items run in any order: what a store writes must not be read by another point of the program. */
static bool check_store(sni_builder *b, const sni_store *t, const sni_node *node) {
    const sni_loop *loop = b->loop;
    uint32_t state = state_of(b->graph, node->in[0]);
    for (int i = 0; i < loop->store_count; ++i)
        if (&loop->stores[i] != t && state_of(b->graph, loop->buffers[loop->stores[i].buffer].value) == state) {
            b->why = "a state is written twice";
            return false;
        }
    for (int i = 0; i < loop->stmt_count; ++i) {
        const sni_stmt *s = &loop->stmts[i];
        if (s->kind != SNI_STMT_LOAD || state_of(b->graph, loop->buffers[s->buffer].value) != state) continue;
        if (loop->inner || s->guard || s->offset != t->offset || loop->buffers[s->buffer].value != node->in[0]) {
            b->why = "a state is read elsewhere than it is written";
            return false;
        }
    }
    return true;
}

static bool check_stores(sni_builder *b) {
    for (int i = 0; i < b->loop->store_count; ++i) {
        const sni_node *node = store_of(b, b->loop->buffers[b->loop->stores[i].buffer].value);
        if (node && !check_store(b, &b->loop->stores[i], node)) return false;
    }
    return true;
}

/* A store that nobody outside needs would be left out. */
static bool stores_are_outputs(sni_builder *b, const uint32_t *outputs, int output_count) {
    int stores, found = 0;
    if (!find_member(b, SNI_OP_STORE, &stores)) return true;
    for (int i = 0; i < output_count; ++i) found += store_of(b, outputs[i]) != NULL;
    if (found == stores) return true;
    b->why = "a state is written twice";
    return false;
}

/* ---- domains ---- */

static bool row_domain(sni_builder *b, const sni_node *reduce, domain *d) {
    const sni_type *in = &sni_graph_value(b->graph, reduce->in[0])->type;
    uint32_t reduced;
    if (!sni_axes(b->sym, &reduce->attrs[SNI_REDUCE_AXES], in->rank, &reduced)) return false;
    d->full = *in;
    d->row.rank = 0;
    for (int pass = 0; pass < 2; ++pass) {
        for (int i = 0; i < in->rank; ++i) {
            if ((int)(reduced >> i & 1) != pass) continue;
            if (!sni_builder_axis(b, in->dims[i], &d->full_coords[i])) return false;
            if (pass == 1) {
                b->reduced |= sni_sym_axes(b->sym, d->full_coords[i]);
                continue;
            }
            d->row.dims[d->row.rank] = in->dims[i];
            d->row_coords[d->row.rank++] = d->full_coords[i];
        }
    }
    return true;
}

/* The scan's axis is the inner one. */
static bool scan_domain(sni_builder *b, const sni_node *scan, domain *d) {
    const sni_type *type = &sni_graph_value(b->graph, scan->out[0])->type;
    int along = sni_scan_axis(scan, type->rank);
    d->full = *type;
    d->row.rank = 0;
    for (int i = 0; i < type->rank; ++i) {
        if (i == along) continue;
        if (!sni_builder_axis(b, type->dims[i], &d->full_coords[i])) return false;
        d->row.dims[d->row.rank] = type->dims[i];
        d->row_coords[d->row.rank++] = d->full_coords[i];
    }
    b->loop->reverse = scan->attrs[SNI_SCAN_REVERSE].i != 0;
    if (!sni_builder_axis(b, type->dims[along], &d->full_coords[along])) return false;
    b->loop->inner = sni_sym_axes(b->sym, d->full_coords[along]);
    return true;
}

/* The dimensions of a value as parallel axes. */
static bool value_domain(sni_builder *b, uint32_t value, domain *d) {
    const sni_type *out = computed_type(b, value);
    d->full = d->row = *out;
    for (int i = 0; i < out->rank; ++i) {
        if (!sni_builder_axis(b, out->dims[i], &d->full_coords[i])) return false;
        d->row_coords[i] = b->out_axes[i] = d->full_coords[i];
    }
    return true;
}

static bool has_division(sni_sym *sym, sni_expr e) {
    for (int i = 0; i < sni_sym_term_count(sym, e); ++i) {
        sni_term t = sni_sym_term(sym, e, i);
        for (int k = 0; k < t.factor_count; ++k) {
            sni_sym_kind kind = sni_sym_kind_of(sym, sni_sym_factor(sym, e, i, k));
            if (kind == SNI_SYM_DIV || kind == SNI_SYM_MOD) return true;
        }
    }
    return false;
}

static bool same_dims(const sni_type *a, const sni_type *b) {
    return a->rank == b->rank && memcmp(a->dims, b->dims, (size_t)a->rank * sizeof *a->dims) == 0;
}

/* Stores an output at the points of a part of the domain that has as many elements. */
static bool place(sni_builder *b, uint32_t value, const sni_type *part, const sni_expr *coords, uint32_t mask) {
    const sni_type *type = computed_type(b, value);
    const sni_node *store = store_of(b, value);
    sni_expr offset = sni_linearize(b->sym, part, coords), own[SINTER_MAX_RANK];
    if (!offset) return false;
    if (same_dims(type, part))
        memcpy(own, coords, sizeof own);
    else
        sni_delinearize(b->sym, type, offset, own);
    int stmt = sni_splice(b, store ? store->in[1] : value, own, SNI_NO_EXPR);
    if (stmt < 0) return false;
    if (store) offset = region_offset(b, store, own);
    if (!offset) return false;
    int buffer = sni_builder_buffer(b, value, true);
    if (buffer < 0) return false;
    sni_store *s = &b->loop->stores[b->loop->store_count++];
    *s = (sni_store){.buffer = buffer, .offset = offset, .stmt = stmt, .mask = mask};
    if (b->loop->stmts[stmt].mask & ~mask) {
        b->why = "an output is needed once a row but differs inside the row";
        return false;
    }
    return true;
}

static uint32_t coords_mask(const sni_builder *b, const sni_type *part, const sni_expr *coords) {
    uint32_t mask = 0;
    for (int i = 0; i < part->rank; ++i) mask |= sni_sym_axes(b->sym, coords[i]);
    return mask;
}

static bool place_output(sni_builder *b, uint32_t value, const domain *d, bool only) {
    const sni_type *type = computed_type(b, value);
    sni_expr count = sni_type_count(b->sym, type);
    sni_expr row = sni_type_count(b->sym, &d->row), full = sni_type_count(b->sym, &d->full);
    bool contraction = b->contractions > 0, row_sized = count == row;
    if (!row_sized && count != full) {
        b->why = "an output has another shape than the kernel's iterations";
        return false;
    }
    const sni_type *part = row_sized ? &d->row : &d->full;
    const sni_expr *coords = row_sized ? d->row_coords : d->full_coords;
    if (!only && !same_dims(type, part)) {
        sni_expr own[SINTER_MAX_RANK];
        sni_delinearize(b->sym, type, sni_linearize(b->sym, part, coords), own);
        for (int i = 0; i < type->rank; ++i) {
            if (!contraction && own[i] && has_division(b->sym, own[i])) {
                b->why = "an output has another shape than the kernel's iterations";
                return false;
            }
        }
    }
    return place(b, value, part, coords, coords_mask(b, part, coords));
}

static uint32_t largest_output(const sni_builder *b, const uint32_t *outputs, int count) {
    uint32_t best = outputs[0];
    double most = -1;
    for (int i = 0; i < count; ++i) {
        const sni_type *type = computed_type(b, outputs[i]);
        double n = sni_sym_estimate(b->sym, sni_type_count(b->sym, type), 61);
        if (n > most) {
            most = n;
            best = outputs[i];
        }
    }
    return best;
}

static void note_types(sni_loop *loop) {
    for (int i = 0; i < loop->stmt_count; ++i) {
        const sni_stmt *s = &loop->stmts[i];
        if (s->dtype == SINTER_F64) loop->uses_f64 = true;
        if ((s->dtype == SINTER_I64 || s->dtype == SINTER_U32) && s->kind != SNI_STMT_INDEX) loop->uses_i64 = true;
    }
}

/* Which parallel axes each operand of a contraction depends on. */
static void classify_axes(sni_loop *loop) {
    if (loop->core < 0) return;
    uint32_t parallel = (uint32_t)((1ull << loop->axis_count) - 1) & ~loop->inner;
    uint32_t a = loop->stmts[loop->core_a].mask & parallel, c = loop->stmts[loop->core_b].mask & parallel;
    loop->axes_m = a & ~c;
    loop->axes_n = c & ~a;
    loop->axes_b = parallel & ~(loop->axes_m | loop->axes_n);
}

/* Numbers the axes anew, the parallel ones first. */
static bool order_axes(sni_builder *b) {
    sni_loop *loop = b->loop;
    int order[SNI_MAX_AXES], count = 0;
    for (int pass = 0; pass < 2; ++pass)
        for (int a = 0; a < loop->axis_count; ++a)
            if ((int)(loop->inner >> a & 1u) == pass) order[count++] = a;
    return sni_loop_permute(loop, order);
}

/* The inner axes are those that a statement that is left runs over; an axis that was made and not used in the end
 * stays parallel, and its stores are then missing. */
static bool finish(sni_builder *b) {
    sni_loop *loop = b->loop;
    loop->inner = 0;
    for (int i = 0; i < loop->stmt_count; ++i) loop->inner |= loop->stmts[i].axes;
    uint32_t parallel = (uint32_t)((1ull << loop->axis_count) - 1) & ~loop->inner;
    for (int i = 0; i < loop->store_count; ++i) {
        if (parallel & ~loop->stores[i].mask) {
            b->why = "an output has another shape than the kernel's iterations";
            return false;
        }
    }
    if (!order_axes(b)) return false;
    bool one_product = b->contractions == 1 && b->reductions == 0;
    loop->nest = !sni_loop_is_flat(loop) || (b->contractions > 0 && !one_product);
    if (!loop->nest) return true;
    loop->core = loop->core_a = loop->core_b = -1;
    const char *why = "reductions over different axes in one kernel";
    if (b->limits->accepts && b->limits->accepts(b->limits->accepts_context, loop, &why)) return true;
    b->why = why;
    return false;
}

static bool build_all(sni_builder *b, const uint32_t *outputs, int output_count) {
    domain d = {0};
    if (!stores_are_outputs(b, outputs, output_count)) return false;
    const sni_node *contraction = find_member(b, SNI_OP_CONTRACT, &b->contractions);
    const sni_node *reduction = find_member(b, SNI_OP_REDUCE, &b->reductions);
    int scans;
    const sni_node *scan = find_member(b, SNI_OP_SCAN, &scans);
    if (scan && (contraction || reduction)) {
        b->why = "a running sum shares no kernel with reductions and products";
        return false;
    }
    if (!b->limits->accepts && b->contractions + (b->reductions > 0) > 1 && b->contractions) {
        b->why = b->contractions > 1 ? "two matrix products in one kernel"
                                     : "a reduction cannot follow a matrix product in one kernel";
        return false;
    }
    bool ok = contraction ? value_domain(b, contraction->out[0], &d)
              : reduction ? row_domain(b, reduction, &d)
              : scan      ? scan_domain(b, scan, &d)
                          : value_domain(b, largest_output(b, outputs, output_count), &d);
    for (int i = 0; i < output_count && ok; ++i)
        ok = place_output(b, outputs[i], &d, output_count == 1 && !contraction && !reduction && !scan);
    if (!ok || b->failed || b->why) return false;
    if (!finish(b) || !check_stores(b)) return false;
    note_types(b->loop);
    classify_axes(b->loop);
    return true;
}

bool sni_loop_build(sinter_graph *graph, const sni_members *members, const uint32_t *outputs, int output_count,
                    const sni_limits *limits, sni_arena *arena, sni_loop **out_loop, const char **why) {
    sni_builder b = {.graph = graph, .sym = graph->sym, .members = members, .limits = limits, .arena = arena};
    *out_loop = NULL;
    *why = "out of memory";
    b.loop = sni_arena_alloc(arena, sizeof *b.loop);
    if (!b.loop || output_count <= 0) return false;
    *b.loop = (sni_loop){.sym = graph->sym, .core = -1, .core_a = -1, .core_b = -1};
    b.loop->stores = sni_arena_alloc(arena, sizeof *b.loop->stores * (size_t)output_count);
    bool ok = b.loop->stores && build_all(&b, outputs, output_count) && !b.failed;
    /* The growing arrays live on the heap while building and move to the arena at the end. */
    sni_stmt *stmts = b.loop->stmts;
    sni_loop_buffer *buffers = b.loop->buffers;
    if (ok) {
        b.loop->stmts = sni_arena_copy(arena, stmts, sizeof *stmts * (size_t)b.loop->stmt_count);
        b.loop->buffers = sni_arena_copy(arena, buffers, sizeof *buffers * (size_t)b.loop->buffer_count);
        ok = b.loop->stmts && b.loop->buffers;
    } else {
        *why = b.why ? b.why : b.failed ? "out of memory" : "an index expression is too complex";
    }
    sni_memos_deinit(&b);
    sni_free(stmts);
    sni_free(buffers);
    if (!ok) return false;
    *out_loop = b.loop;
    return true;
}
