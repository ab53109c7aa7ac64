/* A user's function as a row: shape rule, reference, life. */
#include "op/custom.h"

#include <string.h>

#include "base/hash.h"
#include "op/rule.h"

/* Operations that a function counts as where the user says nothing. */
#define USUAL_COST 10.0

static const char *const type_names[] = {"float", "int", "long", "double"};

/* What elements of a dtype are in arithmetic. */
static sni_custom_type type_of(sinter_dtype dtype) {
    if (dtype == SINTER_F64) return SNI_CUSTOM_DOUBLE;
    if (dtype == SINTER_I64) return SNI_CUSTOM_LONG;
    return sni_dtype_is_real(dtype) ? SNI_CUSTOM_FLOAT : SNI_CUSTOM_INT;
}

/* Where the user says nothing: f16 and bf16 operands give results of their dtype. */
static sinter_dtype result_dtype(const sni_call *call) {
    static const sinter_dtype usual[] = {SINTER_F32, SINTER_I32, SINTER_I64, SINTER_F64};
    const sni_custom *custom = call->op->custom;
    if (custom->given.output != SINTER_DTYPE_NONE) return custom->given.output;
    if (custom->source.result == SNI_CUSTOM_FLOAT)
        for (int i = 0; i < call->in_count; ++i)
            if (custom->source.parameters[i] == SNI_CUSTOM_FLOAT) return call->in[i].dtype;
    return usual[custom->source.result];
}

static sinter_status infer(sni_call *call) {
    const sni_custom_source *source = &call->op->custom->source;
    sni_type out = {.rank = 0};
    for (int i = 0; i < call->in_count; ++i) {
        if (!sni_rule_given(call, i)) return sni_fail(SINTER_INVALID_ARGUMENT, "input %d is missing", i);
        if (type_of(call->in[i].dtype) != source->parameters[i])
            return sni_fail(SINTER_DTYPE, "parameter %d of %s is %s, which input %d of %s is not", i, source->entry,
                            type_names[source->parameters[i]], i, sinter_dtype_name(call->in[i].dtype));
        if (!sni_type_broadcast(call->sym, &out, &call->in[i], &out))
            return sni_rule_shapes(call, "shapes do not broadcast");
    }
    sni_rule_out(call, result_dtype(call), out.rank, out.dims);
    for (int i = 0; i < call->in_count; ++i) sni_require_broadcast(call, &call->in[i], &out);
    return sni_rule_done(call);
}

/* Position of the output's coordinates in a broadcast input. */
static int64_t position(const sni_ref_tensor *in, const sni_ref_tensor *out, const int64_t *coords) {
    int64_t at = 0;
    for (int d = 0; d < in->rank; ++d)
        at = at * in->dims[d] + (in->dims[d] == 1 ? 0 : coords[d + out->rank - in->rank]);
    return at;
}

static sinter_status reference(const sni_ref_call *call) {
    const sinter_custom_function *given = &call->op->custom->given;
    sni_ref_tensor *out = call->out[0];
    int64_t coords[SINTER_MAX_RANK] = {0};
    for (int64_t n = 0; n < out->count; ++n) {
        double operands[SINTER_MAX_CUSTOM_INPUTS] = {0};
        for (int i = 0; i < call->in_count; ++i)
            operands[i] = sni_ref_get(call->in[i], position(call->in[i], out, coords));
        double result = given->reference(operands, given->context);
        if (out->dtype == SINTER_BOOL)
            out->i[n] = result != 0;
        else
            sni_ref_set(out, n, result);
        sni_ref_next(out, coords);
    }
    return SINTER_OK;
}

/* ---- Life ------------------------------------------------------------------------------------- */

static void fill_row(sni_custom *custom, const char *name) {
    custom->op = (sni_op){.name = name,
                          .kind = SNI_OP_ELEMENTWISE,
                          .min_inputs = custom->source.count,
                          .max_inputs = custom->source.count,
                          .outputs = 1,
                          .classes = SNI_CLASS_ANY,
                          .cost = custom->given.cost > 0 ? custom->given.cost : USUAL_COST,
                          .fill_attr = -1,
                          .infer = infer,
                          .reference = custom->given.reference ? reference : NULL,
                          .doc = "A function of the user's own.",
                          .custom = custom};
}

static uint64_t hash_of(const sni_custom *custom) {
    const sinter_custom_function *given = &custom->given;
    uint64_t hash = sni_hash64_of(custom->text, strlen(custom->text), 0);
    hash = sni_hash64_of(custom->source.entry, strlen(custom->source.entry), hash);
    return sni_hash64_of(&given->output, sizeof given->output, hash);
}

static sinter_status fill(sni_custom *custom, const sinter_custom_function *function) {
    custom->given = *function;
    custom->given.source = custom->given.entry = NULL; /* the user's memory */
    custom->text = sni_arena_strdup(custom->arena, function->source);
    if (!custom->text) return sni_out_of_memory("a custom function");
    SNI_TRY(sni_custom_read(custom->text, function->entry, custom->arena, &custom->source));
    const sinter_dtype output = function->output;
    if (output < SINTER_DTYPE_NONE || output >= SINTER_DTYPE_COUNT)
        return sni_fail(SINTER_DTYPE, "the output's dtype is none");
    if (output != SINTER_DTYPE_NONE && type_of(output) != custom->source.result)
        return sni_fail(SINTER_DTYPE, "%s returns %s, which is not stored as %s", custom->source.entry,
                        type_names[custom->source.result], sinter_dtype_name(output));
    sni_str name = SNI_STR_INIT;
    sni_str_printf(&name, "custom %s", custom->source.entry);
    const char *copy = name.failed ? NULL : sni_arena_strdup(custom->arena, sni_str_text(&name));
    sni_str_deinit(&name);
    if (!copy) return sni_out_of_memory("a custom function");
    custom->hash = hash_of(custom);
    fill_row(custom, copy);
    return SINTER_OK;
}

sinter_status sni_custom_create(const sinter_custom_function *function, sni_custom **out_custom) {
    *out_custom = NULL;
    sni_custom *custom = sni_calloc(1, sizeof *custom);
    if (!custom) return sni_out_of_memory("a custom function");
    custom->references = 1;
    custom->arena = sni_arena_create();
    sinter_status status = custom->arena ? fill(custom, function) : sni_out_of_memory("a custom function");
    if (status == SINTER_OK)
        *out_custom = custom;
    else
        sni_custom_release(custom);
    return status;
}

sni_custom *sni_custom_retain(sni_custom *custom) {
    if (custom) __atomic_add_fetch(&custom->references, 1, __ATOMIC_RELAXED);
    return custom;
}

void sni_custom_release(sni_custom *custom) {
    if (!custom || __atomic_sub_fetch(&custom->references, 1, __ATOMIC_ACQ_REL) > 0) return;
    sni_custom_source_deinit(&custom->source);
    sni_arena_release(custom->arena);
    sni_free(custom);
}
