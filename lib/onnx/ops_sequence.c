/* ONNX operators of sequences and optionals. Which element is meant, and whether there is one, must be known when the model is
 * read. */
#include "onnx/sequence.h"

#include <string.h>

#define SEQUENCE_BIT 0x80000000u
#define MOST_ELEMENTS 4096

/* ---- sequences ---- */

bool sni_onnx_is_sequence(uint32_t value) {
    return (value & SEQUENCE_BIT) != 0;
}

const sni_onnx_sequence *sni_onnx_sequence_of(const sni_onnx_importer *importer, uint32_t value) {
    size_t index = value & ~SEQUENCE_BIT;
    return sni_onnx_is_sequence(value) && index < importer->sequence_count ? &importer->sequences[index] : NULL;
}

uint32_t sni_onnx_make_sequence(sni_onnx_call *call, size_t count, const uint32_t *values) {
    sni_onnx_importer *importer = call->importer;
    sni_onnx_sequence made = {count, sni_arena_alloc(importer->arena, (count + 1) * sizeof *values)};
    if (call->status != SINTER_OK) return 0;
    if (!made.values || !SNI_RESERVE(importer->sequences, importer->sequence_capacity, importer->sequence_count + 1)) {
        sni_onnx_fail(call, SINTER_OUT_OF_MEMORY, "out of host memory");
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        made.values[i] = values[i];
        if (!values[i]) sni_onnx_fail(call, SINTER_PARSE, "element %zu is missing", i);
    }
    importer->sequences[importer->sequence_count] = made;
    return SEQUENCE_BIT | (uint32_t)importer->sequence_count++;
}

static const sni_onnx_sequence *operand(sni_onnx_call *call) {
    const sni_onnx_sequence *s = sni_onnx_sequence_of(call->importer, sni_onnx_in(call, 0));
    if (!s) sni_onnx_fail(call, SINTER_PARSE, "its first operand is no sequence");
    return s;
}

/* The position in input i, 0..count-1, or ..count when one may be added; negative ones count from the end. */
static bool position(sni_onnx_call *call, int i, size_t count, bool adds, size_t *out) {
    int64_t at = adds ? (int64_t)count : (int64_t)count - 1, most = (int64_t)count - (adds ? 0 : 1);
    int found = 0;
    if (sni_onnx_in(call, i) && !sni_onnx_numbers_of(call, sni_onnx_in(call, i), "position operand", 1, &at, &found))
        return false;
    int64_t from_start = at < 0 ? at + (int64_t)count : at;
    if (from_start < 0 || from_start > most) {
        sni_onnx_fail(call, SINTER_PARSE, "position %lld of %zu elements", (long long)at, count);
        return false;
    }
    *out = (size_t)from_start;
    return true;
}

static void construct(sni_onnx_call *call) {
    call->out[0] = sni_onnx_make_sequence(call, (size_t)call->in_count, call->in);
}

static void empty(sni_onnx_call *call) {
    sni_onnx_attr_int(call, "dtype", 1);
    call->out[0] = sni_onnx_make_sequence(call, 0, NULL);
}

static void element_at(sni_onnx_call *call) {
    const sni_onnx_sequence *s = operand(call);
    size_t at = 0;
    if (s && position(call, 1, s->count, false, &at)) call->out[0] = s->values[at];
}

static void length(sni_onnx_call *call) {
    const sni_onnx_sequence *s = operand(call);
    if (!s) return;
    sni_onnx_list one = {1, {sni_onnx_const(call, (int64_t)s->count)}};
    call->out[0] = sni_onnx_known(call, 0, &one);
}

/* The sequence with elements from `at` on replaced: one is taken out, or one put in. */
static void edit(sni_onnx_call *call, bool insert) {
    const sni_onnx_sequence *s = operand(call);
    size_t at = 0, count = 0;
    if (!s || !position(call, insert ? 2 : 1, s->count, insert, &at)) return;
    uint32_t *values = sni_arena_alloc(call->importer->arena, (s->count + 1) * sizeof *values);
    if (!values) sni_onnx_fail(call, SINTER_OUT_OF_MEMORY, "out of host memory");
    if (call->status != SINTER_OK) return;
    for (size_t i = 0; i <= s->count; i++) {
        if (insert && i == at) values[count++] = sni_onnx_in(call, 1);
        if (i < s->count && (insert || i != at)) values[count++] = s->values[i];
    }
    call->out[0] = sni_onnx_make_sequence(call, count, values);
}

static void insert(sni_onnx_call *call) {
    edit(call, true);
}

static void erase(sni_onnx_call *call) {
    edit(call, false);
}

static void concat_from(sni_onnx_call *call) {
    const sni_onnx_sequence *s = operand(call);
    bool new_axis = sni_onnx_attr_int(call, "new_axis", 0) != 0;
    if (!s) return;
    if (s->count == 0 || s->count > MOST_ELEMENTS) {
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "%zu elements (1 to %d)", s->count, MOST_ELEMENTS);
        return;
    }
    uint32_t *values = sni_arena_alloc(call->importer->arena, s->count * sizeof *values);
    int rank = sni_onnx_rank(call, s->values[0]) + (new_axis ? 1 : 0);
    int axis = sni_onnx_attr_axis(call, "axis", 0, rank);
    if (!values) sni_onnx_fail(call, SINTER_OUT_OF_MEMORY, "out of host memory");
    if (call->status != SINTER_OK || axis < 0) return;
    for (size_t i = 0; i < s->count; i++)
        values[i] = new_axis ? sni_onnx_unsqueeze(call, s->values[i], axis) : s->values[i];
    call->out[0] = sni_onnx_concat(call, (int)s->count, values, axis);
}

/* The sizes of the parts: each 1, all of one size but the last, or as given. */
static int64_t part_sizes(sni_onnx_call *call, int64_t dim, int64_t *out) {
    uint32_t split = sni_onnx_in(call, 1);
    int64_t count = 0, size = 1, total = 0;
    int given = 0;
    if (split && sni_onnx_rank(call, split) == 1) {
        if (!sni_onnx_numbers_of(call, split, "split operand", MOST_ELEMENTS, out, &given)) return 0;
        for (int i = 0; i < given; i++) total += out[i] < 0 ? dim + 1 : out[i];
        if (total != dim)
            sni_onnx_fail(call, SINTER_PARSE, "parts of %lld elements together, of an axis of %lld", (long long)total,
                          (long long)dim);
        return given;
    }
    if (split && !sni_onnx_numbers_of(call, split, "split operand", 1, &size, &given)) return 0;
    if (size < 1 || (dim + size - 1) / size > MOST_ELEMENTS) {
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "an axis of %lld in parts of %lld (up to %d parts)", (long long)dim,
                      (long long)size, MOST_ELEMENTS);
        return 0;
    }
    for (int64_t start = 0; start < dim; start += size) out[count++] = dim - start < size ? dim - start : size;
    return count;
}

static void split_to(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0), values[MOST_ELEMENTS];
    int64_t sizes[MOST_ELEMENTS], start = 0;
    int axis = sni_onnx_attr_axis(call, "axis", 0, sni_onnx_rank(call, x));
    bool squeezed = sni_onnx_attr_int(call, "keepdims", 1) == 0 && !sni_onnx_in(call, 1);
    if (axis < 0) return;
    int64_t dim = sni_onnx_static(call, sni_onnx_dim(call, x, axis), "the axis that is split");
    if (call->status != SINTER_OK) return;
    int64_t count = part_sizes(call, dim, sizes);
    for (int64_t i = 0; i < count && call->status == SINTER_OK; start += sizes[i++]) {
        values[i] = sni_onnx_slice_axis(call, x, axis, sni_onnx_const(call, start), sni_onnx_const(call, sizes[i]));
        if (squeezed) values[i] = sni_onnx_squeeze(call, values[i], axis);
    }
    call->out[0] = sni_onnx_make_sequence(call, (size_t)count, values);
}

/* The body once for each element; operands that are no sequences are the same every time. */
static void map(sni_onnx_call *call) {
    const sni_onnx_sequence *s = operand(call);
    const Onnx__AttributeProto *body = sni_onnx_attr(call, "body");
    if (!s || !body || !body->g) {
        sni_onnx_fail(call, SINTER_PARSE, "it has no body");
        return;
    }
    size_t outs = (size_t)call->out_count, ins = (size_t)call->in_count;
    uint32_t *made = sni_arena_alloc(call->importer->arena, (s->count * outs + ins + outs + 1) * sizeof *made);
    if (!made) sni_onnx_fail(call, SINTER_OUT_OF_MEMORY, "out of host memory");
    uint32_t *in = made ? made + s->count * outs : NULL, *out = made ? in + ins : NULL;
    size_t count = s->count; /* making sequences may move s */
    for (size_t k = 0; k < count && call->status == SINTER_OK; k++) {
        for (size_t i = 0; i < ins; i++) {
            const sni_onnx_sequence *each = sni_onnx_sequence_of(call->importer, call->in[i]);
            if (each && each->count <= k) sni_onnx_fail(call, SINTER_PARSE, "its sequences are of different lengths");
            in[i] = !each ? call->in[i] : each->count > k ? each->values[k] : 0;
        }
        sni_onnx_import_body(call, body->g, call->in_count, in, call->out_count, out);
        for (size_t o = 0; o < outs; o++) made[o * count + k] = out[o];
    }
    for (size_t o = 0; o < outs; o++) call->out[o] = sni_onnx_make_sequence(call, count, made + o * count);
}

/* ---- optionals: a value, or none ---- */

static void optional(sni_onnx_call *call) {
    sni_onnx_attr(call, "type");
    call->out[0] = sni_onnx_in(call, 0);
    if (!call->out[0]) sni_onnx_fail(call, SINTER_UNSUPPORTED, "an optional that holds nothing");
}

static void get_element(sni_onnx_call *call) {
    call->out[0] = sni_onnx_in(call, 0);
}

static void has_element(sni_onnx_call *call) {
    call->out[0] = sni_onnx_scalar(call, SINTER_BOOL, sni_onnx_in(call, 0) != 0);
}

static const sni_onnx_row rows[] = {
    {"SequenceConstruct", 11, 1, -1, 1, construct, NULL},
    {"SequenceEmpty", 11, 0, 0, 1, empty, NULL},
    {"SequenceAt", 11, 2, 2, 1, element_at, NULL},
    {"SequenceLength", 11, 1, 1, 1, length, NULL},
    {"SequenceInsert", 11, 2, 3, 1, insert, NULL},
    {"SequenceErase", 11, 1, 2, 1, erase, NULL},
    {"SequenceMap", 17, 1, -1, -1, map, NULL},
    {"SplitToSequence", 11, 1, 2, 1, split_to, NULL},
    {"ConcatFromSequence", 11, 1, 1, 1, concat_from, NULL},
    {"Optional", 15, 0, 1, 1, optional, NULL},
    {"OptionalGetElement", 15, 1, 1, 1, get_element, NULL},
    {"OptionalHasElement", 15, 0, 1, 1, has_element, NULL},
};
const sni_onnx_family sni_onnx_sequence_family = {rows, sizeof rows / sizeof *rows};

sinter_status sni_onnx_check_sequences(const sni_onnx_call *call) {
    bool takes = strcmp(call->row->name, "Identity") == 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) takes = takes || call->row == &rows[i];
    for (int i = 0; !takes && i < call->in_count; i++)
        if (sni_onnx_is_sequence(call->in[i]))
            return sni_fail(SINTER_UNSUPPORTED, "input %d is a sequence, which it does not take", i);
    return SINTER_OK;
}
