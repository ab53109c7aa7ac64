/* Known elements: what exporters compute with shapes stays known through every operator they use. */
#include <check.h>
#include <string.h>

#include "check_main.h"
#include "graph/graph.h"

typedef struct fixture {
    sinter_graph *graph;
    sinter_value x;     /* f32[batch, seq, 64] */
    sinter_value shape; /* its shape, as Shape gives it */
} fixture;

static fixture begin(void) {
    fixture f = {0};
    ck_assert_int_eq(sinter_graph_create(&f.graph), SINTER_OK);
    f.x = sinter_input(f.graph, "x", SINTER_F32, SINTER_SHAPE(SINTER_DIM("batch"), SINTER_DIM("seq"), 64));
    sni_expr three = sni_sym_const(f.graph->sym, 3);
    f.shape.id = sni_graph_add_known(f.graph, 1, &three, sni_graph_value(f.graph, f.x.id)->type.dims, 3);
    ck_assert(f.shape.id != 0);
    return f;
}

/* "[a, b]" of a value's known elements, or "unknown"; also checks that nothing failed. */
static void check_elements(sinter_graph *graph, sinter_value value, const char *want) {
    sni_str text = SNI_STR_INIT;
    ck_assert_msg(value.id != 0, "for %s: %s", want, graph->error ? graph->error : "");
    const sni_type *type = &sni_graph_value(graph, value.id)->type;
    if (!type->elements) sni_str_append(&text, "unknown");
    for (int64_t n = 0; type->elements && n < type->element_count; n++) {
        if (n > 0) sni_str_append(&text, ", ");
        sni_sym_print(graph->sym, type->elements[n], &text);
    }
    ck_assert_str_eq(sni_str_text(&text), want);
    sni_str_deinit(&text);
}

static sinter_value constant_i64(sinter_graph *graph, size_t count, const int64_t *values) {
    return sinter_constant(graph, SINTER_I64, SINTER_SHAPE((sinter_dim)count), values, count * sizeof *values);
}

static sinter_value index_scalar(sinter_graph *graph, int64_t value) {
    return sinter_scalar(graph, SINTER_I64, (double)value);
}

START_TEST(shape_gather_concat_reshape) {
    fixture f = begin();
    sinter_graph *g = f.graph;
    check_elements(g, f.shape, "batch, seq, 64");
    sinter_value batch = sinter_gather(g, f.shape, index_scalar(g, 0), 0);
    sinter_value seq = sinter_gather(g, f.shape, index_scalar(g, -2), 0);
    check_elements(g, batch, "batch");
    check_elements(g, seq, "seq");
    sinter_value rows = sinter_mul(g, batch, seq);
    sinter_value minus = constant_i64(g, 1, (int64_t[]){-1});
    sinter_value parts[3] = {sinter_unsqueeze(g, rows, SINTER_SHAPE(0)), minus,
                             sinter_reshape(g, index_scalar(g, 8), SINTER_SHAPE(1))};
    sinter_value wanted = sinter_concat(g, parts, 3, 0);
    check_elements(g, wanted, "batch*seq, -1, 8");
    const sni_type *type = &sni_graph_value(g, wanted.id)->type;
    sni_attr attrs[SNI_MAX_ATTRS] = {sni_attr_exprs(g, (int)type->element_count, type->elements)};
    uint32_t id = sni_graph_add1(g, "reshape", 1, &f.x.id, attrs);
    ck_assert_msg(id != 0, "%s", g->error ? g->error : "");
    char text[32];
    sinter_value_dim_string(g, (sinter_value){id}, 0, text, sizeof text);
    ck_assert_str_eq(text, "batch*seq");
    sinter_value_dim_string(g, (sinter_value){id}, 1, text, sizeof text);
    ck_assert_str_eq(text, "8");
    sinter_graph_release(g);
}
END_TEST

START_TEST(views_keep_elements) {
    fixture f = begin();
    sinter_graph *g = f.graph;
    check_elements(g, sinter_slice(g, f.shape, SINTER_SHAPE(1), SINTER_SHAPE(1), SINTER_SHAPE(2)), "seq, 64");
    check_elements(g, sinter_slice(g, f.shape, SINTER_SHAPE(2), SINTER_SHAPE(-1), SINTER_SHAPE(3)), "64, seq, batch");
    check_elements(g, sinter_pad(g, f.shape, SINTER_SHAPE(1), SINTER_SHAPE(1), 0, 7), "7, batch, seq, 64, 7");
    check_elements(g, sinter_expand(g, sinter_gather(g, f.shape, index_scalar(g, 1), 0), SINTER_SHAPE(2)), "seq, seq");
    sinter_value column = sinter_reshape(g, f.shape, SINTER_SHAPE(3, 1));
    check_elements(g, column, "batch, seq, 64");
    check_elements(g, sinter_transpose(g, column, SINTER_SCALAR), "batch, seq, 64");
    check_elements(g, sinter_squeeze(g, column, SINTER_SHAPE(1)), "batch, seq, 64");
    check_elements(g, sinter_flatten(g, column, 0), "batch, seq, 64");
    check_elements(g, sinter_gather(g, f.shape, constant_i64(g, 2, (int64_t[]){2, 0}), 0), "64, batch");
    sinter_graph_release(g);
}
END_TEST

START_TEST(elementwise_and_reductions_keep_elements) {
    fixture f = begin();
    sinter_graph *g = f.graph;
    sinter_value two = index_scalar(g, 2);
    check_elements(g, sinter_add(g, f.shape, two), "(batch + 2), (seq + 2), 66");
    check_elements(g, sinter_reduce_prod(g, f.shape, SINTER_SCALAR, 0), "64*batch*seq");
    check_elements(g, sinter_reduce_sum(g, f.shape, SINTER_SHAPE(0), 1), "(batch + seq + 64)");
    sinter_value known = constant_i64(g, 3, (int64_t[]){5, -1, 7});
    sinter_value given = sinter_ne(g, known, index_scalar(g, -1));
    check_elements(g, given, "1, 0, 1");
    check_elements(g, sinter_where(g, given, known, f.shape), "5, seq, 7");
    check_elements(g, sinter_reduce_max(g, known, SINTER_SCALAR, 0), "7");
    check_elements(g, sinter_reduce_min(g, known, SINTER_SCALAR, 0), "-1");
    check_elements(g, sinter_cast(g, f.shape, SINTER_I32), "batch, seq, 64");
    check_elements(g, sinter_cast(g, known, SINTER_U8), "5, 255, 7");
    check_elements(g, sinter_div(g, sinter_mul(g, f.shape, two), two), "batch, seq, 64");
    sinter_graph_release(g);
}
END_TEST

START_TEST(iotas_are_known_when_small) {
    fixture f = begin();
    sinter_graph *g = f.graph;
    check_elements(g, sinter_iota(g, SINTER_SHAPE(3), SINTER_I64, 0), "0, 1, 2");
    check_elements(g, sinter_iota(g, SINTER_SHAPE(2, 2), SINTER_I32, 1), "0, 1, 0, 1");
    check_elements(g, sinter_iota(g, SINTER_SHAPE(SNI_MAX_KNOWN_ELEMENTS + 1), SINTER_I64, 0), "unknown");
    check_elements(g, sinter_iota(g, SINTER_SHAPE(SINTER_DIM("n")), SINTER_I64, 0), "unknown");
    check_elements(g, sinter_iota(g, SINTER_SHAPE(3), SINTER_F32, 0), "unknown");
    check_elements(g, sinter_iota(g, SINTER_SHAPE(0), SINTER_I64, 0), "");
    sinter_graph_release(g);
}
END_TEST

START_TEST(what_cannot_be_known_is_not) {
    fixture f = begin();
    sinter_graph *g = f.graph;
    sinter_value input = sinter_input(g, "i", SINTER_I64, SINTER_SHAPE(3));
    check_elements(g, input, "unknown");
    check_elements(g, sinter_add(g, input, f.shape), "unknown");
    check_elements(g, sinter_gather(g, f.shape, input, 0), "unknown");
    /* The sign of a dividend that may be negative decides how a division rounds. */
    sinter_value maybe = sinter_sub(g, f.shape, index_scalar(g, 5));
    check_elements(g, sinter_div(g, maybe, index_scalar(g, 2)), "unknown");
    sinter_value real = sinter_cast(g, f.shape, SINTER_F32);
    check_elements(g, real, "unknown");
    check_elements(g, sinter_cast(g, real, SINTER_I64), "unknown");
    check_elements(g, sinter_cast(g, f.shape, SINTER_I8), "unknown");
    check_elements(g, sinter_reduce_max(g, constant_i64(g, 0, NULL), SINTER_SCALAR, 0), "unknown");
    ck_assert_int_eq(sinter_graph_status(g), SINTER_OK);
    sinter_graph_release(g);
}
END_TEST

START_TEST(a_gather_takes_what_it_needs_from_partly_known_data) {
    fixture f = begin();
    sinter_graph *g = f.graph;
    sinter_value input = sinter_input(g, "i", SINTER_I64, SINTER_SHAPE(1));
    sinter_value both[2] = {f.shape, input};
    sinter_value joined = sinter_concat(g, both, 2, 0);
    check_elements(g, joined, "unknown");
    sinter_graph_release(g);
}
END_TEST

START_TEST(broadcast_elements) {
    fixture f = begin();
    sinter_graph *g = f.graph;
    sinter_value column = sinter_reshape(g, constant_i64(g, 2, (int64_t[]){10, 20}), SINTER_SHAPE(2, 1));
    sinter_value row = constant_i64(g, 3, (int64_t[]){1, 2, 3});
    check_elements(g, sinter_add(g, column, row), "11, 12, 13, 21, 22, 23");
    sinter_value empty = constant_i64(g, 0, NULL);
    check_elements(g, sinter_add(g, empty, index_scalar(g, 1)), "");
    sinter_graph_release(g);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        shape_gather_concat_reshape, views_keep_elements,         elementwise_and_reductions_keep_elements,
        iotas_are_known_when_small,  what_cannot_be_known_is_not, a_gather_takes_what_it_needs_from_partly_known_data,
        broadcast_elements,
    };
    return run_suite(suite_of("graph known", tests, sizeof tests / sizeof *tests));
}
