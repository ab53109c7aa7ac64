/* If, Loop and Scan. A graph has no control flow: the branch of a known condition takes the node's place, both branches of
 * another one are computed and one is selected, and the body of a loop stands there as often as it is run, which must be
 * known when the model is read. */
#include <string.h>

#include "onnx/importer.h"

static const Onnx__GraphProto *body_of(sni_onnx_call *call, const char *name) {
    const Onnx__AttributeProto *attribute = sni_onnx_attr(call, name);
    if (attribute && attribute->g) return attribute->g;
    sni_onnx_fail(call, SINTER_PARSE, "it has no %s", name);
    return NULL;
}

/* ---- If ---- */

static bool same_shape(const sni_onnx_call *call, uint32_t a, uint32_t b) {
    sni_type left = sni_onnx_type(call, a), right = sni_onnx_type(call, b);
    bool same = left.rank >= 0 && left.rank == right.rank && left.dtype == right.dtype;
    for (int i = 0; same && i < left.rank; i++) same = left.dims[i] == right.dims[i];
    return same;
}

/* The condition is data: neither branch has effects, so both can run. */
static void select_branch(sni_onnx_call *call, uint32_t condition) {
    const Onnx__GraphProto *yes = body_of(call, "then_branch"), *no = body_of(call, "else_branch");
    uint32_t *outs = sni_arena_alloc(call->importer->arena, ((size_t)call->out_count * 2 + 1) * sizeof *outs);
    sni_onnx_list scalar = {.count = 0};
    if (!yes || !no) return;
    if (!outs) {
        sni_onnx_fail(call, SINTER_OUT_OF_MEMORY, "the branches");
        return;
    }
    sni_onnx_import_body(call, yes, 0, NULL, call->out_count, outs);
    sni_onnx_import_body(call, no, 0, NULL, call->out_count, outs + call->out_count);
    condition = sni_onnx_reshape(call, sni_onnx_cast(call, condition, SINTER_BOOL), &scalar);
    for (int i = 0; i < call->out_count && call->status == SINTER_OK; i++) {
        uint32_t a = outs[i], b = outs[call->out_count + i];
        if (!same_shape(call, a, b))
            sni_onnx_fail(call, SINTER_UNSUPPORTED,
                          "the condition is known only when the model runs, and the shapes of output %d differ", i);
        else
            call->out[i] = sni_onnx_where(call, condition, a, b);
    }
}

static void branch(sni_onnx_call *call) {
    uint32_t condition = sni_onnx_in(call, 0);
    double value = 0;
    int count = 0;
    if (!sni_onnx_is_known(call, condition)) {
        select_branch(call, condition);
        return;
    }
    if (!sni_onnx_doubles_of(call, condition, "condition", 1, &value, &count)) return;
    const Onnx__GraphProto *body = body_of(call, count == 1 && value != 0 ? "then_branch" : "else_branch");
    if (body) sni_onnx_import_body(call, body, 0, NULL, call->out_count, call->out);
}

/* ---- what Loop and Scan share ---- */

/* The rounds of a loop. */
typedef struct {
    const Onnx__GraphProto *body;
    int lead;                     /* inputs of the body before the carried ones, outputs before them */
    int out_lead, carried, extra; /* extra: inputs of the body behind the carried ones */
    int collected;                /* outputs of the body that are stacked */
    uint32_t *ins, *outs;         /* of the body */
    uint32_t **rounds;            /* collected output -> its value in each round */
    size_t count, capacity;
} rounds;

static bool rounds_init(sni_onnx_call *call, rounds *r) {
    sni_arena *arena = call->importer->arena;
    size_t in_count = (size_t)(r->lead + r->carried + r->extra),
           out_count = (size_t)(r->out_lead + r->carried + r->collected);
    if (r->body->n_input != in_count || r->body->n_output != out_count) {
        sni_onnx_fail(call, SINTER_PARSE, "its body has %zu inputs and %zu outputs instead of %zu and %zu",
                      r->body->n_input, r->body->n_output, in_count, out_count);
        return false;
    }
    r->ins = sni_arena_alloc(arena, (in_count + 1) * sizeof *r->ins);
    r->outs = sni_arena_alloc(arena, (out_count + 1) * sizeof *r->outs);
    r->rounds = sni_arena_alloc(arena, ((size_t)r->collected + 1) * sizeof *r->rounds);
    if (r->ins && r->outs && r->rounds) return true;
    sni_onnx_fail(call, SINTER_OUT_OF_MEMORY, "a loop");
    return false;
}

static void rounds_deinit(rounds *r) {
    for (int i = 0; r->rounds && i < r->collected; i++) sni_free(r->rounds[i]);
}

/* Integers that are known stay constants: counters and conditions would otherwise be longer with every round. */
static uint32_t settle(sni_onnx_call *call, uint32_t value) {
    sni_type type = sni_onnx_type(call, value);
    double number = 0;
    int count = 0;
    if (type.rank != 0 || sni_dtype_is_real(type.dtype) || !sni_onnx_is_known(call, value) ||
        !sni_onnx_doubles_of(call, value, "counter", 1, &number, &count))
        return value;
    return sni_onnx_scalar(call, type.dtype, number);
}

/* The body once more; what it collects is noted. The carried values are in ins. */
static bool run_round(sni_onnx_call *call, rounds *r) {
    int in_count = r->lead + r->carried + r->extra, out_count = r->out_lead + r->carried + r->collected;
    sni_onnx_import_body(call, r->body, in_count, r->ins, out_count, r->outs);
    if (call->status != SINTER_OK) return false;
    if (r->count == r->capacity) {
        size_t capacity = r->capacity ? r->capacity * 2 : 16;
        for (int i = 0; i < r->collected; i++) {
            uint32_t *grown = sni_realloc(r->rounds[i], capacity * sizeof *grown);
            if (!grown) {
                sni_onnx_fail(call, SINTER_OUT_OF_MEMORY, "a loop");
                return false;
            }
            r->rounds[i] = grown;
        }
        r->capacity = capacity;
    }
    for (int i = 0; i < r->collected; i++) r->rounds[i][r->count] = r->outs[r->out_lead + r->carried + i];
    r->count++;
    return true;
}

static void carry(sni_onnx_call *call, rounds *r) {
    for (int i = 0; i < r->carried; i++) r->ins[r->lead + i] = settle(call, r->outs[r->out_lead + i]);
}

/* The values of all rounds along a new axis. */
static uint32_t stack(sni_onnx_call *call, const uint32_t *values, size_t count, int axis, bool backwards) {
    uint32_t *parts = sni_arena_alloc(call->importer->arena, (count + 1) * sizeof *parts);
    if (!parts || count > INT16_MAX) {
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "a loop of %zu rounds with outputs that are stacked (up to %d)", count,
                      INT16_MAX);
        return 0;
    }
    for (size_t i = 0; i < count; i++) parts[i] = sni_onnx_unsqueeze(call, values[backwards ? count - 1 - i : i], axis);
    return sni_onnx_concat(call, (int)count, parts, axis);
}

/* No round was run: the shape is that of a round's value, which is not computed. */
static uint32_t stack_nothing(sni_onnx_call *call, uint32_t value, int axis) {
    sni_onnx_list from = sni_onnx_shape(call, value), shape = {.count = from.count + 1};
    for (int i = 0; i < shape.count; i++)
        shape.at[i] = i < axis ? from.at[i] : i == axis ? sni_onnx_const(call, 0) : from.at[i - 1];
    return sni_onnx_expand(call, sni_onnx_scalar_like(call, value, 0), &shape);
}

/* ---- Loop ---- */

/* The condition of the next round when it is data: rounds go on to the known number of them, and what is carried stays as
 * it was once the condition is false. */
static bool hold(sni_onnx_call *call, rounds *r, uint32_t active) {
    sni_onnx_list scalar = {.count = 0};
    active = sni_onnx_reshape(call, active, &scalar);
    for (int i = 0; i < r->carried; i++) {
        uint32_t before = r->ins[r->lead + i], *after = &r->outs[r->out_lead + i];
        if (!same_shape(call, before, *after)) {
            sni_onnx_fail(call, SINTER_UNSUPPORTED,
                          "its condition depends on data, and the shape of carried value %d changes", i);
            return false;
        }
        *after = sni_onnx_where(call, active, *after, before);
    }
    return call->status == SINTER_OK;
}

/* -1: without end. */
static int64_t trip_count(sni_onnx_call *call) {
    int64_t most = -1;
    int count = 0;
    if (sni_onnx_in(call, 0) && sni_onnx_numbers_of(call, sni_onnx_in(call, 0), "number of rounds", 1, &most, &count))
        return most < 0 ? 0 : most;
    return -1;
}

/* 1 or 0 where the condition is known, -1 where it is data. 0 (left out) is true. */
static int truth(sni_onnx_call *call, uint32_t condition) {
    double value = 1;
    int count = 0;
    if (!condition) return 1;
    if (!sni_onnx_is_known(call, condition)) return -1;
    sni_onnx_doubles_of(call, condition, "condition", 1, &value, &count);
    return value != 0;
}

static void loop_rounds(sni_onnx_call *call, rounds *r) {
    int64_t most = trip_count(call);
    uint32_t active = sni_onnx_in(call, 1); /* 0: true so far */
    for (int64_t i = 0; call->status == SINTER_OK && (most < 0 || i < most); i++) {
        int known = truth(call, active);
        if (known == 0) break;
        if (known < 0 && (most < 0 || r->collected > 0)) {
            sni_onnx_fail(call, SINTER_UNSUPPORTED,
                          most < 0 ? "how often it runs depends on data, and it has no largest number of rounds"
                                   : "how often it runs depends on data, and it has outputs that are stacked");
            return;
        }
        r->ins[0] = sni_onnx_scalar(call, SINTER_I64, (double)i);
        r->ins[1] = known < 0 ? active : sni_onnx_scalar(call, SINTER_BOOL, 1);
        if (!run_round(call, r) || (known < 0 && !hold(call, r, active))) return;
        uint32_t next = settle(call, r->outs[0]);
        active = known < 0 ? sni_onnx_binary(call, "and", active, next) : next;
        carry(call, r);
    }
}

static void loop(sni_onnx_call *call) {
    rounds r = {.body = body_of(call, "body"), .lead = 2, .out_lead = 1, .carried = call->in_count - 2};
    if (!r.body) return;
    if (r.carried < 0) r.carried = 0;
    r.collected = (int)r.body->n_output - 1 - r.carried;
    if (r.collected < 0 || call->out_count > r.carried + r.collected)
        sni_onnx_fail(call, SINTER_PARSE, "it has %d outputs and its body %zu", call->out_count, r.body->n_output);
    if (call->status != SINTER_OK || !rounds_init(call, &r)) return;
    for (int i = 0; i < r.carried; i++) r.ins[2 + i] = sni_onnx_in(call, 2 + i);
    loop_rounds(call, &r);
    for (int i = 0; i < r.carried && i < call->out_count; i++) call->out[i] = r.ins[2 + i];
    if (r.count == 0 && call->out_count > r.carried && call->status == SINTER_OK) { /* for the shapes */
        r.ins[0] = sni_onnx_scalar(call, SINTER_I64, 0);
        r.ins[1] = sni_onnx_scalar(call, SINTER_BOOL, 1);
        sni_onnx_import_body(call, r.body, 2 + r.carried, r.ins, (int)r.body->n_output, r.outs);
    }
    for (int i = 0; r.carried + i < call->out_count && call->status == SINTER_OK; i++)
        call->out[r.carried + i] = r.count > 0 ? stack(call, r.rounds[i], r.count, 0, false)
                                               : stack_nothing(call, r.outs[1 + r.carried + i], 0);
    rounds_deinit(&r);
}

/* ---- Scan ---- */

/* Element i of a list of integers; preset when the list is left out. */
static int64_t entry(sni_onnx_ints list, int i, int64_t preset) {
    return list.given && i < list.count ? list.at[i] : preset;
}

typedef struct {
    sni_onnx_ints in_axes, out_axes, backwards, out_backwards;
    int scanned;
} scan_shape;

/* One pass over the scanned inputs, which begin at ins[carried]. Results go to outs: the carried ones, then the stacks. */
static void scan_pass(sni_onnx_call *call, const scan_shape *s, rounds *r, const uint32_t *ins, uint32_t *outs) {
    int64_t length = -1;
    int axes[SINTER_MAX_RANK * 4];
    for (int i = 0; i < s->scanned && call->status == SINTER_OK; i++) {
        uint32_t x = ins[r->carried + i];
        axes[i] = sni_onnx_axis(call, entry(s->in_axes, i, 0), sni_onnx_rank(call, x));
        if (call->status != SINTER_OK) return;
        int64_t own = sni_onnx_static(call, sni_onnx_dim(call, x, axes[i]), "the length of a scanned axis");
        if (length >= 0 && own != length)
            sni_onnx_fail(call, SINTER_SHAPE, "it scans axes of %lld and %lld elements", (long long)length,
                          (long long)own);
        length = own;
    }
    for (int i = 0; i < r->carried; i++) r->ins[i] = ins[i];
    for (int64_t t = 0; t < length && call->status == SINTER_OK; t++) {
        for (int i = 0; i < s->scanned; i++) {
            int64_t at = entry(s->backwards, i, 0) ? length - 1 - t : t;
            uint32_t slice = sni_onnx_slice_axis(call, ins[r->carried + i], axes[i], sni_onnx_const(call, at),
                                                 sni_onnx_const(call, 1));
            r->ins[r->carried + i] = sni_onnx_squeeze(call, slice, axes[i]);
        }
        if (!run_round(call, r)) return;
        carry(call, r);
    }
    if (call->status == SINTER_OK && length == 0)
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "it scans nothing (an axis of 0 elements)");
    for (int i = 0; i < r->carried; i++) outs[i] = r->ins[i];
    for (int i = 0; i < r->collected && call->status == SINTER_OK; i++) {
        int rank = sni_onnx_rank(call, r->rounds[i][0]) + 1;
        int axis = sni_onnx_axis(call, entry(s->out_axes, i, 0), rank);
        if (axis >= 0)
            outs[r->carried + i] = stack(call, r->rounds[i], r->count, axis, entry(s->out_backwards, i, 0) != 0);
    }
}

/* Opset 8: each element of a batch is scanned by itself, and the number of steps may be given for each. */
static void scan_batch(sni_onnx_call *call, const scan_shape *s, rounds *r) {
    sni_arena *arena = call->importer->arena;
    int count = call->in_count - 1, out_count = r->carried + r->collected;
    int64_t batch = count > 0 ? sni_onnx_static(call, sni_onnx_dim(call, sni_onnx_in(call, 1), 0), "the batch") : 0;
    if (sni_onnx_in(call, 0)) sni_onnx_fail(call, SINTER_UNSUPPORTED, "sequence_lens");
    if (call->status != SINTER_OK || batch < 1) return;
    uint32_t *ins = sni_arena_alloc(arena, (size_t)count * sizeof *ins);
    uint32_t *outs = sni_arena_alloc(arena, (size_t)out_count * sizeof *outs);
    uint32_t *all = sni_arena_alloc(arena, (size_t)out_count * (size_t)batch * sizeof *all);
    if (!ins || !outs || !all) {
        sni_onnx_fail(call, SINTER_OUT_OF_MEMORY, "a scan");
        return;
    }
    for (int64_t b = 0; b < batch && call->status == SINTER_OK; b++) {
        for (int i = 0; i < count; i++)
            ins[i] = sni_onnx_squeeze(call,
                                      sni_onnx_slice_axis(call, sni_onnx_in(call, 1 + i), 0, sni_onnx_const(call, b),
                                                          sni_onnx_const(call, 1)),
                                      0);
        r->count = 0;
        scan_pass(call, s, r, ins, outs);
        for (int i = 0; i < out_count; i++) all[(size_t)i * (size_t)batch + (size_t)b] = outs[i];
    }
    for (int i = 0; i < call->out_count && i < out_count && call->status == SINTER_OK; i++)
        call->out[i] = stack(call, all + (size_t)i * (size_t)batch, (size_t)batch, 0, false);
}

static void scan(sni_onnx_call *call) {
    bool batched = call->opset < 9;
    int inputs = call->in_count - (batched ? 1 : 0);
    scan_shape s = {.scanned = (int)sni_onnx_attr_int(call, "num_scan_inputs", 0),
                    .in_axes = sni_onnx_attr_ints(call, "scan_input_axes"),
                    .out_axes = sni_onnx_attr_ints(call, "scan_output_axes"),
                    .backwards = sni_onnx_attr_ints(call, batched ? "directions" : "scan_input_directions"),
                    .out_backwards = sni_onnx_attr_ints(call, "scan_output_directions")};
    rounds r = {.body = body_of(call, "body"), .carried = inputs - s.scanned, .extra = s.scanned};
    if (s.scanned < 1 || r.carried < 0 || s.scanned > SINTER_MAX_RANK * 4)
        sni_onnx_fail(call, SINTER_PARSE, "num_scan_inputs is %d of %d inputs", s.scanned, inputs);
    if (!r.body || call->status != SINTER_OK) return;
    r.collected = (int)r.body->n_output - r.carried;
    if (r.collected < 0 || call->out_count > r.carried + r.collected)
        sni_onnx_fail(call, SINTER_PARSE, "it has %d outputs and its body %zu", call->out_count, r.body->n_output);
    if (call->status != SINTER_OK || !rounds_init(call, &r)) return;
    if (batched) {
        scan_batch(call, &s, &r);
    } else {
        uint32_t *outs = sni_arena_alloc(call->importer->arena, (size_t)(r.carried + r.collected + 1) * sizeof *outs);
        if (!outs)
            sni_onnx_fail(call, SINTER_OUT_OF_MEMORY, "a scan");
        else
            scan_pass(call, &s, &r, call->in, outs);
        for (int i = 0; outs && i < call->out_count && call->status == SINTER_OK; i++) call->out[i] = outs[i];
    }
    rounds_deinit(&r);
}

static const sni_onnx_row rows[] = {
    {"If", 6, 1, 1, -1, branch, NULL},
    {"Loop", 1, 0, -1, -1, loop, NULL},
    {"Scan", 8, 0, -1, -1, scan, NULL},
};
const sni_onnx_family sni_onnx_loop_family = {rows, sizeof rows / sizeof *rows};
