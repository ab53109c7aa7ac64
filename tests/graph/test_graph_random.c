/* Random calls of every row: whatever shapes, dtypes and attributes come, adding a node either works, with a type that
 * holds together, or fails with a text; and what works on small shapes also runs. Fixed seeds. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "check_main.h"
#include "graph/reference.h"

enum { CALLS_A_ROW = 400, MOST_INPUTS = 5 };

static uint64_t g_random;

static uint64_t next_random(uint64_t below) {
    g_random ^= g_random << 13;
    g_random ^= g_random >> 7;
    g_random ^= g_random << 17;
    return (g_random >> 11) % below;
}

static int64_t random_number(void) {
    static const int64_t numbers[] = {0,
                                      1,
                                      -1,
                                      2,
                                      3,
                                      4,
                                      5,
                                      7,
                                      -2,
                                      -3,
                                      8,
                                      1000,
                                      INT64_MAX,
                                      INT64_MIN,
                                      INT64_MIN + 3,
                                      INT64_MAX - 1,
                                      (int64_t)1 << 40,
                                      INT32_MAX,
                                      INT32_MIN};
    return numbers[next_random(next_random(3) ? 9 : sizeof numbers / sizeof *numbers)];
}

static double random_real(void) {
    static const double reals[] = {0, 1, -1, 0.5, 1e-5, 1e300, -1e300, 2};
    uint64_t pick = next_random(10);
    return pick < 8 ? reals[pick] : pick == 8 ? __builtin_nan("") : __builtin_inf();
}

/* Mostly small numbers, so that calls work now and then. */
static sni_expr random_dim(sni_sym *sym, bool any) {
    static const char *const names[] = {"n", "m"};
    uint64_t pick = next_random(any ? 12 : 10);
    if (pick < 8) return sni_sym_const(sym, (int64_t)next_random(5));
    if (pick < 10) return sni_sym_dim(sym, SINTER_DIM(names[pick - 8]));
    return sni_sym_const(sym, random_number());
}

static sni_type random_type(sni_sym *sym, const sni_type *like, bool any) {
    static const sinter_dtype dtypes[] = {SINTER_F32, SINTER_F32, SINTER_F16, SINTER_I64, SINTER_BOOL, SINTER_U8};
    sni_type type = {.dtype = dtypes[next_random(6)], .rank = (int)next_random(next_random(4) ? 4 : 9)};
    for (int d = 0; d < type.rank; d++) type.dims[d] = random_dim(sym, any);
    if (!like || next_random(3) == 0) return type;
    if (next_random(2)) return *like;
    type.dtype = like->dtype;
    for (int d = 0; d < type.rank && d < like->rank; d++) {
        if (next_random(3)) type.dims[type.rank - 1 - d] = like->dims[like->rank - 1 - d];
    }
    return type;
}

static uint32_t random_input(sinter_graph *graph, int index, const sni_type *like) {
    char name[16];
    sni_type type = random_type(graph->sym, like, next_random(4) == 0);
    if (!sni_dtype_is_real(type.dtype) && type.dtype != SINTER_BOOL && next_random(2)) {
        sni_expr elements[4], count = sni_sym_const(graph->sym, 4);
        for (int i = 0; i < 4; i++) elements[i] = sni_sym_const(graph->sym, (int64_t)next_random(9) - 4);
        return sni_graph_add_known(graph, 1, &count, elements, 4);
    }
    snprintf(name, sizeof name, "in%d", index);
    return sni_graph_add_input(graph, name, &type);
}

static void random_attrs(sinter_graph *graph, const sni_op *op, int rank, sni_attr *attrs) {
    for (int a = 0; a < SNI_MAX_ATTRS && op->attrs[a].name; a++) {
        if (next_random(4) == 0) continue; /* the preset */
        if (op->attrs[a].kind == SNI_ATTR_INT) attrs[a] = sni_attr_int(random_number());
        if (op->attrs[a].kind == SNI_ATTR_FLOAT) attrs[a] = sni_attr_float(random_real());
        if (op->attrs[a].kind != SNI_ATTR_EXPRS) continue;
        sni_expr exprs[12];
        int count = next_random(4) ? rank : (int)next_random(12);
        if (next_random(4) == 0) count = 2 * rank > 12 ? 12 : 2 * rank;
        for (int i = 0; i < count; i++) {
            exprs[i] = next_random(3) ? random_dim(graph->sym, false) : sni_sym_const(graph->sym, random_number());
        }
        attrs[a] = sni_attr_exprs(graph, count, exprs);
    }
}

static void check_value(const sinter_graph *graph, const sni_op *op, uint32_t id) {
    const sni_type *type = &sni_graph_value(graph, id)->type;
    ck_assert_msg(sinter_dtype_size(type->dtype) > 0, "%s", op->name);
    ck_assert_msg(type->rank >= 0 && type->rank <= SINTER_MAX_RANK, "%s", op->name);
    int64_t count = 1, dim;
    for (int d = 0; d < type->rank; d++) {
        ck_assert_msg(type->dims[d] != SNI_NO_EXPR, "%s", op->name);
        if (sni_sym_is_const(graph->sym, type->dims[d], &dim)) {
            ck_assert_msg(dim >= 0, "%s", op->name);
            count = dim == 0 ? 0 : count > 1000000 ? count : count * dim;
        }
    }
    if (type->elements) ck_assert_msg(type->element_count == count, "%s: elements", op->name);
}

/* Runs the graph with n and m bound to 2 and 3, when that is small. */
static void run_small(const sinter_graph *graph, const sni_op *op, int *runs) {
    sinter_dim names[2] = {SINTER_DIM("n"), SINTER_DIM("m")};
    int64_t values[2] = {2, 3};
    sni_bindings bindings = {2, names, values};
    sni_ref_tensor *ins[MOST_INPUTS] = {0}, *out = NULL;
    bool small = true;
    for (size_t v = 1; v < graph->value_count; v++) {
        int64_t count = 1, dim = 0;
        for (int d = 0; d < graph->values[v].type.rank; d++) {
            if (sni_sym_eval(graph->sym, graph->values[v].type.dims[d], &bindings, &dim) != SINTER_OK || dim > 4096 ||
                dim < 0) {
                small = false;
            } else if (small) {
                count *= dim;
            }
            small = small && count <= 65536;
        }
    }
    for (size_t i = 0; small && i < graph->input_count; i++) {
        const sni_type *type = &graph->values[graph->inputs[i].value].type;
        int64_t dims[SINTER_MAX_RANK] = {0};
        for (int d = 0; d < type->rank; d++) (void)!sni_sym_eval(graph->sym, type->dims[d], &bindings, &dims[d]);
        ck_assert_int_eq(sni_ref_tensor_create(type->dtype, type->rank, dims, &ins[i]), SINTER_OK);
        for (int64_t n = 0; n < ins[i]->count; n++) {
            if (ins[i]->f) ins[i]->f[n] = random_real();
            if (ins[i]->i) ins[i]->i[n] = sni_dtype_wrap(type->dtype, random_number());
        }
    }
    if (small) {
        sinter_status status = sni_reference_run(graph, ins, &bindings, false, &out);
        ck_assert_msg(status == SINTER_OK || status == SINTER_SHAPE, "%s: %s", op->name, sinter_last_error());
        *runs += status == SINTER_OK;
    }
    sni_ref_tensor_release(out);
    for (int i = 0; i < MOST_INPUTS; i++) sni_ref_tensor_release(ins[i]);
}

/* One graph with one call of the row; true when it was accepted. */
static bool random_call(const sni_op *op, int *runs) {
    sinter_graph *graph;
    uint32_t ids[MOST_INPUTS] = {0}, out = 0;
    sni_attr attrs[SNI_MAX_ATTRS] = {{0}};
    ck_assert_int_eq(sinter_graph_create(&graph), SINTER_OK);
    int most = op->max_inputs < 0 ? 3 : op->max_inputs;
    int count = op->min_inputs + (int)next_random((uint64_t)(most - op->min_inputs) + 1);
    const sni_value *first = NULL;
    for (int i = 0; i < count; i++) {
        ids[i] = random_input(graph, i, first ? &first->type : NULL);
        first = sni_graph_value(graph, ids[0]);
    }
    if (sinter_graph_status(graph) == SINTER_OK) {
        random_attrs(graph, op, first ? first->type.rank : (int)next_random(4), attrs);
        out = sni_graph_add1(graph, op->name, count, ids, attrs);
        ck_assert_msg((out != 0) == (sinter_graph_status(graph) == SINTER_OK), "%s", op->name);
        if (out == 0)
            ck_assert_msg(strstr(sinter_last_error(), op->name) || graph->status == SINTER_OUT_OF_MEMORY ||
                              graph->status == SINTER_INVALID_ARGUMENT,
                          "%s: %s", op->name, sinter_last_error());
    }
    if (out != 0) {
        check_value(graph, op, out);
        sinter_output(graph, "out", (sinter_value){out});
        char *text = sinter_graph_to_string(graph);
        ck_assert_ptr_nonnull(text);
        sinter_free(text);
        run_small(graph, op, runs);
    }
    sinter_graph_release(graph);
    return out != 0;
}

START_TEST(random_calls_of_a_row) {
    const sni_op *op = sni_op_at((size_t)_i);
    int accepted = 0, runs = 0;
    if (!op) return;
    g_random = 0x2545f4914f6cdd1dull + (uint64_t)_i * 977;
    for (int n = 0; n < CALLS_A_ROW; n++) accepted += random_call(op, &runs);
    /* Rows with many conditions are rarely met by chance; the others must be. */
    if (op->kind == SNI_OP_ELEMENTWISE)
        ck_assert_msg(accepted > 20 && runs > 10, "%s: %d, %d", op->name, accepted, runs);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("graph random");
    TCase *tcase = tcase_create("rows");
    tcase_set_timeout(tcase, 0);
    tcase_add_loop_test(tcase, random_calls_of_a_row, 0, (int)sni_op_count());
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
