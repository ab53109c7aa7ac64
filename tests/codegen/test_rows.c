/* Rows: reductions that follow each other in as few passes as possible, on every strategy, with NaN and infinities; and how
 * often a kernel reads its row. */
#include "check_main.h"

#include "codegen/layout.h"
#include "nest_program.h"

static test_device device;

/* ---- The programs ----------------------------------------------------------------------------- */

typedef sinter_value (*build_fn)(sinter_graph *g, sinter_value x, int64_t axis);

static sinter_value softmax(sinter_graph *g, sinter_value x, int64_t axis) {
    return sinter_softmax(g, x, axis);
}
static sinter_value log_softmax(sinter_graph *g, sinter_value x, int64_t axis) {
    return sinter_log_softmax(g, x, axis);
}
static sinter_value log_sum_exp(sinter_graph *g, sinter_value x, int64_t axis) {
    return sinter_reduce_log_sum_exp(g, x, SINTER_SHAPE(axis), 1);
}
static sinter_value argmax(sinter_graph *g, sinter_value x, int64_t axis) {
    return sinter_argmax(g, x, axis, 1, 0);
}
static sinter_value argmin_last(sinter_graph *g, sinter_value x, int64_t axis) {
    return sinter_argmin(g, x, axis, 1, 1);
}
static sinter_value hardmax(sinter_graph *g, sinter_value x, int64_t axis) {
    return sinter_hardmax(g, x, axis);
}

static sinter_value scalar(sinter_graph *g, float value) {
    return sinter_constant(g, SINTER_F32, SINTER_SCALAR, &value, sizeof value);
}

/* (x - mean) / sqrt(mean of squares + 1e-5) */
static sinter_value normalise(sinter_graph *g, sinter_value x, int64_t axis) {
    sinter_value wide = sinter_cast(g, x, SINTER_F32);
    sinter_value centred = sinter_sub(g, wide, sinter_reduce_mean(g, wide, SINTER_SHAPE(axis), 1));
    sinter_value square = sinter_reduce_mean(g, sinter_mul(g, centred, centred), SINTER_SHAPE(axis), 1);
    return sinter_cast(g, sinter_mul(g, centred, sinter_rsqrt(g, sinter_add(g, square, scalar(g, 1e-5f)))),
                       sinter_value_dtype(g, x));
}

/* sum(softmax(x) * x * x): weights that are divided before they are used. */
static sinter_value weighted(sinter_graph *g, sinter_value x, int64_t axis) {
    return sinter_reduce_sum(g, sinter_mul(g, sinter_mul(g, sinter_softmax(g, x, axis), x), x), SINTER_SHAPE(axis), 1);
}

/* exp(x) / sum(exp(x)) of rows that were divided by their root mean square: passes before the tuple's. */
static sinter_value chain(sinter_graph *g, sinter_value x, int64_t axis) {
    sinter_value wide = sinter_cast(g, x, SINTER_F32);
    sinter_value square = sinter_reduce_mean(g, sinter_mul(g, wide, wide), SINTER_SHAPE(axis), 1);
    sinter_value even = sinter_mul(g, wide, sinter_rsqrt(g, sinter_add(g, square, scalar(g, 1.0f))));
    return sinter_cast(g, sinter_softmax(g, even, axis), sinter_value_dtype(g, x));
}

typedef struct program {
    const char *name;
    build_fn build;
    int passes, online; /* one reduction after the other; as tuples */
    double tolerance;
} program;

static const program programs[] = {
    {"softmax", softmax, 3, 2, 2e-6},          {"log softmax", log_softmax, 3, 2, 4e-6},
    {"log sum exp", log_sum_exp, 2, 1, 2e-6},  {"argmax", argmax, 2, 1, 0},
    {"argmin, last", argmin_last, 2, 1, 0},    {"hardmax", hardmax, 3, 2, 0},
    {"normalise", normalise, 3, 2, 1e-4},      {"weighted sum", weighted, 3, 1, 1e-5},
    {"normalise, softmax", chain, 4, 3, 1e-5},
};
enum { PROGRAMS = sizeof programs / sizeof *programs };

static void build(nest_run *run, sinter_graph **g, const program *p, sinter_dtype dtype, sinter_shape shape,
                  int64_t axis) {
    must(sinter_graph_create(g));
    sinter_output(*g, "y", p->build(*g, sinter_input(*g, "x", dtype, shape), axis));
    nest_build(run, *g);
}

static void done(nest_run *run, sinter_graph *g) {
    nest_release(run);
    sinter_graph_release(g);
}

/* ---- Passes ----------------------------------------------------------------------------------- */

START_TEST(tuples_save_passes) {
    for (int i = 0; i < PROGRAMS; ++i) {
        nest_run run;
        sinter_graph *g;
        sni_passes passes, online;
        build(&run, &g, &programs[i], SINTER_F32, SINTER_SHAPE(SINTER_DIM("m"), SINTER_DIM("n")), -1);
        ck_assert(sni_passes_init(&passes, run.loop, run.arena) &&
                  sni_passes_init_online(&online, run.loop, run.arena));
        ck_assert_msg(passes.count == programs[i].passes, "%s: %d passes", programs[i].name, passes.count);
        ck_assert_msg(online.count == programs[i].online, "%s: %d passes online", programs[i].name, online.count);
        done(&run, g);
    }
}
END_TEST

/* What looks like a tuple and is none: another row's maximum, an inner shift, squares of something else. */
static sinter_value shifted_back(sinter_graph *g, sinter_value x, int64_t axis) {
    sinter_value most = sinter_reduce_max(g, sinter_neg(g, x), SINTER_SHAPE(axis), 1);
    return sinter_reduce_sum(g, sinter_exp(g, sinter_sub(g, x, most)), SINTER_SHAPE(axis), 1);
}

static sinter_value reversed(sinter_graph *g, sinter_value x, int64_t axis) {
    sinter_value most = sinter_reduce_max(g, x, SINTER_SHAPE(axis), 1);
    return sinter_reduce_sum(g, sinter_exp(g, sinter_sub(g, most, x)), SINTER_SHAPE(axis), 1);
}

static sinter_value cubes(sinter_graph *g, sinter_value x, int64_t axis) {
    sinter_value c = sinter_sub(g, x, sinter_reduce_mean(g, x, SINTER_SHAPE(axis), 1));
    return sinter_reduce_sum(g, sinter_mul(g, sinter_mul(g, c, c), c), SINTER_SHAPE(axis), 1);
}

START_TEST(no_tuple_where_there_is_none) {
    static const build_fn builds[] = {shifted_back, reversed, cubes};
    for (int i = 0; i < 3; ++i) {
        program p = {"none", builds[i], 2, 2, 0};
        nest_run run;
        sinter_graph *g;
        sni_passes online;
        build(&run, &g, &p, SINTER_F32, SINTER_SHAPE(SINTER_DIM("m"), SINTER_DIM("n")), -1);
        ck_assert(sni_passes_init_online(&online, run.loop, run.arena));
        ck_assert_int_eq(online.count, 2);
        done(&run, g);
    }
}
END_TEST

/* ---- Numbers ---------------------------------------------------------------------------------- */

enum { ROWS = 7 };

/* Element i of row r: plain numbers, then rows with NaN, with Inf, of -Inf alone, with some -Inf, far from 0, with both. */
static double element(int r, int64_t i, double plain, double far) {
    switch (r) {
    case 1:
        return i % 50 == 3 ? NAN : plain;
    case 2:
        return i % 40 == 5 ? INFINITY : plain;
    case 3:
        return -INFINITY;
    case 4:
        return i % 3 == 0 ? -INFINITY : plain;
    case 5:
        return plain + far;
    case 6:
        return i % 30 == 7 ? INFINITY : i % 30 == 1 ? -INFINITY : plain;
    default:
        return plain;
    }
}

static void fill_rows(nest_run *run, sinter_shape shape, int row_axis) {
    nest_fill(run, &shape, false);
    sni_ref_tensor *x = run->in[0];
    if (x->f == NULL) return;
    for (int64_t k = 0; k < x->count; ++k) {
        int64_t row = row_axis == 0 ? k / x->dims[1] : k % x->dims[1],
                i = row_axis == 0 ? k % x->dims[1] : k / x->dims[1];
        x->f[k] = sni_dtype_round(x->dtype, element((int)(row % ROWS), i, x->f[k], x->dtype == SINTER_F16 ? 10 : 30));
    }
    for (int o = 0; o < NEST_PORTS; ++o) {
        sni_ref_tensor_release(run->out[o]);
        run->out[o] = NULL;
    }
    must(sni_reference_run(run->graph, run->in, NULL, true, run->out));
}

/* Every strategy for rows or columns, with each way to use tuples that it has. */
static void check_strategies(nest_run *run, double tolerance, const char *label) {
    static const char *const names[] = {"cpu_row", "cpu_column", "gpu_row", "gpu_column"};
    for (int n = 0; n < 4; ++n) {
        sni_caps caps = device.device->caps;
        caps.device_class = names[n][0] == 'g' ? SNI_DEVICE_GPU : SNI_DEVICE_CPU;
        const sni_strategy *strategy = sni_strategy_find(names[n]);
        int tuples = sni_param_find(strategy->params, strategy->param_count, "tuples", 6);
        for (int way = SNI_TUPLES_APART; way <= SNI_TUPLES_JOINED; ++way) {
            sni_schedule schedule = {.strategy = names[n]};
            if (tuples >= 0) schedule.values[tuples] = way;
            sni_kspec *spec = sni_arena_alloc(run->arena, sizeof *spec);
            sinter_status status = sni_codegen_as(run->loop, &caps, &schedule, run->arena, spec);
            if (status == SINTER_UNSUPPORTED) continue;
            must(status);
            char words[200];
            snprintf(words, sizeof words, "%s, %s, tuples %d", label, names[n], way);
            nest_run_kernel(&device, run, spec, tolerance, words);
            if (tuples < 0) break;
        }
    }
}

static void check_rows(const program *p, sinter_dtype dtype, int64_t axis, const int64_t *lengths, int count) {
    nest_run run;
    sinter_graph *g;
    if (dtype == SINTER_F64 && !device.device->caps.has_f64) return;
    build(&run, &g, p, dtype, SINTER_SHAPE(SINTER_DIM("m"), SINTER_DIM("n")), axis);
    for (int k = 0; k < count; ++k) {
        char label[200];
        sinter_shape shape =
            axis == 1 ? SINTER_SHAPE(2 * ROWS + 1, lengths[k]) : SINTER_SHAPE(lengths[k], 2 * ROWS + 1);
        snprintf(label, sizeof label, "%s of %s, axis %d, %lld elements", p->name, sinter_dtype_name(dtype), (int)axis,
                 (long long)lengths[k]);
        fill_rows(&run, shape, axis == 1 ? 0 : 1);
        check_strategies(&run, dtype == SINTER_F64 ? 1e-12 : p->tolerance, label);
        nest_forget(&run);
    }
    done(&run, g);
}

static const int64_t lengths[] = {1, 3, 63, 64, 65, 1000, 4097};
enum { LENGTHS = sizeof lengths / sizeof *lengths };

START_TEST(rows_and_columns) {
    for (int64_t axis = 0; axis < 2; ++axis) check_rows(&programs[_i], SINTER_F32, axis, lengths, LENGTHS);
}
END_TEST

/* One more real dtype for each program, and integers for positions. */
START_TEST(other_dtypes) {
    static const sinter_dtype reals[] = {SINTER_F16, SINTER_BF16, SINTER_F64}, wholes[] = {SINTER_I8, SINTER_I64};
    check_rows(&programs[_i], programs[_i].build == normalise ? SINTER_F16 : reals[_i % 2], 1, lengths + 2, 3);
    if (programs[_i].build == argmax) check_rows(&programs[_i], wholes[0], 1, lengths + 2, 2);
    if (programs[_i].build == argmin_last) check_rows(&programs[_i], wholes[1], 1, lengths + 2, 2);
    if (programs[_i].build == softmax) check_rows(&programs[_i], reals[2], 0, lengths + 2, 2);
}
END_TEST

/* Strips of columns: whole ones, what is left as vectors and single points, NaN and Inf in some of their lanes. */
START_TEST(strips_of_columns) {
    static const int strips[] = {2, 4, 8, 16};
    static const int64_t lengths_of_columns[] = {70, 1};
    const program *p = &programs[_i];
    const sni_strategy *strategy = sni_strategy_find("cpu_column");
    int strip = sni_param_find(strategy->params, strategy->param_count, "strip", 5);
    ck_assert_int_ge(strip, 0);
    nest_run run;
    sinter_graph *g;
    sni_caps caps = device.device->caps;
    sinter_dtype dtype = _i % 3 == 2 ? SINTER_BF16 : SINTER_F32;
    sni_schedule schedule = {.strategy = "cpu_column"};
    caps.device_class = SNI_DEVICE_CPU;
    schedule.values[strip] = strips[_i % 4];
    build(&run, &g, p, dtype, SINTER_SHAPE(SINTER_DIM("m"), SINTER_DIM("n")), 0);
    sni_kspec *spec = sni_arena_alloc(run.arena, sizeof *spec);
    must(sni_codegen_as(run.loop, &caps, &schedule, run.arena, spec));
    for (int k = 0; k < 2; ++k) {
        char label[200];
        snprintf(label, sizeof label, "%s of %s, %d elements, strips of %d vectors", p->name, sinter_dtype_name(dtype),
                 (int)lengths_of_columns[k], schedule.values[strip]);
        fill_rows(&run, SINTER_SHAPE(lengths_of_columns[k], 399), 1);
        nest_run_kernel(&device, &run, spec, dtype == SINTER_BF16 ? 1e-2 : p->tolerance, label);
        nest_forget(&run);
    }
    done(&run, g);
}
END_TEST

START_TEST(long_rows) {
    static const int64_t one[] = {70000};
    check_rows(&programs[0], SINTER_F32, 1, one, 1);
    check_rows(&programs[6], SINTER_F32, 1, one, 1);
}
END_TEST

/* Lengths that are numbers: what is kept, or waits in local memory, and where rows end. */
START_TEST(known_lengths) {
    static const int64_t known[] = {1, 63, 1000, 4097};
    for (int k = 0; k < 4; ++k) {
        nest_run run;
        sinter_graph *g;
        sinter_shape shape = SINTER_SHAPE(2 * ROWS + 1, known[k]);
        build(&run, &g, &programs[k % 2 ? 0 : 1], k % 2 ? SINTER_BF16 : SINTER_F16, shape, 1);
        fill_rows(&run, shape, 0);
        check_strategies(&run, 1e-5, "a known length");
        done(&run, g);
    }
}
END_TEST

/* ---- Reads ------------------------------------------------------------------------------------ */

static int occurrences(const char *text, const char *what) {
    int count = 0;
    for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what)) ++count;
    return count;
}

/* How often the text of gpu_row's kernel for rows of n elements of a dtype loads from its one input. */
static int loads_of(const program *p, sinter_dtype dtype, int64_t n) {
    nest_run run;
    sinter_graph *g;
    sni_kspec spec;
    sni_caps caps = device.device->caps;
    caps.device_class = SNI_DEVICE_GPU;
    caps.max_work_group = 1024;
    build(&run, &g, p, dtype, SINTER_SHAPE(1000, n), 1);
    must(sni_codegen(run.loop, &caps, "gpu_row", run.arena, &spec));
    int count = occurrences(spec.source, "(b0, ") + occurrences(spec.source, ", b0, ");
    done(&run, g);
    return count;
}

START_TEST(short_rows_are_read_once_and_long_ones_twice) {
    static const int softmax_at = 0, normalise_at = 6;
    static const int64_t short_rows[] = {64, 1024, 4096, 8192, 16384};
    for (int k = 0; k < 5; ++k) {
        ck_assert_int_eq(loads_of(&programs[softmax_at], SINTER_F32, short_rows[k]), 1);
        ck_assert_int_eq(loads_of(&programs[normalise_at], SINTER_F32, short_rows[k]), 1);
        ck_assert_int_eq(loads_of(&programs[softmax_at], SINTER_BF16, short_rows[k]), 1);
    }
    ck_assert_int_eq(loads_of(&programs[softmax_at], SINTER_F32, 131072), 2);
    ck_assert_int_eq(loads_of(&programs[normalise_at], SINTER_F32, 131072), 2);
    ck_assert_int_eq(loads_of(&programs[softmax_at], SINTER_F16, 1 << 20), 2);
}
END_TEST

int main(void) {
    test_device_open(&device);
    Suite *suite = suite_create("rows");
    TCase *tcase = tcase_create("cases");
    tcase_set_timeout(tcase, 0);
    tcase_add_test(tcase, tuples_save_passes);
    tcase_add_test(tcase, no_tuple_where_there_is_none);
    tcase_add_loop_test(tcase, rows_and_columns, 0, PROGRAMS);
    tcase_add_loop_test(tcase, strips_of_columns, 0, PROGRAMS);
    tcase_add_loop_test(tcase, other_dtypes, 0, PROGRAMS);
    tcase_add_test(tcase, long_rows);
    tcase_add_test(tcase, known_lengths);
    tcase_add_test(tcase, short_rows_are_read_once_and_long_ones_twice);
    suite_add_tcase(suite, tcase);
    int result = run_suite(suite);
    test_device_close(&device);
    return result;
}
