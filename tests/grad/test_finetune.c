/* Imported models whose initialisers are trained. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sinter/checkpoint.h>
#include <sinter/grad.h>
#include <sinter/onnx.h>
#include <sinter/optim.h>

#include "check_main.h"
#include "uncached.h"

enum { MOST = 32, STEPS = 6, BATCH = 6, PIXELS = 64 };
#define MODEL SINTER_TEST_DATA "/digits/model.onnx"

static sinter_runtime *runtime;

static void start(void) {
    ck_assert_msg(uncached_runtime(&runtime) == SINTER_OK, "%s", sinter_last_error());
}

static sinter_graph *import(const sinter_onnx_training *training) {
    sinter_graph *g;
    ck_assert_msg(sinter_onnx_load_training(MODEL, NULL, training, &g) == SINTER_OK, "%s", sinter_last_error());
    return g;
}

/* The model with a loss and an optimiser of all states that it has, over the labels of a batch. */
static sinter_plan *compile(const sinter_onnx_training *training, size_t *out_count) {
    sinter_graph *g = import(training);
    sinter_plan *plan;
    sinter_value parameters[MOST], gradients[MOST], shares = sinter_graph_output_value(g, 0);
    size_t count = sinter_graph_state_count(g);
    ck_assert(count > 0 && count <= MOST);
    for (size_t i = 0; i < count; ++i) parameters[i] = sinter_graph_state_value(g, i);
    sinter_value labels = sinter_input(g, "labels", SINTER_I64, SINTER_SHAPE(sinter_value_dim(g, shares, 0)));
    /* The model ends with a softmax. */
    sinter_value logits = sinter_log(g, sinter_add(g, shares, sinter_scalar(g, SINTER_F32, 1e-6)));
    sinter_value loss = sinter_reduce_mean(g, sinter_cross_entropy(g, logits, labels, -100, 0, 0), SINTER_SHAPE(0), 0);
    sinter_optimizer o = SINTER_ADAMW_INIT(sinter_scalar(g, SINTER_F32, 0.002));
    sinter_output(g, "loss", loss);
    ck_assert_msg(sinter_gradients(g, loss, parameters, count, gradients) == SINTER_OK, "%s", sinter_last_error());
    ck_assert_msg(sinter_optimize(g, &o, parameters, gradients, count, NULL) == SINTER_OK, "%s", sinter_last_error());
    ck_assert_msg(sinter_plan_compile(runtime, g, NULL, &plan) == SINTER_OK, "%s", sinter_last_error());
    sinter_graph_release(g);
    *out_count = count;
    return plan;
}

static float run_step(sinter_plan *plan) {
    int64_t labels[BATCH];
    float images[BATCH * PIXELS], loss = NAN;
    for (int i = 0; i < BATCH; ++i) labels[i] = i % 5;
    for (int i = 0; i < BATCH * PIXELS; ++i) images[i] = (float)(i * 7919 % 31) / 31;
    sinter_binding io[] = {SINTER_BIND_HOST("image", SINTER_F32, SINTER_SHAPE(BATCH, 1, 8, 8), images, sizeof images),
                           SINTER_BIND_HOST("labels", SINTER_I64, SINTER_SHAPE(BATCH), labels, sizeof labels),
                           SINTER_BIND_HOST("loss", SINTER_F32, SINTER_SCALAR, &loss, sizeof loss)};
    ck_assert_msg(sinter_plan_run(plan, io, 3) == SINTER_OK, "%s", sinter_last_error());
    return loss;
}

/* Everything is trained, saved in the middle, and taken up by another plan: the same bits. */
START_TEST(all_initialisers) {
    sinter_onnx_training training = SINTER_ONNX_TRAINING_INIT;
    training.all = 1;
    char path[] = "/tmp/sinter-finetune-XXXXXX";
    int file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(close(file), 0);
    start();
    size_t count, again;
    sinter_plan *plan = compile(&training, &count), *other = compile(&training, &again);
    ck_assert_uint_eq(count, again);
    float first = run_step(plan), last = first;
    for (int i = 1; i < STEPS; ++i) last = run_step(plan);
    ck_assert_msg(last < 0.8f * first, "the loss went from %g to %g", first, last);
    ck_assert_msg(sinter_plan_states_save(plan, path) == SINTER_OK, "%s", sinter_last_error());
    ck_assert_float_eq(run_step(other), first); /* the file's values were where it began */
    ck_assert_msg(sinter_plan_states_load(other, path, 0) == SINTER_OK, "%s", sinter_last_error());
    ck_assert_float_eq(run_step(other), run_step(plan));
    ck_assert_int_eq(sinter_plan_state_reset(plan, NULL), SINTER_OK);
    ck_assert_float_eq(run_step(plan), first);
    ck_assert_int_eq(unlink(path), 0);
    sinter_plan_release(plan);
    sinter_plan_release(other);
    sinter_runtime_release(runtime);
}
END_TEST

/* One parameter is trained, the others stay constants; untouched states give what the model gives. */
START_TEST(one_by_name) {
    sinter_onnx_training all = SINTER_ONNX_TRAINING_INIT, training = SINTER_ONNX_TRAINING_INIT;
    all.all = 1;
    start();
    sinter_graph *g = import(&all);
    char name[256];
    size_t count = sinter_graph_state_count(g);
    snprintf(name, sizeof name, "%s", sinter_graph_state_name(g, count - 1));
    ck_assert_ptr_null(sinter_graph_state_name(g, count));
    ck_assert_uint_eq(sinter_graph_state_value(g, count).id, 0);
    sinter_graph_release(g);
    const char *names[] = {name};
    training.names = names;
    training.name_count = 1;
    sinter_plan *plan = compile(&training, &count);
    ck_assert_uint_eq(count, 1);
    float before = 0, after = 0, too_much[1 << 16];
    ck_assert_int_eq(sinter_plan_state_read(plan, name, &before, sizeof before), SINTER_OK);
    ck_assert_int_eq(sinter_plan_state_read(plan, name, too_much, sizeof too_much), SINTER_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), name));
    float first = run_step(plan), last = first;
    for (int i = 1; i < STEPS; ++i) last = run_step(plan);
    ck_assert_msg(last < first, "the loss went from %g to %g", first, last);
    ck_assert_int_eq(sinter_plan_state_read(plan, name, &after, sizeof after), SINTER_OK);
    ck_assert(before != after);
    sinter_plan_release(plan);
    sinter_runtime_release(runtime);
}
END_TEST

static void check_refusal(const sinter_onnx_training *training, const char *text) {
    sinter_graph *g = NULL;
    ck_assert_int_eq(sinter_onnx_load_training(MODEL, NULL, training, &g), SINTER_INVALID_ARGUMENT);
    ck_assert_msg(strstr(sinter_last_error(), text) != NULL, "%s", sinter_last_error());
    ck_assert_ptr_null(g);
}

START_TEST(names_that_cannot_be) {
    sinter_onnx_training training = SINTER_ONNX_TRAINING_INIT, all = SINTER_ONNX_TRAINING_INIT;
    all.all = 1;
    sinter_graph *g = import(&all);
    char name[256];
    snprintf(name, sizeof name, "%s", sinter_graph_state_name(g, 0));
    sinter_graph_release(g);
    const char *unknown[] = {"no.such.weight"}, *twice[] = {name, name}, *none[] = {NULL};
    training.name_count = 1;
    check_refusal(&training, "names is NULL");
    training.names = none;
    check_refusal(&training, "names[0] is NULL");
    training.names = unknown;
    check_refusal(&training, "'no.such.weight' is no initialiser");
    training.names = twice;
    training.name_count = 2;
    check_refusal(&training, "named twice");
}
END_TEST

int main(void) {
    const TTest *const tests[] = {all_initialisers, one_by_name, names_that_cannot_be};
    return run_suite(suite_of("fine-tuning", tests, sizeof tests / sizeof *tests));
}
