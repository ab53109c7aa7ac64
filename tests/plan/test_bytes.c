/* What rows cost in memory: kernels for softmax and norms run once each, for a CPU and for a GPU, and what each reads and writes
 * is printed before it runs. By itself this checks the launches; ci/check_bytes.sh runs it under Oclgrind, which counts what
 * kernels really load and store. */
#include "check_main.h"
#include "oracle.h"

#include "device/caps.h"

static oracle o;

static void setup(void) {
    oracle_init(&o);
}
static void teardown(void) {
    oracle_deinit(&o);
}

typedef struct row_case {
    const char *name;
    sinter_value (*build)(sinter_graph *g, sinter_value x, sinter_value scale);
    sinter_dtype dtype;
    int64_t rows, length;
    int reads; /* of every element, at most */
} row_case;

static sinter_value softmax(sinter_graph *g, sinter_value x, sinter_value scale) {
    (void)scale;
    return sinter_softmax(g, x, -1);
}

static sinter_value log_softmax(sinter_graph *g, sinter_value x, sinter_value scale) {
    (void)scale;
    return sinter_log_softmax(g, x, -1);
}

static sinter_value layer_norm(sinter_graph *g, sinter_value x, sinter_value scale) {
    return sinter_layer_norm(g, x, scale, scale, -1, 1e-5);
}

static sinter_value rms_norm(sinter_graph *g, sinter_value x, sinter_value scale) {
    return sinter_rms_norm(g, x, scale, -1, 1e-5);
}

/* Rows that fit on chip, and rows that no work-group can keep. The lengths are multiples of what a work-group reads at once:
 * of other rows idle work-items read the last vector again, which moves nothing but is counted. */
static const row_case cases[] = {
    {"softmax", softmax, SINTER_F32, 6, 1024, 1},         {"log_softmax", log_softmax, SINTER_F32, 6, 1024, 1},
    {"layer_norm", layer_norm, SINTER_F32, 6, 1024, 1},   {"rms_norm", rms_norm, SINTER_F32, 6, 1024, 1},
    {"softmax bf16", softmax, SINTER_BF16, 6, 2048, 1},   {"layer_norm f16", layer_norm, SINTER_F16, 6, 2048, 1},
    {"long softmax", softmax, SINTER_F32, 2, 65536, 2},   {"long layer_norm", layer_norm, SINTER_F32, 2, 65536, 2},
    {"long rms_norm", rms_norm, SINTER_F32, 2, 65536, 2},
};
enum { CASES = sizeof cases / sizeof *cases };

static void run_case(const row_case *c, const char *class) {
    sinter_graph *g;
    ck_assert_int_eq(sinter_graph_create(&g), SINTER_OK);
    sinter_value x = sinter_input(g, "x", c->dtype, SINTER_SHAPE(SINTER_DIM("n"), c->length));
    sinter_value scale = sinter_input(g, "scale", c->dtype, SINTER_SHAPE(c->length));
    bool scaled = c->build == layer_norm || c->build == rms_norm;
    sinter_output(g, "y", c->build(g, x, scale));
    sinter_plan *plan = oracle_compile(&o, g);
    size_t row = (size_t)c->length * sinter_dtype_size(c->dtype), bytes = (size_t)c->rows * row;
    void *data = calloc(1, bytes), *result = malloc(bytes), *weights = calloc(1, row);
    sinter_binding b[] = {SINTER_BIND_HOST("x", c->dtype, SINTER_SHAPE(c->rows, c->length), data, bytes),
                          SINTER_BIND_HOST("scale", c->dtype, SINTER_SHAPE(c->length), weights, row),
                          SINTER_BIND_HOST("y", c->dtype, SINTER_SCALAR, result, bytes)};
    /* Name, launches, bytes of x and of y, of the scale if every row reads it (layer norm's bias is the same), reads and writes
     * at most. A CPU's row stays in the nearest cache from one pass to the next, so that its passes are counted, not memory:
     * softmax has three, and may leave exponentials in the output. */
    bool cpu = strcmp(class, "CPU") == 0;
    printf("\nEXPECT %s on a %s: %llu %zu %zu %zu %d %d\n", c->name, class, (unsigned long long)oracle_launches(plan),
           bytes, bytes, scaled ? bytes : 0, cpu ? 3 : c->reads, cpu ? 2 : 1);
    fflush(stdout);
    if (sinter_plan_run(plan, b, 3) != SINTER_OK) ck_abort_msg("%s", sinter_last_error());
    if (c->reads == 1) ck_assert_uint_eq(oracle_launches(plan), 1);
    free(data);
    free(result);
    free(weights);
    sinter_plan_release(plan);
    sinter_graph_release(g);
}

START_TEST(rows_on_a_cpu) {
    ((sni_caps *)o.runtime->caps)->device_class = SNI_DEVICE_CPU;
    run_case(&cases[_i], "CPU");
}
END_TEST

START_TEST(rows_on_a_gpu) {
    ((sni_caps *)o.runtime->caps)->device_class = SNI_DEVICE_GPU;
    run_case(&cases[_i], "GPU");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("bytes");
    TCase *tc = tcase_create("rows");
    tcase_set_timeout(tc, 0);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, rows_on_a_cpu, 0, CASES);
    tcase_add_loop_test(tc, rows_on_a_gpu, 0, CASES);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
