/* A small Llama-like language model of bytes, trained on text files from nothing.
 *
 *     example-train_lm [--steps N] [--batch N] [--checkpoint FILE] [--save-every N] [--sample N]
 *                      [--weights FILE] [--losses FILE] TEXT...
 *
 * A TEXT is a file, or a directory whose files are taken. The last tenth of each is held back and not trained on. The weights and
 * what the optimiser remembers are states: a run of the plan is a step, and updates them in place on the device. With a
 * checkpoint FILE the states are saved now and then, and a program that was stopped, however it was stopped, goes on from
 * there: which bytes a step sees follows from its number, so the result has the bits of a run that nobody stopped. At the end the
 * model is tried on what was held back, and writes.
 *
 * --weights starts from the tensors "matrices" and "vectors" of a safetensors file, in the order of list_parameters, and --losses
 * writes each step's loss with all its digits: so another trainer can be compared (ci/compare_training.py). */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <sinter/sinter.h>

enum { VOCABULARY = 256, WIDTH = 128, LAYERS = 4, HEADS = 4, HEAD = WIDTH / HEADS, HIDDEN = 344, LENGTH = 128 };
enum { MOST_PARAMETERS = 16 * LAYERS, MOST_BATCH = 64, MOST_FILES = 1024, WARM_UP = 50 };
static const double PEAK_RATE = 3e-3;

/* ---- the model ---------------------------------------------------------------------------------- */

typedef struct parameter {
    char name[32];
    int64_t rows, columns; /* columns 0: a vector */
    double spread;         /* of its first values; 0: they are ones */
    sinter_value value;
} parameter;

/* Matrices lie in one state and vectors in another, so that an optimiser's step is a launch for each: weights decay in one. */
enum { MATRICES, VECTORS, STATES };
static const char *const state_names[STATES] = {"matrices", "vectors"};

typedef struct model {
    sinter_graph *graph;
    sinter_dim batch, length;
    parameter parameters[MOST_PARAMETERS];
    size_t count;
    sinter_value states[STATES];
    sinter_value loss, logits, norm;
} model;

static void list(model *m, const char *what, int layer, int64_t rows, int64_t columns, double spread) {
    parameter *p = &m->parameters[m->count++];
    *p = (parameter){.rows = rows, .columns = columns, .spread = spread};
    snprintf(p->name, sizeof p->name, "%s%d", what, layer);
}

static int64_t size_of(const parameter *p) {
    return p->columns ? p->rows * p->columns : p->rows;
}

static int state_of(const parameter *p) {
    return p->columns ? MATRICES : VECTORS;
}

static void list_parameters(model *m) {
    const double spread = 0.02, last = spread / sqrt(2 * LAYERS); /* of what is added to the residual stream */
    list(m, "embedding", 0, VOCABULARY, WIDTH, spread);
    for (int layer = 0; layer < LAYERS; ++layer) {
        for (int i = 0; i < 3; ++i) list(m, (const char *[]){"q", "k", "v"}[i], layer, WIDTH, WIDTH, spread);
        list(m, "o", layer, WIDTH, WIDTH, last);
        list(m, "gate", layer, WIDTH, HIDDEN, spread);
        list(m, "up", layer, WIDTH, HIDDEN, spread);
        list(m, "down", layer, HIDDEN, WIDTH, last);
        list(m, "norm1.", layer, WIDTH, 0, 0);
        list(m, "norm2.", layer, WIDTH, 0, 0);
    }
    list(m, "last_norm", 0, WIDTH, 0, 0);
    list(m, "head", 0, WIDTH, VOCABULARY, spread);
}

static void make_states(model *m) {
    sinter_shape shapes[MOST_PARAMETERS];
    sinter_value parts[MOST_PARAMETERS];
    list_parameters(m);
    for (int state = 0; state < STATES; ++state) {
        size_t count = 0, next = 0;
        for (size_t i = 0; i < m->count; ++i) {
            const parameter *p = &m->parameters[i];
            if (state_of(p) == state)
                shapes[count++] = p->columns ? SINTER_SHAPE(p->rows, p->columns) : SINTER_SHAPE(p->rows);
        }
        m->states[state] = sinter_state_parts(m->graph, state_names[state], SINTER_F32, shapes, count, parts);
        for (size_t i = 0; i < m->count; ++i)
            if (state_of(&m->parameters[i]) == state) m->parameters[i].value = parts[next++];
    }
}

static sinter_value weights(const model *m, const char *what, int layer) {
    char name[32];
    snprintf(name, sizeof name, "%s%d", what, layer);
    for (size_t i = 0; i < m->count; ++i)
        if (strcmp(m->parameters[i].name, name) == 0) return m->parameters[i].value;
    return SINTER_NO_VALUE;
}

static sinter_value project(const model *m, sinter_value x, const char *what, int layer) {
    return sinter_matmul(m->graph, x, weights(m, what, layer));
}

static sinter_value norm(const model *m, sinter_value x, const char *what, int layer) {
    return sinter_rms_norm(m->graph, x, weights(m, what, layer), -1, 1e-5);
}

/* Rotary positions: pairs of x [batch, length, HEADS, HEAD] turned by angles that grow with the position. */
static sinter_value rotate(model *m, sinter_value x) {
    sinter_graph *g = m->graph;
    float speeds[HEAD / 2];
    for (int i = 0; i < HEAD / 2; ++i) speeds[i] = (float)pow(10000, -2.0 * i / HEAD);
    sinter_value speed = sinter_constant(g, SINTER_F32, SINTER_SHAPE(HEAD / 2), speeds, sizeof speeds), half[2];
    sinter_value place = sinter_iota(g, SINTER_SHAPE(m->length, 1, 1), SINTER_F32, 0);
    sinter_value angle = sinter_mul(g, place, speed), c = sinter_cos(g, angle), s = sinter_sin(g, angle);
    for (int i = 0; i < 2; ++i)
        half[i] = sinter_slice(g, x, SINTER_SHAPE(0, 0, 0, i * HEAD / 2), SINTER_SHAPE(1, 1, 1, 1),
                               SINTER_SHAPE(m->batch, m->length, HEADS, HEAD / 2));
    sinter_value turned[2] = {sinter_sub(g, sinter_mul(g, half[0], c), sinter_mul(g, half[1], s)),
                              sinter_add(g, sinter_mul(g, half[1], c), sinter_mul(g, half[0], s))};
    return sinter_concat(g, turned, 2, 3);
}

static sinter_value heads(model *m, sinter_value x) {
    return sinter_reshape(m->graph, x, SINTER_SHAPE(m->batch, m->length, HEADS, HEAD));
}

static sinter_value attention(model *m, sinter_value x, int layer) {
    sinter_graph *g = m->graph;
    sinter_value q = rotate(m, heads(m, project(m, x, "q", layer))), k = rotate(m, heads(m, project(m, x, "k", layer)));
    sinter_value v = heads(m, project(m, x, "v", layer));
    q = sinter_transpose(g, q, SINTER_SHAPE(0, 2, 1, 3));
    k = sinter_transpose(g, k, SINTER_SHAPE(0, 2, 3, 1));
    v = sinter_transpose(g, v, SINTER_SHAPE(0, 2, 1, 3));
    sinter_value row = sinter_iota(g, SINTER_SHAPE(m->length, 1), SINTER_I32, 0);
    sinter_value column = sinter_iota(g, SINTER_SHAPE(1, m->length), SINTER_I32, 1);
    sinter_value scores = sinter_mul(g, sinter_matmul(g, q, k), sinter_scalar(g, SINTER_F32, 1 / sqrt(HEAD)));
    scores = sinter_where(g, sinter_le(g, column, row), scores, sinter_scalar(g, SINTER_F32, -1e30));
    sinter_value mixed = sinter_matmul(g, sinter_softmax(g, scores, -1), v);
    mixed = sinter_transpose(g, mixed, SINTER_SHAPE(0, 2, 1, 3));
    return project(m, sinter_reshape(g, mixed, SINTER_SHAPE(m->batch, m->length, WIDTH)), "o", layer);
}

static sinter_value mlp(model *m, sinter_value x, int layer) {
    sinter_value gate = sinter_silu(m->graph, project(m, x, "gate", layer));
    return project(m, sinter_mul(m->graph, gate, project(m, x, "up", layer)), "down", layer);
}

/* tokens and labels i32 [batch, length] -> the mean loss in nats a byte, and logits [batch, length, VOCABULARY]. */
static void describe(model *m) {
    sinter_graph *g = m->graph;
    make_states(m);
    sinter_value tokens = sinter_input(g, "tokens", SINTER_I32, SINTER_SHAPE(m->batch, m->length));
    sinter_value labels = sinter_input(g, "labels", SINTER_I32, SINTER_SHAPE(m->batch, m->length));
    sinter_value x = sinter_gather(g, weights(m, "embedding", 0), tokens, 0);
    for (int layer = 0; layer < LAYERS; ++layer) {
        x = sinter_add(g, x, attention(m, norm(m, x, "norm1.", layer), layer));
        x = sinter_add(g, x, mlp(m, norm(m, x, "norm2.", layer), layer));
    }
    m->logits = project(m, norm(m, x, "last_norm", 0), "head", 0);
    m->loss = sinter_reduce_mean(g, sinter_cross_entropy(g, m->logits, labels, -100, 0, 0), SINTER_SCALAR, 0);
    sinter_output(g, "loss", m->loss);
}

/* The step: gradients, clipped, and AdamW. */
static void describe_step(model *m) {
    static const double decays[STATES] = {0.1, 0};
    sinter_value gradients[STATES];
    describe(m);
    sinter_optimizer adamw = SINTER_ADAMW_INIT(sinter_input(m->graph, "rate", SINTER_F32, SINTER_SCALAR));
    adamw.beta2 = 0.95;
    adamw.clip_norm = 1;
    adamw.weight_decays = decays;
    if (sinter_gradients(m->graph, m->loss, m->states, STATES, gradients) == SINTER_OK &&
        sinter_optimize(m->graph, &adamw, m->states, gradients, STATES, &m->norm) == SINTER_OK)
        sinter_output(m->graph, "norm", m->norm);
}

static void describe_trial(model *m) {
    describe(m);
    sinter_output(m->graph, "logits", m->logits);
}

/* ---- the text ----------------------------------------------------------------------------------- */

typedef struct text {
    unsigned char *bytes;
    size_t size;
} text;

typedef struct corpus {
    text trained, held_back;
} corpus;

static int fail(const char *what, const char *why) {
    fprintf(stderr, "%s: %s\n", what, why);
    return 1;
}

static int append(text *to, const unsigned char *bytes, size_t size) {
    unsigned char *grown = realloc(to->bytes, to->size + size + 1);
    if (!grown) return fail("text", "out of memory");
    memcpy(grown + to->size, bytes, size);
    to->bytes = grown;
    to->size += size;
    return 0;
}

static int read_file(const char *path, corpus *c) {
    FILE *file = fopen(path, "rb");
    text all = {0};
    unsigned char block[1 << 16];
    size_t size;
    int bad = file ? 0 : fail(path, "cannot be opened");
    while (!bad && (size = fread(block, 1, sizeof block, file)) > 0) bad = append(&all, block, size);
    size_t kept = all.size - all.size / 10;
    if (!bad && all.size)
        bad = append(&c->trained, all.bytes, kept) || append(&c->held_back, all.bytes + kept, all.size - kept);
    if (file) fclose(file);
    free(all.bytes);
    return bad;
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A file, or the files of a directory in the order of their names; links would be the same text again. */
static int read_text(const char *path, corpus *c) {
    char *paths[MOST_FILES];
    int count = 0, bad = 0;
    DIR *directory = opendir(path);
    if (!directory) return read_file(path, c);
    for (struct dirent *entry; (entry = readdir(directory)) && count < MOST_FILES;) {
        char name[4096];
        struct stat info;
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (lstat(name, &info) == 0 && S_ISREG(info.st_mode) && (paths[count] = strdup(name))) ++count;
    }
    closedir(directory);
    qsort(paths, (size_t)count, sizeof *paths, by_name);
    for (int i = 0; i < count; ++i) {
        if (!bad) bad = read_file(paths[i], c);
        free(paths[i]);
    }
    return bad;
}

/* A number that follows from two others (SplitMix64). */
static uint64_t mixed(uint64_t a, uint64_t b) {
    uint64_t x = a * 0x9e3779b97f4a7c15u + b + 1;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static void sequence(const text *t, size_t start, int32_t *tokens, int32_t *labels) {
    for (size_t i = 0; i < LENGTH; ++i) {
        tokens[i] = t->bytes[start + i];
        labels[i] = t->bytes[start + i + 1];
    }
}

/* ---- training ----------------------------------------------------------------------------------- */

typedef struct options {
    int64_t steps, batch, save_every, sample;
    const char *checkpoint, *weights, *losses;
} options;

typedef struct trainer {
    options o;
    corpus text;
    model step_model, trial_model;
    sinter_plan *step, *trial;
    int32_t tokens[MOST_BATCH * LENGTH], labels[MOST_BATCH * LENGTH];
} trainer;

static double uniform(uint64_t *random) {
    *random = mixed(*random, 1);
    return ((double)(*random >> 11) + 0.5) / 9007199254740992.0;
}

static size_t state_bytes(const model *m, int state) {
    size_t bytes = 0;
    for (size_t i = 0; i < m->count; ++i)
        if (state_of(&m->parameters[i]) == state) bytes += (size_t)size_of(&m->parameters[i]) * sizeof(float);
    return bytes;
}

static int start_from_nothing(trainer *t) {
    uint64_t random = 20;
    for (int state = 0; state < STATES; ++state) {
        size_t bytes = state_bytes(&t->step_model, state), at = 0;
        float *data = malloc(bytes);
        if (!data) return fail(state_names[state], "out of memory");
        for (size_t i = 0; i < t->step_model.count; ++i) {
            const parameter *p = &t->step_model.parameters[i];
            for (int64_t k = 0; state_of(p) == state && k < size_of(p); ++k) {
                double normal = sqrt(-2 * log(uniform(&random))) * cos(6.283185307179586 * uniform(&random));
                data[at++] = p->spread > 0 ? (float)(p->spread * normal) : 1;
            }
        }
        sinter_status status = sinter_plan_state_write(t->step, state_names[state], data, bytes);
        free(data);
        if (status != SINTER_OK) return fail(state_names[state], sinter_last_error());
    }
    return 0;
}

static int start_from_weights(trainer *t) {
    if (start_from_nothing(t)) return 1;
    return sinter_plan_states_load(t->step, t->o.weights, 1) == SINTER_OK ? 0 : fail("weights", sinter_last_error());
}

/* Sets the number of steps that were taken already. */
static int begin(trainer *t, int64_t *out_done) {
    *out_done = 0;
    if (!t->o.checkpoint || access(t->o.checkpoint, F_OK) != 0)
        return t->o.weights ? start_from_weights(t) : start_from_nothing(t);
    if (sinter_plan_states_load(t->step, t->o.checkpoint, 0) != SINTER_OK ||
        sinter_plan_state_read(t->step, "optimizer.step", out_done, sizeof *out_done) != SINTER_OK)
        return fail("resuming", sinter_last_error());
    printf("going on after step %lld\n", (long long)*out_done);
    return 0;
}

/* Up in WARM_UP steps, then down to a tenth along a cosine. */
static float rate_of(int64_t step, int64_t steps) {
    if (step < WARM_UP) return (float)(PEAK_RATE * (double)(step + 1) / WARM_UP);
    double part = (double)(step - WARM_UP) / (double)(steps > WARM_UP ? steps - WARM_UP : 1);
    return (float)(PEAK_RATE * (0.55 + 0.45 * cos(3.141592653589793 * part)));
}

static int take_step(trainer *t, int64_t step, float *loss) {
    float rate = rate_of(step, t->o.steps);
    size_t room = t->text.trained.size - LENGTH, bytes = (size_t)t->o.batch * LENGTH * sizeof *t->tokens;
    for (int64_t b = 0; b < t->o.batch; ++b)
        sequence(&t->text.trained, mixed((uint64_t)step, (uint64_t)b) % room, t->tokens + b * LENGTH,
                 t->labels + b * LENGTH);
    sinter_binding io[] = {SINTER_BIND_HOST("tokens", SINTER_I32, SINTER_SHAPE(t->o.batch, LENGTH), t->tokens, bytes),
                           SINTER_BIND_HOST("labels", SINTER_I32, SINTER_SHAPE(t->o.batch, LENGTH), t->labels, bytes),
                           SINTER_BIND_HOST("rate", SINTER_F32, SINTER_SCALAR, &rate, sizeof rate),
                           SINTER_BIND_HOST("loss", SINTER_F32, SINTER_SCALAR, loss, sizeof *loss)};
    return sinter_plan_run(t->step, io, 4) == SINTER_OK ? 0 : fail("step", sinter_last_error());
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* One line that is drawn again and again on a terminal, and a line now and then elsewhere. */
static void show(const trainer *t, int64_t step, double loss, double rate) {
    char bar[31] = "";
    sinter_plan_stats stats;
    uint64_t states = sizeof(int64_t);
    int terminal = isatty(2), filled = (int)(30 * step / t->o.steps);
    if (!terminal && step % 100 != 0 && step != t->o.steps) return;
    for (int i = 0; i < 30; ++i) bar[i] = i < filled ? '#' : '.';
    sinter_plan_get_stats(t->step, &stats);
    for (int i = 0; i < STATES; ++i) states += 3 * state_bytes(&t->step_model, i);
    double left = rate > 0 ? (double)((t->o.steps - step) * t->o.batch * LENGTH) / rate : 0;
    fprintf(stderr, "%s[%s] %lld/%lld  loss %.3f  %.0f tokens/s  %.1f MiB  %d:%02d left%s", terminal ? "\r" : "", bar,
            (long long)step, (long long)t->o.steps, loss, rate,
            (double)(stats.bytes_peak + stats.constant_bytes + states) / 1048576, (int)(left / 60), (int)left % 60,
            terminal && step < t->o.steps ? "  " : "\n");
    fflush(stderr);
}

static int save(trainer *t) {
    if (!t->o.checkpoint) return 0;
    return sinter_plan_states_save(t->step, t->o.checkpoint) == SINTER_OK ? 0 : fail("saving", sinter_last_error());
}

static int train(trainer *t, FILE *losses) {
    int64_t done;
    float loss = 0;
    double smooth = 0;
    if (begin(t, &done)) return 1;
    double first = seconds();
    for (int64_t step = done; step < t->o.steps; ++step) {
        if (take_step(t, step, &loss)) return 1;
        if (!(loss < 1e6f)) return fail("training", "the loss is no number any more");
        if (losses) fprintf(losses, "%.9g\n", loss);
        smooth = step == done ? loss : 0.95 * smooth + 0.05 * loss;
        double tokens = (double)((step + 1 - done) * t->o.batch * LENGTH);
        show(t, step + 1, smooth, tokens / (seconds() - first));
        if ((step + 1) % t->o.save_every == 0 && step + 1 < t->o.steps && save(t)) return 1;
    }
    return done < t->o.steps ? save(t) : 0;
}

/* With the file of losses, where one is wanted. */
static int train_all(trainer *t) {
    FILE *losses = t->o.losses ? fopen(t->o.losses, "w") : NULL;
    if (t->o.losses && !losses) return fail(t->o.losses, "cannot be written");
    int bad = train(t, losses);
    if (losses && fclose(losses) != 0) bad = fail(t->o.losses, "cannot be written");
    return bad;
}

/* ---- trying it ---------------------------------------------------------------------------------- */

/* The weights go from one plan to the other through host memory. */
static int copy_weights(trainer *t) {
    for (int i = 0; i < STATES; ++i) {
        size_t bytes = state_bytes(&t->step_model, i);
        void *data = malloc(bytes);
        int bad = !data || sinter_plan_state_read(t->step, state_names[i], data, bytes) != SINTER_OK ||
                  sinter_plan_state_write(t->trial, state_names[i], data, bytes) != SINTER_OK;
        free(data);
        if (bad) return fail(state_names[i], data ? sinter_last_error() : "out of memory");
    }
    return 0;
}

/* The mean loss on what was held back, in pieces that lie side by side. */
static int try_held_back(trainer *t) {
    double sum = 0;
    size_t count = 0;
    for (size_t start = 0; start + LENGTH < t->text.held_back.size; start += LENGTH, ++count) {
        float loss;
        sequence(&t->text.held_back, start, t->tokens, t->labels);
        sinter_binding io[] = {
            SINTER_BIND_HOST("tokens", SINTER_I32, SINTER_SHAPE(1, LENGTH), t->tokens, LENGTH * sizeof *t->tokens),
            SINTER_BIND_HOST("labels", SINTER_I32, SINTER_SHAPE(1, LENGTH), t->labels, LENGTH * sizeof *t->labels),
            SINTER_BIND_HOST("loss", SINTER_F32, SINTER_SCALAR, &loss, sizeof loss)};
        if (sinter_plan_run(t->trial, io, 3) != SINTER_OK) return fail("held back", sinter_last_error());
        sum += loss;
    }
    if (count) printf("held back: %.4f nats per byte\n", sum / (double)count);
    return 0;
}

/* A byte drawn from logits, likelier ones a little more often than the model says. */
static int draw(const float *logits, uint64_t *random) {
    double most = logits[0], sum = 0, weight[VOCABULARY];
    for (int i = 1; i < VOCABULARY; ++i) most = logits[i] > most ? logits[i] : most;
    for (int i = 0; i < VOCABULARY; ++i) sum += weight[i] = exp((logits[i] - most) / 0.7);
    double left = uniform(random) * sum;
    for (int i = 0; i < VOCABULARY; ++i)
        if ((left -= weight[i]) < 0) return i;
    return ' ';
}

static int write_sample(trainer *t) {
    static float logits[LENGTH * VOCABULARY];
    static const char prompt[] = "This License ";
    int count = (int)sizeof prompt - 1;
    uint64_t random = 7;
    for (int i = 0; i < count; ++i) t->tokens[i] = prompt[i];
    printf("%s", prompt);
    for (int64_t n = 0; n < t->o.sample; ++n) {
        size_t bytes = (size_t)count * sizeof *t->tokens;
        sinter_binding io[] = {SINTER_BIND_HOST("tokens", SINTER_I32, SINTER_SHAPE(1, count), t->tokens, bytes),
                               SINTER_BIND_HOST("labels", SINTER_I32, SINTER_SHAPE(1, count), t->tokens, bytes),
                               SINTER_BIND_HOST("logits", SINTER_F32, SINTER_SCALAR, logits, sizeof logits)};
        if (sinter_plan_run(t->trial, io, 3) != SINTER_OK) return fail("sample", sinter_last_error());
        int next = draw(logits + (count - 1) * VOCABULARY, &random);
        putchar(next);
        if (count == LENGTH) memmove(t->tokens, t->tokens + 1, (size_t)--count * sizeof *t->tokens);
        t->tokens[count++] = next;
    }
    putchar('\n');
    return 0;
}

/* ---- the program -------------------------------------------------------------------------------- */

static int show_compiling(void *what, size_t done, size_t total) {
    if (isatty(2))
        fprintf(stderr, "\rcompiling %s: %zu of %zu kernels%s", (const char *)what, done, total,
                done == total ? "\n" : "");
    return 0;
}

static sinter_plan *compile(sinter_runtime *runtime, model *m, const char *what, void (*describe_graph)(model *)) {
    sinter_plan *plan = NULL;
    sinter_plan_options settings = {.progress = show_compiling, .context = (void *)what};
    if (sinter_graph_create(&m->graph) != SINTER_OK) return NULL;
    describe_graph(m);
    if (sinter_plan_compile(runtime, m->graph, &settings, &plan) != SINTER_OK) plan = NULL;
    sinter_graph_release(m->graph);
    return plan;
}

static int run(trainer *t, sinter_runtime *runtime) {
    if (t->text.trained.size <= LENGTH + 1) return fail("text", "there is too little of it");
    t->step_model.batch = t->o.batch;
    t->step_model.length = LENGTH;
    t->trial_model.batch = SINTER_DIM("batch");
    t->trial_model.length = SINTER_DIM("length");
    t->step = compile(runtime, &t->step_model, "a step", describe_step);
    if (!t->step) return fail("compile", sinter_last_error());
    t->trial = compile(runtime, &t->trial_model, "the model", describe_trial);
    if (!t->trial) return fail("compile", sinter_last_error());
    sinter_plan_stats stats;
    sinter_plan_get_stats(t->step, &stats);
    printf("%zu bytes of text, %zu held back; a step: %llu operators in %llu launches\n", t->text.trained.size,
           t->text.held_back.size, (unsigned long long)stats.operators, (unsigned long long)stats.launches);
    fflush(stdout);
    return train_all(t) || copy_weights(t) || try_held_back(t) || write_sample(t);
}

static int usage(void) {
    fprintf(stderr,
            "usage: example-train_lm [--steps N] [--batch N] [--checkpoint FILE] [--save-every N] [--sample N]\n"
            "                        [--weights FILE] [--losses FILE] TEXT...\n");
    return 2;
}

static int parse(int argc, char **argv, trainer *t) {
    options *o = &t->o;
    const struct {
        const char *name;
        int64_t *value;
    } numbers[] = {
        {"--steps", &o->steps}, {"--batch", &o->batch}, {"--save-every", &o->save_every}, {"--sample", &o->sample}};
    const struct {
        const char *name, **value;
    } files[] = {{"--checkpoint", &o->checkpoint}, {"--weights", &o->weights}, {"--losses", &o->losses}};
    for (int i = 1; i < argc; ++i) {
        int found = 0;
        for (size_t n = 0; n < sizeof numbers / sizeof *numbers && i + 1 < argc; ++n)
            if (strcmp(argv[i], numbers[n].name) == 0) found = 1, *numbers[n].value = atoll(argv[++i]);
        for (size_t n = 0; n < sizeof files / sizeof *files && !found && i + 1 < argc; ++n)
            if (strcmp(argv[i], files[n].name) == 0) found = 1, *files[n].value = argv[++i];
        if (found) continue;
        if (argv[i][0] == '-') return usage();
        if (read_text(argv[i], &t->text)) return 1;
    }
    if (o->steps < 1 || o->batch < 1 || o->batch > MOST_BATCH || o->save_every < 1 || o->sample < 0 ||
        !t->text.trained.bytes)
        return usage();
    return 0;
}

int main(int argc, char **argv) {
    static trainer t = {.o = {.steps = 1000, .batch = 8, .save_every = 100, .sample = 400}};
    sinter_runtime *runtime = NULL;
    int code = parse(argc, argv, &t);
    if (code == 0 && sinter_runtime_create(NULL, &runtime) != SINTER_OK) code = fail("runtime", sinter_last_error());
    if (code == 0) code = run(&t, runtime);
    sinter_plan_release(t.step);
    sinter_plan_release(t.trial);
    sinter_runtime_release(runtime);
    free(t.text.trained.bytes);
    free(t.text.held_back.bytes);
    return code;
}
