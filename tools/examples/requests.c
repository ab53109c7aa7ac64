/* A small server: preprocessing and an ONNX model in one plan, two queues, uploads that overlap runs, and callbacks.
 *
 *     example-requests MODEL.onnx [REQUESTS]
 *
 * The model has one input f32[batch, 1, 8, 8] (tests/data/digits). Images come as bytes. One queue uploads, the other runs
 * the plan; events order them. SLOTS requests are in flight at a time, and a slot's callback says that it is free again. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sinter/onnx.h>
#include <sinter/sinter.h>

enum { SLOTS = 2, BATCH = 4, PIXELS = BATCH * 64, CLASSES = 10 };

typedef struct server server;

typedef struct slot {
    server *server;
    uint8_t image[PIXELS];
    float scores[BATCH * CLASSES];
    sinter_buffer *bytes; /* the image on the device */
    int busy;
    unsigned request;
} slot;

struct server {
    sinter_runtime *runtime;
    sinter_plan *whole, *model; /* from bytes; from floats, for the check */
    const char *in, *out;       /* the model's ports */
    sinter_queue *up, *work;
    slot slots[SLOTS];
    pthread_mutex_t mutex; /* guards what follows, and busy */
    pthread_cond_t changed;
    unsigned answered, failed;
    double sum; /* of all scores, each times its class and one */
};

static int fail(const char *what) {
    fprintf(stderr, "%s: %s\n", what, sinter_last_error());
    return 1;
}

/* Bytes of 0 to 255 become floats of 0 to 1, and the model's graph is described behind them. */
static sinter_status compile_whole(server *s, const sinter_graph *model) {
    sinter_graph *g;
    sinter_status status = sinter_graph_create(&g);
    if (status != SINTER_OK) return status;
    const char *name = sinter_graph_input_name(model, 0);
    sinter_value bytes = sinter_input(g, "bytes", SINTER_U8, SINTER_SHAPE(BATCH, 1, 8, 8)), scores;
    sinter_value x = sinter_div(g, sinter_cast(g, bytes, SINTER_F32), sinter_scalar(g, SINTER_F32, 255));
    status = sinter_graph_append(g, model, &name, &x, 1, &scores);
    sinter_output(g, "scores", scores);
    if (status == SINTER_OK) status = sinter_plan_compile(s->runtime, g, NULL, &s->whole);
    sinter_graph_release(g);
    return status;
}

static sinter_status compile(server *s, const char *path) {
    sinter_graph *model;
    sinter_status status = sinter_onnx_load(path, NULL, &model);
    if (status != SINTER_OK) return status;
    status = compile_whole(s, model);
    if (status == SINTER_OK) status = sinter_plan_compile(s->runtime, model, NULL, &s->model);
    sinter_graph_release(model);
    return status;
}

/* On a thread of the library's. */
static void answer(void *context, sinter_status status) {
    slot *t = context;
    server *s = t->server;
    pthread_mutex_lock(&s->mutex);
    if (status == SINTER_OK) {
        for (int i = 0; i < BATCH * CLASSES; ++i) s->sum += (1 + i % CLASSES) * t->scores[i];
        ++s->answered;
    } else {
        fprintf(stderr, "request %u: %s\n", t->request, sinter_last_error());
        ++s->failed;
    }
    t->busy = 0;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->mutex);
}

/* Upload and run: enqueued at once, one behind the other. */
static sinter_status enqueue(server *s, slot *t) {
    sinter_async_options up = SINTER_ASYNC_OPTIONS_INIT, work = SINTER_ASYNC_OPTIONS_INIT;
    sinter_event *uploaded, *done;
    sinter_binding io[] = {SINTER_BIND_BUFFER("bytes", SINTER_U8, SINTER_SHAPE(BATCH, 1, 8, 8), t->bytes, 0),
                           SINTER_BIND_HOST("scores", SINTER_F32, SINTER_SCALAR, t->scores, sizeof t->scores)};
    up.queue = s->up;
    sinter_status status = sinter_buffer_write_async(t->bytes, 0, t->image, sizeof t->image, &up, &uploaded);
    if (status != SINTER_OK) return status;
    work.queue = s->work;
    work.after = &uploaded;
    work.after_count = 1;
    status = sinter_plan_enqueue(s->whole, io, 2, &work, &done);
    sinter_event_release(uploaded);
    if (status != SINTER_OK) return status;
    status = sinter_event_call(done, answer, t);
    sinter_event_release(done);
    return status;
}

static int serve(server *s, unsigned requests) {
    for (unsigned r = 0; r < requests; ++r) {
        slot *t = &s->slots[r % SLOTS];
        pthread_mutex_lock(&s->mutex);
        while (t->busy) pthread_cond_wait(&s->changed, &s->mutex);
        t->busy = 1;
        pthread_mutex_unlock(&s->mutex);
        t->request = r;
        for (unsigned i = 0; i < PIXELS; ++i) t->image[i] = (uint8_t)((r % 16 + i) * 37 % 256);
        if (enqueue(s, t) != SINTER_OK) return fail("a request");
    }
    pthread_mutex_lock(&s->mutex);
    while (s->answered + s->failed < requests) pthread_cond_wait(&s->changed, &s->mutex);
    pthread_mutex_unlock(&s->mutex);
    return s->failed > 0;
}

/* The same sum with one blocking run after the other, for 16 requests; there are only so many different ones. */
static int check(server *s, unsigned requests) {
    double sum = 0;
    for (unsigned r = 0; r < 16 && r < requests; ++r) {
        float x[PIXELS], scores[BATCH * CLASSES];
        sinter_binding io[] = {SINTER_BIND_HOST(s->in, SINTER_F32, SINTER_SHAPE(BATCH, 1, 8, 8), x, sizeof x),
                               SINTER_BIND_HOST(s->out, SINTER_F32, SINTER_SCALAR, scores, sizeof scores)};
        for (unsigned i = 0; i < PIXELS; ++i) x[i] = (float)((r + i) * 37 % 256) / 255;
        if (sinter_plan_run(s->model, io, 2) != SINTER_OK) return fail("the check");
        unsigned times = requests / 16 + (r < requests % 16);
        for (int i = 0; i < BATCH * CLASSES; ++i) sum += times * (1.0 + i % CLASSES) * (double)scores[i];
    }
    double error = (s->sum - sum) / (1 + (sum < 0 ? -sum : sum));
    printf("%u requests, sum of scores %.3f\n", s->answered, s->sum);
    if (error < 1e-4 && error > -1e-4) return 0;
    fprintf(stderr, "one by one it is %.3f\n", sum);
    return 1;
}

static sinter_status open_all(server *s, const char *path) {
    sinter_status status = sinter_runtime_create(NULL, &s->runtime);
    if (status == SINTER_OK) status = compile(s, path);
    if (status == SINTER_OK) status = sinter_queue_create(s->runtime, &s->up);
    if (status == SINTER_OK) status = sinter_queue_create(s->runtime, &s->work);
    for (int i = 0; i < SLOTS && status == SINTER_OK; ++i) {
        s->slots[i].server = s;
        status = sinter_buffer_create(s->runtime, PIXELS, &s->slots[i].bytes);
    }
    s->in = sinter_plan_port_name(s->model, SINTER_PORT_INPUT, 0);
    s->out = sinter_plan_port_name(s->model, SINTER_PORT_OUTPUT, 0);
    return status;
}

static void close_all(server *s) {
    sinter_queue_release(s->up); /* they wait for what is on them, and for its callbacks */
    sinter_queue_release(s->work);
    for (int i = 0; i < SLOTS; ++i) sinter_buffer_release(s->slots[i].bytes);
    sinter_plan_release(s->whole);
    sinter_plan_release(s->model);
    sinter_runtime_release(s->runtime);
}

int main(int argc, char **argv) {
    static server s = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    unsigned requests = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 10000;
    if (argc < 2) return fprintf(stderr, "usage: example-requests MODEL.onnx [REQUESTS]\n"), 2;
    int code = open_all(&s, argv[1]) == SINTER_OK ? serve(&s, requests) : fail("opening");
    if (code == 0) code = check(&s, requests);
    close_all(&s);
    return code;
}
