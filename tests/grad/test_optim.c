/* Optimisers on the device against their formulas in double, over several steps. */
#include <check.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sinter/sinter.h>

#include "check_main.h"
#include "uncached.h"

enum { ROWS = 6, COLUMNS = 5, COUNT = ROWS * COLUMNS, STEPS = 5 };

static sinter_runtime *runtime;

typedef struct setup {
    sinter_optimizer_kind kind;
    sinter_dtype dtype;
    double decay, clip;
} setup;

/* Parameters w [ROWS, COLUMNS] and b [COLUMNS], loss = mean((x w + b - y)^2) with x [n, ROWS] and y [n, COLUMNS]. */
static sinter_plan *compile(const setup *s) {
    sinter_graph *g;
    sinter_plan *plan;
    sinter_value grads[2], norm;
    ck_assert_int_eq(sinter_graph_create(&g), SINTER_OK);
    sinter_dim n = SINTER_DIM("n");
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(n, ROWS));
    sinter_value y = sinter_input(g, "y", SINTER_F32, SINTER_SHAPE(n, COLUMNS));
    sinter_value rate = sinter_input(g, "rate", SINTER_F32, SINTER_SCALAR);
    sinter_value p[2] = {sinter_state(g, "w", s->dtype, SINTER_SHAPE(ROWS, COLUMNS)),
                         sinter_state(g, "b", SINTER_F32, SINTER_SHAPE(COLUMNS))};
    sinter_value product = sinter_matmul(g, x, sinter_cast(g, p[0], SINTER_F32));
    sinter_value d = sinter_sub(g, sinter_add(g, product, p[1]), y);
    sinter_value loss = sinter_reduce_mean(g, sinter_mul(g, d, d), SINTER_SCALAR, 0);
    sinter_optimizer all[] = {SINTER_SGD_INIT(rate), SINTER_ADAMW_INIT(rate), SINTER_LION_INIT(rate)}, o = all[s->kind];
    double decays[2] = {s->decay, 0};
    o.clip_norm = s->clip;
    o.weight_decays = decays;
    ck_assert_int_eq(sinter_gradients(g, loss, p, 2, grads), SINTER_OK);
    ck_assert_msg(sinter_optimize(g, &o, p, grads, 2, &norm) == SINTER_OK, "%s", sinter_last_error());
    sinter_output(g, "loss", loss);
    sinter_output(g, "norm", norm);
    ck_assert_msg(sinter_plan_compile(runtime, g, NULL, &plan) == SINTER_OK, "%s", sinter_last_error());
    sinter_graph_release(g);
    return plan;
}

/* The same in double: w then b in one array. */
typedef struct model {
    double p[COUNT + COLUMNS], m[COUNT + COLUMNS], v[COUNT + COLUMNS], g[COUNT + COLUMNS], loss, norm;
} model;

static void differentiate(model *m, const float *x, const float *y, int n) {
    memset(m->g, 0, sizeof m->g);
    m->loss = 0;
    for (int i = 0; i < n; ++i)
        for (int c = 0; c < COLUMNS; ++c) {
            double d = m->p[COUNT + c] - y[i * COLUMNS + c];
            for (int k = 0; k < ROWS; ++k) d += x[i * ROWS + k] * m->p[k * COLUMNS + c];
            m->loss += d * d / (n * COLUMNS);
            m->g[COUNT + c] += 2 * d / (n * COLUMNS);
            for (int k = 0; k < ROWS; ++k) m->g[k * COLUMNS + c] += 2 * d * x[i * ROWS + k] / (n * COLUMNS);
        }
    m->norm = 0;
    for (int i = 0; i < COUNT + COLUMNS; ++i) m->norm += m->g[i] * m->g[i];
    m->norm = sqrt(m->norm);
}

static void advance(model *m, const setup *s, double rate, int t) {
    double scale = s->clip > 0 && m->norm > s->clip ? s->clip / m->norm : 1;
    for (int i = 0; i < COUNT + COLUMNS; ++i) {
        double g = m->g[i] * scale, decay = i < COUNT ? s->decay : 0, *p = &m->p[i], *a = &m->m[i], *b = &m->v[i];
        if (s->kind == SINTER_SGD) {
            *a = 0.9 * *a + g + decay * *p;
            *p -= rate * *a;
        } else if (s->kind == SINTER_ADAMW) {
            *a = 0.9 * *a + 0.1 * g;
            *b = 0.999 * *b + 0.001 * g * g;
            *p -= rate * (decay * *p + *a / (1 - pow(0.9, t)) / (sqrt(*b / (1 - pow(0.999, t))) + 1e-8));
        } else {
            double mixed = 0.9 * *a + 0.1 * g;
            *p -= rate * (decay * *p + (mixed > 0) - (mixed < 0));
            *a = 0.99 * *a + 0.01 * g;
        }
    }
}

static float random_float(uint64_t *random) {
    *random = *random * 6364136223846793005u + 1442695040888963407u;
    return (float)((double)(*random >> 40) / (1 << 23) - 1);
}

static uint16_t bf16_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (uint16_t)(bits >> 16); /* the numbers here are exact */
}

static void start(sinter_plan *plan, model *m, const setup *s, uint64_t *random) {
    float w[COUNT], b[COLUMNS];
    uint16_t narrow[COUNT];
    memset(m, 0, sizeof *m);
    for (int i = 0; i < COUNT; ++i) {
        w[i] = rintf(random_float(random) * 64) / 64;
        narrow[i] = bf16_of(w[i]);
        m->p[i] = w[i];
    }
    for (int i = 0; i < COLUMNS; ++i) m->p[COUNT + i] = b[i] = random_float(random);
    bool is_narrow = s->dtype == SINTER_BF16;
    ck_assert_int_eq(
        sinter_plan_state_write(plan, "w", is_narrow ? (void *)narrow : w, is_narrow ? sizeof narrow : sizeof w),
        SINTER_OK);
    ck_assert_int_eq(sinter_plan_state_write(plan, "b", b, sizeof b), SINTER_OK);
}

static void check_near(const char *what, const float *have, const double *want, int count, double tolerance) {
    for (int i = 0; i < count; ++i)
        ck_assert_msg(fabs(have[i] - want[i]) <= tolerance * (1 + fabs(want[i])), "%s %d is %g, not %g", what, i,
                      have[i], want[i]);
}

static void train(const setup *s) {
    uint64_t random = 9;
    model m;
    sinter_plan *plan = compile(s);
    start(plan, &m, s, &random);
    /* A bf16 weight is what the product sees, its master what is updated; only that is compared loosely. */
    double tolerance = s->dtype == SINTER_BF16 ? 2e-2 : 2e-5;
    for (int t = 1; t <= STEPS; ++t) {
        float x[8 * ROWS], y[8 * COLUMNS], rate = s->kind == SINTER_LION ? 0.01f : 0.05f, loss, norm;
        float w[COUNT], b[COLUMNS];
        int64_t steps = 0;
        int n = t == 3 ? 5 : 8;
        for (int i = 0; i < n * ROWS; ++i) x[i] = random_float(&random);
        for (int i = 0; i < n * COLUMNS; ++i) y[i] = random_float(&random);
        sinter_binding io[] = {
            SINTER_BIND_HOST("x", SINTER_F32, SINTER_SHAPE(n, ROWS), x, sizeof(float) * (size_t)(n * ROWS)),
            SINTER_BIND_HOST("y", SINTER_F32, SINTER_SHAPE(n, COLUMNS), y, sizeof(float) * (size_t)(n * COLUMNS)),
            SINTER_BIND_HOST("rate", SINTER_F32, SINTER_SCALAR, &rate, sizeof rate),
            SINTER_BIND_HOST("loss", SINTER_F32, SINTER_SCALAR, &loss, sizeof loss),
            SINTER_BIND_HOST("norm", SINTER_F32, SINTER_SCALAR, &norm, sizeof norm)};
        ck_assert_msg(sinter_plan_run(plan, io, 5) == SINTER_OK, "%s", sinter_last_error());
        differentiate(&m, x, y, n);
        check_near("loss", &loss, &m.loss, 1, tolerance);
        check_near("norm", &norm, &m.norm, 1, tolerance);
        advance(&m, s, rate, t);
        const char *wide = s->dtype == SINTER_BF16 ? "w.master" : "w";
        ck_assert_int_eq(sinter_plan_state_read(plan, wide, w, sizeof w), SINTER_OK);
        ck_assert_int_eq(sinter_plan_state_read(plan, "b", b, sizeof b), SINTER_OK);
        ck_assert_int_eq(sinter_plan_state_read(plan, "optimizer.step", &steps, sizeof steps), SINTER_OK);
        check_near("w", w, m.p, COUNT, tolerance);
        check_near("b", b, m.p + COUNT, COLUMNS, tolerance);
        ck_assert_int_eq(steps, t);
    }
    sinter_plan_release(plan);
}

START_TEST(steps_follow_the_formulas) {
    static const setup setups[] = {{SINTER_SGD, SINTER_F32, 0, 0},      {SINTER_SGD, SINTER_F32, 0.1, 0.05},
                                   {SINTER_ADAMW, SINTER_F32, 0.01, 0}, {SINTER_ADAMW, SINTER_F32, 0.1, 0.05},
                                   {SINTER_LION, SINTER_F32, 0.1, 0},   {SINTER_ADAMW, SINTER_BF16, 0.01, 0}};
    ck_assert_msg(uncached_runtime(&runtime) == SINTER_OK, "%s", sinter_last_error());
    for (size_t i = 0; i < sizeof setups / sizeof *setups; ++i) train(&setups[i]);
    sinter_runtime_release(runtime);
}
END_TEST

/* Steps saved in the middle and taken up by another plan have the bits of steps that nobody interrupted. */
START_TEST(resumed_training) {
    const setup s = {SINTER_ADAMW, SINTER_F32, 0.01, 0.05};
    char path[] = "/tmp/sinter-optim-XXXXXX";
    float whole[2][COUNT], x[8 * ROWS], y[8 * COLUMNS], rate = 0.05f;
    int file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(close(file), 0);
    ck_assert_msg(uncached_runtime(&runtime) == SINTER_OK, "%s", sinter_last_error());
    sinter_plan *plans[3] = {compile(&s), compile(&s), compile(&s)};
    for (int run = 0; run < 2; ++run) {
        uint64_t random = 9;
        model m;
        start(plans[run], &m, &s, &random);
        for (int t = 1; t <= STEPS; ++t) {
            sinter_plan *plan = run == 1 && t > 2 ? plans[2] : plans[run];
            if (run == 1 && t == 3) {
                ck_assert_int_eq(sinter_plan_states_save(plans[1], path), SINTER_OK);
                ck_assert_int_eq(sinter_plan_states_load(plans[2], path, 0), SINTER_OK);
            }
            for (int i = 0; i < 8 * ROWS; ++i) x[i] = random_float(&random);
            for (int i = 0; i < 8 * COLUMNS; ++i) y[i] = random_float(&random);
            sinter_binding io[] = {SINTER_BIND_HOST("x", SINTER_F32, SINTER_SHAPE(8, ROWS), x, sizeof x),
                                   SINTER_BIND_HOST("y", SINTER_F32, SINTER_SHAPE(8, COLUMNS), y, sizeof y),
                                   SINTER_BIND_HOST("rate", SINTER_F32, SINTER_SCALAR, &rate, sizeof rate)};
            ck_assert_msg(sinter_plan_run(plan, io, 3) == SINTER_OK, "%s", sinter_last_error());
        }
        ck_assert_int_eq(sinter_plan_state_read(plans[run * 2], "w", whole[run], sizeof whole[run]), SINTER_OK);
    }
    ck_assert(memcmp(whole[0], whole[1], sizeof whole[0]) == 0);
    for (int i = 0; i < 3; ++i) sinter_plan_release(plans[i]);
    sinter_runtime_release(runtime);
    ck_assert_int_eq(unlink(path), 0);
}
END_TEST

/* Layers whose weights are parts of one state. */
static uint64_t launches_of_layers(int count) {
    sinter_graph *g;
    sinter_plan *plan;
    sinter_shape shapes[16];
    sinter_value parts[16], gradient;
    float values[64] = {0.5f, -1, 0.25f};
    ck_assert_int_eq(sinter_graph_create(&g), SINTER_OK);
    for (int i = 0; i < count; ++i) shapes[i] = SINTER_SHAPE(8, 8);
    sinter_value all = sinter_state_parts(g, "all", SINTER_F32, shapes, (size_t)count, parts);
    sinter_value x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(8, 8)), y = x;
    for (int i = 0; i < count; ++i) y = sinter_tanh(g, sinter_matmul(g, y, parts[i]));
    sinter_value loss = sinter_reduce_mean(g, sinter_mul(g, y, y), SINTER_SCALAR, 0);
    sinter_optimizer o = SINTER_ADAMW_INIT(sinter_scalar(g, SINTER_F32, 0.01));
    ck_assert_int_eq(sinter_gradients(g, loss, &all, 1, &gradient), SINTER_OK);
    ck_assert_int_eq(sinter_optimize(g, &o, &all, &gradient, 1, NULL), SINTER_OK);
    ck_assert_msg(sinter_plan_compile(runtime, g, NULL, &plan) == SINTER_OK, "%s", sinter_last_error());
    sinter_binding io[] = {SINTER_BIND_HOST("x", SINTER_F32, SINTER_SHAPE(8, 8), values, sizeof values)};
    ck_assert_int_eq(sinter_plan_run(plan, io, 1), SINTER_OK);
    sinter_plan_stats stats;
    sinter_plan_get_stats(plan, &stats);
    sinter_plan_release(plan);
    sinter_graph_release(g);
    return stats.launches;
}

START_TEST(one_launch_for_all_parameters) {
    ck_assert_msg(uncached_runtime(&runtime) == SINTER_OK, "%s", sinter_last_error());
    uint64_t few = launches_of_layers(3), many = launches_of_layers(9);
    /* A layer more is a product forward and two backward. */
    ck_assert_msg(many - few <= 6 * 3, "%u launches for 3 layers, %u for 9", (unsigned)few, (unsigned)many);
    sinter_runtime_release(runtime);
}
END_TEST

/* One step of w on the gradient 2 x scale; what the plan holds afterwards. */
static void scaled_step(sinter_plan *plan, float x, float w, float scale, int64_t steps) {
    float have_w, have_scale;
    int64_t have_steps;
    sinter_binding io[] = {SINTER_BIND_HOST("x", SINTER_F32, SINTER_SCALAR, &x, sizeof x)};
    ck_assert_msg(sinter_plan_run(plan, io, 1) == SINTER_OK, "%s", sinter_last_error());
    ck_assert_int_eq(sinter_plan_state_read(plan, "w", &have_w, sizeof have_w), SINTER_OK);
    ck_assert_int_eq(sinter_plan_state_read(plan, "optimizer.scale", &have_scale, sizeof have_scale), SINTER_OK);
    ck_assert_int_eq(sinter_plan_state_read(plan, "optimizer.step", &have_steps, sizeof have_steps), SINTER_OK);
    ck_assert_float_eq(have_w, w);
    ck_assert_float_eq(have_scale, scale);
    ck_assert_int_eq(have_steps, steps);
}

START_TEST(steps_that_are_skipped) {
    sinter_graph *g;
    sinter_plan *plan;
    sinter_value gradient;
    ck_assert_msg(uncached_runtime(&runtime) == SINTER_OK, "%s", sinter_last_error());
    ck_assert_int_eq(sinter_graph_create(&g), SINTER_OK);
    sinter_value w = sinter_state(g, "w", SINTER_F32, SINTER_SCALAR),
                 x = sinter_input(g, "x", SINTER_F32, SINTER_SCALAR);
    sinter_value scale = sinter_loss_scale(g), loss = sinter_mul(g, sinter_mul(g, w, x), scale);
    sinter_optimizer o = SINTER_SGD_INIT(sinter_scalar(g, SINTER_F32, 0.5));
    o.beta1 = 0;
    o.loss_scale = scale;
    o.loss_scale_steps = 2;
    ck_assert_int_eq(sinter_gradients(g, loss, &w, 1, &gradient), SINTER_OK);
    ck_assert_msg(sinter_optimize(g, &o, &w, &gradient, 1, NULL) == SINTER_OK, "%s", sinter_last_error());
    ck_assert_msg(sinter_plan_compile(runtime, g, NULL, &plan) == SINTER_OK, "%s", sinter_last_error());
    scaled_step(plan, 1, -0.5f, 65536, 1);
    scaled_step(plan, INFINITY, -0.5f, 32768, 1);
    scaled_step(plan, NAN, -0.5f, 16384, 1);
    scaled_step(plan, 2, -1.5f, 16384, 2);
    scaled_step(plan, 2, -2.5f, 32768, 3);
    scaled_step(plan, 2, -3.5f, 32768, 4);
    sinter_plan_release(plan);
    sinter_graph_release(g);
    sinter_runtime_release(runtime);
}
END_TEST

START_TEST(refusals) {
    for (int which = 0; which < 6; ++which) {
        sinter_graph *g;
        sinter_value norm;
        ck_assert_int_eq(sinter_graph_create(&g), SINTER_OK);
        sinter_value p = sinter_state(g, "p", SINTER_F32, SINTER_SHAPE(3)),
                     x = sinter_input(g, "x", SINTER_F32, SINTER_SHAPE(3));
        sinter_value shorter = sinter_input(g, "s", SINTER_F32, SINTER_SHAPE(2));
        sinter_value wide = sinter_input(g, "d", SINTER_F64, SINTER_SHAPE(3));
        sinter_optimizer o = SINTER_ADAMW_INIT(which == 0 ? x : sinter_scalar(g, SINTER_F32, 0.1));
        if (which == 1) o.beta2 = NAN;
        if (which == 5) o.weight_decay = -1;
        sinter_value parameter = which == 2 ? x : p, gradient = which == 3 ? shorter : which == 4 ? wide : x;
        static const char *const texts[] = {"learning_rate",    "beta2",        "newest value of a state",
                                            "different shapes", "gradient f64", "decay"};
        static const sinter_status statuses[] = {
            SINTER_INVALID_ARGUMENT, SINTER_INVALID_ARGUMENT, SINTER_INVALID_ARGUMENT, SINTER_SHAPE, SINTER_DTYPE,
            SINTER_INVALID_ARGUMENT};
        ck_assert_int_eq(sinter_optimize(g, &o, &parameter, &gradient, 1, &norm), statuses[which]);
        ck_assert_msg(strstr(sinter_last_error(), texts[which]) != NULL, "%s", sinter_last_error());
        ck_assert_uint_eq(norm.id, 0);
        sinter_graph_release(g);
    }
}
END_TEST

START_TEST(parts_that_cannot_be) {
    const sinter_shape shapes[] = {SINTER_SHAPE(2, 3), SINTER_SHAPE(SINTER_DIM("n")), SINTER_SHAPE(INT64_MAX / 2, 4)};
    for (size_t i = 1; i < 3; ++i) {
        sinter_graph *g;
        sinter_value parts[2];
        const sinter_shape two[] = {shapes[0], shapes[i]};
        ck_assert_int_eq(sinter_graph_create(&g), SINTER_OK);
        ck_assert_uint_eq(sinter_state_parts(g, "s", SINTER_F32, two, 2, parts).id, 0);
        ck_assert_uint_eq(parts[0].id, 0);
        ck_assert_int_eq(sinter_graph_status(g), SINTER_INVALID_ARGUMENT);
        ck_assert_ptr_nonnull(strstr(sinter_last_error(), "state 's'"));
        sinter_graph_release(g);
    }
}
END_TEST

int main(void) {
    const TTest *const tests[] = {steps_follow_the_formulas, resumed_training,       one_launch_for_all_parameters,
                                  parts_that_cannot_be,      steps_that_are_skipped, refusals};
    return run_suite(suite_of("optimisers", tests, sizeof tests / sizeof *tests));
}
