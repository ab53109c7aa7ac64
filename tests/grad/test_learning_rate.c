/* Learning rates that follow from the step, on the device, against their formulas. */
#include <check.h>
#include <math.h>
#include <string.h>

#include <sinter/sinter.h>

#include "check_main.h"
#include "uncached.h"

static double formula(const sinter_schedule *s, int64_t t) {
    if (t < s->warm_up) return s->peak * (double)(t + 1) / (double)s->warm_up;
    double part = fmin((double)(t - s->warm_up) / (double)(s->steps - s->warm_up), 1);
    double left = s->kind == SINTER_SCHEDULE_LINEAR ? 1 - part : 0.5 + 0.5 * cos(3.141592653589793 * part);
    return s->last + (s->peak - s->last) * left;
}

/* One parameter, whose gradient is 1: SGD without momentum takes the rate off it. */
static void follow(sinter_runtime *runtime, const sinter_schedule *s) {
    sinter_graph *g;
    sinter_plan *plan;
    sinter_value gradient;
    ck_assert_int_eq(sinter_graph_create(&g), SINTER_OK);
    sinter_value p = sinter_state(g, "p", SINTER_F32, SINTER_SCALAR);
    sinter_optimizer sgd = SINTER_SGD_INIT(sinter_learning_rate(g, s));
    sgd.beta1 = 0;
    sinter_output(g, "rate", sgd.learning_rate);
    ck_assert_int_eq(sinter_gradients(g, p, &p, 1, &gradient), SINTER_OK);
    ck_assert_msg(sinter_optimize(g, &sgd, &p, &gradient, 1, NULL) == SINTER_OK, "%s", sinter_last_error());
    ck_assert_msg(sinter_plan_compile(runtime, g, NULL, &plan) == SINTER_OK, "%s", sinter_last_error());
    sinter_graph_release(g);
    double sum = 0;
    for (int64_t t = 0; t < s->steps + 3; ++t) {
        float rate, at;
        sinter_binding io[] = {SINTER_BIND_HOST("rate", SINTER_F32, SINTER_SCALAR, &rate, sizeof rate)};
        ck_assert_msg(sinter_plan_run(plan, io, 1) == SINTER_OK, "%s", sinter_last_error());
        ck_assert_int_eq(sinter_plan_state_read(plan, "p", &at, sizeof at), SINTER_OK);
        sum += formula(s, t);
        ck_assert_msg(fabs(rate - formula(s, t)) <= 1e-6 * s->peak, "step %d: %g", (int)t, rate);
        ck_assert_msg(fabs(at + sum) <= 1e-5 * sum, "step %d: %g, not %g", (int)t, at, -sum);
    }
    sinter_plan_release(plan);
}

START_TEST(rates_follow_the_formulas) {
    static const sinter_schedule schedules[] = {{SINTER_SCHEDULE_COSINE, 0.3, 0.03, 4, 12},
                                                {SINTER_SCHEDULE_LINEAR, 0.5, 0, 0, 8}};
    sinter_runtime *runtime;
    ck_assert_msg(uncached_runtime(&runtime) == SINTER_OK, "%s", sinter_last_error());
    for (int i = 0; i < 2; ++i) follow(runtime, &schedules[i]);
    sinter_runtime_release(runtime);
}
END_TEST

START_TEST(refusals) {
    static const sinter_schedule wrong[] = {{SINTER_SCHEDULE_COSINE, 0.3, 0.4, 4, 12},
                                            {SINTER_SCHEDULE_LINEAR, 0.5, 0, 9, 8},
                                            {(sinter_schedule_kind)7, 0.5, 0, 0, 8}};
    static const char *const texts[] = {"peak is below last", "steps is below 1 or warm_up", "kind is no schedule"};
    for (int i = 0; i < 3; ++i) {
        sinter_graph *g;
        ck_assert_int_eq(sinter_graph_create(&g), SINTER_OK);
        ck_assert_uint_eq(sinter_learning_rate(g, &wrong[i]).id, 0);
        ck_assert_int_eq(sinter_graph_status(g), SINTER_INVALID_ARGUMENT);
        ck_assert_msg(strstr(sinter_last_error(), texts[i]) != NULL, "%s", sinter_last_error());
        sinter_graph_release(g);
    }
}
END_TEST

int main(void) {
    const TTest *const tests[] = {rates_follow_the_formulas, refusals};
    return run_suite(suite_of("schedules", tests, sizeof tests / sizeof *tests));
}
