/* A language model that writes token by token, with its keys and values kept on the device as states.
 *
 *     example-decoder [TOKENS]
 *
 * The weights are made up from a seed. A step's graph writes the token's key and value into the states, at a place that
 * follows from a dimension, and its attention reads the filled part of them: no cache is copied, and no kernel is
 * compiled for a new length. Then another graph, without states, computes every token from all tokens before it, and
 * both must say the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sinter/sinter.h>

enum {
    VOCABULARY = 211,
    WIDTH = 64,
    LAYERS = 2,
    HEADS = 4,
    GROUPS = 2,
    HEAD = WIDTH / HEADS,
    HIDDEN = 128,
    MOST_TOKENS = 512
};
enum { KEYS = GROUPS * HEAD }; /* HEADS / GROUPS heads share their keys and values */

typedef struct model {
    sinter_graph *graph;
    uint64_t random;        /* so that both graphs have the same weights */
    sinter_dim count;       /* tokens that are computed: 1, or all */
    sinter_dim length;      /* tokens that attention looks at */
    sinter_value positions; /* i64 [count] */
    sinter_value mask;      /* f32 [count, length] added to the scores; none where every token may be looked at */
    int has_states;
} model;

static sinter_value weights(model *m, sinter_shape shape, double scale) {
    static float data[VOCABULARY * WIDTH];
    size_t count = 1;
    for (int d = 0; d < shape.rank; ++d) count *= (size_t)shape.dims[d];
    for (size_t i = 0; i < count; ++i) {
        m->random = m->random * 6364136223846793005u + 1442695040888963407u;
        data[i] = (float)(((double)(m->random >> 33) / 2147483648.0 - 0.5) * scale);
    }
    return sinter_constant(m->graph, SINTER_F32, shape, data, count * sizeof *data);
}

static sinter_value project(model *m, sinter_value x, int from, int to) {
    return sinter_matmul(m->graph, x, weights(m, SINTER_SHAPE(from, to), 6.0 / 8));
}

static sinter_value norm(model *m, sinter_value x) {
    float ones[WIDTH];
    for (int i = 0; i < WIDTH; ++i) ones[i] = 1;
    sinter_value scale = sinter_constant(m->graph, SINTER_F32, SINTER_SHAPE(WIDTH), ones, sizeof ones);
    return sinter_rms_norm(m->graph, x, scale, -1, 1e-5);
}

/* Rotary positions: pairs of x [count, heads, HEAD] turned by angles that grow with the position. */
static sinter_value rotate(model *m, sinter_value x, int heads) {
    sinter_graph *g = m->graph;
    float speeds[HEAD / 2];
    for (int i = 0; i < HEAD / 2; ++i) speeds[i] = i ? speeds[i - 1] * 0.4f : 1;
    sinter_value speed = sinter_constant(g, SINTER_F32, SINTER_SHAPE(HEAD / 2), speeds, sizeof speeds);
    sinter_value place = sinter_reshape(g, sinter_cast(g, m->positions, SINTER_F32), SINTER_SHAPE(m->count, 1, 1));
    sinter_value angle = sinter_mul(g, place, speed), c = sinter_cos(g, angle), s = sinter_sin(g, angle), half[2];
    for (int i = 0; i < 2; ++i)
        half[i] = sinter_slice(g, x, SINTER_SHAPE(0, 0, i * HEAD / 2), SINTER_SHAPE(1, 1, 1),
                               SINTER_SHAPE(m->count, heads, HEAD / 2));
    sinter_value turned[2] = {sinter_sub(g, sinter_mul(g, half[0], c), sinter_mul(g, half[1], s)),
                              sinter_add(g, sinter_mul(g, half[1], c), sinter_mul(g, half[0], s))};
    return sinter_concat(g, turned, 2, 2);
}

/* What attention reads of keys or values x [count, GROUPS, HEAD]: in a step, all that are in the state so far. */
static sinter_value remember(model *m, sinter_value x, const char *what, int layer) {
    char name[32];
    if (!m->has_states) return x;
    snprintf(name, sizeof name, "%s%d", what, layer);
    sinter_value state = sinter_state(m->graph, name, SINTER_F32, SINTER_SHAPE(MOST_TOKENS, GROUPS, HEAD));
    sinter_value now = sinter_state_write(m->graph, state, x, &m->positions, 1);
    return sinter_slice(m->graph, now, SINTER_SHAPE(0, 0, 0), SINTER_SHAPE(1, 1, 1),
                        SINTER_SHAPE(m->length, GROUPS, HEAD));
}

static sinter_value attention(model *m, sinter_value x, int layer) {
    sinter_graph *g = m->graph;
    enum { SHARE = HEADS / GROUPS };
    sinter_value q =
        rotate(m, sinter_reshape(g, project(m, x, WIDTH, WIDTH), SINTER_SHAPE(m->count, HEADS, HEAD)), HEADS);
    sinter_value k =
        rotate(m, sinter_reshape(g, project(m, x, WIDTH, KEYS), SINTER_SHAPE(m->count, GROUPS, HEAD)), GROUPS);
    sinter_value v = sinter_reshape(g, project(m, x, WIDTH, KEYS), SINTER_SHAPE(m->count, GROUPS, HEAD));
    k = remember(m, k, "keys", layer);
    v = remember(m, v, "values", layer);
    q = sinter_transpose(g, sinter_reshape(g, q, SINTER_SHAPE(m->count, GROUPS, SHARE, HEAD)),
                         SINTER_SHAPE(1, 2, 0, 3));
    k = sinter_reshape(g, sinter_transpose(g, k, SINTER_SHAPE(1, 2, 0)), SINTER_SHAPE(GROUPS, 1, HEAD, m->length));
    v = sinter_reshape(g, sinter_transpose(g, v, SINTER_SHAPE(1, 0, 2)), SINTER_SHAPE(GROUPS, 1, m->length, HEAD));
    sinter_value scores = sinter_mul(g, sinter_matmul(g, q, k), sinter_scalar(g, SINTER_F32, 0.25));
    if (m->mask.id) scores = sinter_add(g, scores, m->mask);
    sinter_value mixed = sinter_matmul(g, sinter_softmax(g, scores, -1), v);
    mixed = sinter_reshape(g, sinter_transpose(g, mixed, SINTER_SHAPE(2, 0, 1, 3)), SINTER_SHAPE(m->count, WIDTH));
    return project(m, mixed, WIDTH, WIDTH);
}

static sinter_value mlp(model *m, sinter_value x) {
    sinter_value gate = sinter_silu(m->graph, project(m, x, WIDTH, HIDDEN));
    return project(m, sinter_mul(m->graph, gate, project(m, x, WIDTH, HIDDEN)), HIDDEN, WIDTH);
}

/* tokens i64 [count] -> next i64 [count], the likeliest ones to follow. */
static void describe(model *m) {
    sinter_graph *g = m->graph;
    sinter_value tokens = sinter_input(g, "tokens", SINTER_I64, SINTER_SHAPE(m->count));
    sinter_value x = sinter_gather(g, weights(m, SINTER_SHAPE(VOCABULARY, WIDTH), 2), tokens, 0);
    for (int layer = 0; layer < LAYERS; ++layer) {
        x = sinter_add(g, x, attention(m, norm(m, x), layer));
        x = sinter_add(g, x, mlp(m, norm(m, x)));
    }
    sinter_value logits = sinter_matmul(g, norm(m, x), weights(m, SINTER_SHAPE(WIDTH, VOCABULARY), 2));
    sinter_output(g, "next", sinter_argmax(g, logits, 1, 0, 0));
}

/* One token: it is the last of length. */
static void describe_step(model *m) {
    m->has_states = 1;
    m->count = 1;
    m->length = SINTER_DIM("length");
    sinter_value length = sinter_known(m->graph, SINTER_SHAPE(1), SINTER_SHAPE(m->length));
    m->positions = sinter_sub(m->graph, length, sinter_scalar(m->graph, SINTER_I64, 1));
    describe(m);
}

/* All tokens, of which each sees those before it. */
static void describe_all(model *m) {
    sinter_graph *g = m->graph;
    m->count = m->length = SINTER_DIM("count");
    m->positions = sinter_iota(g, SINTER_SHAPE(m->count), SINTER_I64, 0);
    sinter_value row = sinter_iota(g, SINTER_SHAPE(m->count, 1), SINTER_I64, 0);
    sinter_value column = sinter_iota(g, SINTER_SHAPE(1, m->count), SINTER_I64, 1);
    m->mask = sinter_where(g, sinter_le(g, column, row), sinter_scalar(g, SINTER_F32, 0),
                           sinter_scalar(g, SINTER_F32, -1e30));
    describe(m);
}

static int fail(const char *what) {
    fprintf(stderr, "%s: %s\n", what, sinter_last_error());
    return 1;
}

static sinter_plan *compile(sinter_runtime *runtime, void (*describe_graph)(model *)) {
    model m = {.random = 20};
    sinter_plan *plan = NULL;
    if (sinter_graph_create(&m.graph) != SINTER_OK) return NULL;
    describe_graph(&m);
    if (sinter_plan_compile(runtime, m.graph, NULL, &plan) != SINTER_OK) plan = NULL;
    sinter_graph_release(m.graph);
    return plan;
}

/* Writes count tokens from the first one on. Sets the kernels that were compiled after the third step, and the bytes that
 * the last step moved more than step count / 2 did. */
static int generate(sinter_runtime *runtime, sinter_plan *plan, int64_t *tokens, int count, uint64_t *out_compiled,
                    uint64_t *out_bytes) {
    sinter_runtime_stats early, late;
    sinter_plan_stats half, last;
    for (int i = 0; i < count; ++i) {
        sinter_binding io[] = {SINTER_BIND_HOST("tokens", SINTER_I64, SINTER_SHAPE(1), &tokens[i], sizeof *tokens),
                               SINTER_BIND_HOST("next", SINTER_I64, SINTER_SHAPE(1), &tokens[i + 1], sizeof *tokens),
                               SINTER_BIND_DIM("length", i + 1)};
        if (sinter_plan_run(plan, io, 3) != SINTER_OK) return fail("step");
        if (i == 2) sinter_runtime_get_stats(runtime, &early);
        if (i == count / 2) sinter_plan_get_stats(plan, &half);
    }
    sinter_runtime_get_stats(runtime, &late);
    sinter_plan_get_stats(plan, &last);
    *out_compiled = late.kernels_compiled + late.kernels_cached - early.kernels_compiled - early.kernels_cached;
    *out_bytes = last.bytes_moved - half.bytes_moved;
    printf("launches a step: %u\n", (unsigned)last.launches);
    return 0;
}

/* The first count tokens, each from all before it, against those that were written. */
static int check(sinter_plan *plan, int64_t *tokens, int count) {
    int64_t next[MOST_TOKENS];
    sinter_binding io[] = {
        SINTER_BIND_HOST("tokens", SINTER_I64, SINTER_SHAPE(count), tokens, sizeof *tokens * (size_t)count),
        SINTER_BIND_HOST("next", SINTER_I64, SINTER_SHAPE(count), next, sizeof next)};
    if (sinter_plan_run(plan, io, 2) != SINTER_OK) return fail("recomputing");
    for (int i = 0; i < count; ++i) {
        if (next[i] == tokens[i + 1]) continue;
        fprintf(stderr, "token %d is %d, recomputed from %d tokens %d\n", i + 1, (int)tokens[i + 1], count,
                (int)next[i]);
        return 1;
    }
    return 0;
}

static int run(sinter_runtime *runtime, sinter_plan *step, sinter_plan *all, int count) {
    static int64_t tokens[MOST_TOKENS + 1] = {1};
    static char seen[VOCABULARY];
    uint64_t compiled, bytes;
    int different = 0;
    if (generate(runtime, step, tokens, count, &compiled, &bytes)) return 1;
    for (int i = 0; i <= count; ++i) different += !seen[tokens[i]], seen[tokens[i]] = 1;
    printf("tokens: %d, %d different ones\nkernels built after the third step: %u\n", count, different,
           (unsigned)compiled);
    for (int i = 1; i < count; i += i < 4 ? 1 : count / 7)
        if (check(all, tokens, i)) return 1;
    if (check(all, tokens, count)) return 1;
    printf("recomputed from scratch: the same\n");
    /* A step reads the keys and values so far; the scores may pass through memory, written and read twice. */
    uint64_t steps = (uint64_t)(count - 1 - count / 2), cache = LAYERS * 2 * KEYS * sizeof(float);
    uint64_t scores = 4 * LAYERS * HEADS * sizeof(float), grown = steps ? bytes / steps : 0;
    printf("bytes that a step moves more for each token before it: %u, of which keys and values %u\n", (unsigned)grown,
           (unsigned)cache);
    return compiled > 0 || grown > cache + scores;
}

int main(int argc, char **argv) {
    int count = argc > 1 ? atoi(argv[1]) : 500;
    sinter_runtime *runtime;
    if (count < 4 || count > MOST_TOKENS) return fprintf(stderr, "4 to %d tokens\n", MOST_TOKENS), 2;
    if (sinter_runtime_create(NULL, &runtime) != SINTER_OK) return fail("runtime");
    sinter_plan *step = compile(runtime, describe_step), *all = step ? compile(runtime, describe_all) : NULL;
    int code = all ? run(runtime, step, all, count) : fail("compile");
    sinter_plan_release(step);
    sinter_plan_release(all);
    sinter_runtime_release(runtime);
    return code;
}
