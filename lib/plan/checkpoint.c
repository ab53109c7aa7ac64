/* States to a file and back. */
#include <sinter/checkpoint.h>

#include <string.h>

#include "base/alloc.h"
#include "base/safetensors.h"
#include "plan/plan.h"

/* The state as an entry without data; its shape must be numbers. */
static sinter_status describe(const sinter_plan *plan, const sni_state *state, sni_tensor_entry *out) {
    const sni_type *type = &sni_graph_value(plan->graph, plan->slots[state->slot].value)->type;
    *out = (sni_tensor_entry){.name = state->name, .dtype = type->dtype, .rank = type->rank};
    out->size_bytes = sinter_dtype_size(type->dtype);
    for (int d = 0; d < type->rank; ++d) {
        if (!sni_sym_is_const(plan->graph->sym, type->dims[d], &out->dims[d]))
            return sni_fail(SINTER_UNSUPPORTED, "state '%s' has a symbolic shape, which a file cannot hold",
                            state->name);
        out->size_bytes *= (size_t)out->dims[d];
    }
    return SINTER_OK;
}

static sinter_status read_all(sinter_plan *plan, sni_tensor_entry *entries) {
    for (size_t i = 0; i < plan->state_count; ++i) {
        SNI_TRY(describe(plan, &plan->states[i], &entries[i]));
        void *data = sni_malloc(entries[i].size_bytes);
        entries[i].data = data;
        if (!data) return sni_out_of_memory("a checkpoint");
        SNI_TRY(sinter_plan_state_read(plan, entries[i].name, data, entries[i].size_bytes));
    }
    return SINTER_OK;
}

sinter_status sinter_plan_states_save(sinter_plan *plan, const char *path) {
    if (!plan || !path) return sni_fail(SINTER_INVALID_ARGUMENT, "sinter_plan_states_save: a NULL argument");
    sni_tensor_entry *entries = sni_calloc(plan->state_count + 1, sizeof *entries);
    if (!entries) return sni_out_of_memory("a checkpoint");
    sinter_status status = read_all(plan, entries);
    if (status == SINTER_OK) status = sni_tensor_file_write(path, entries, plan->state_count);
    for (size_t i = 0; i < plan->state_count; ++i) sni_free((void *)entries[i].data);
    sni_free(entries);
    return status;
}

/* What the file has for a state; NULL in *out when it has nothing and need not. */
static sinter_status match(const sinter_plan *plan, const sni_state *state, const sni_tensor_file *file,
                           const char *path, int partial, const sni_tensor_entry **out) {
    sni_tensor_entry want;
    SNI_TRY(describe(plan, state, &want));
    *out = sni_tensor_file_find(file, state->name);
    if (!*out && partial) return SINTER_OK;
    if (!*out)
        return sni_fail(SINTER_INVALID_ARGUMENT, "%s has no tensor '%s', which is a state of the plan", path,
                        state->name);
    bool same = (*out)->dtype == want.dtype && (*out)->rank == want.rank;
    for (int d = 0; same && d < want.rank; ++d) same = (*out)->dims[d] == want.dims[d];
    if (same) return SINTER_OK;
    sni_str shape = SNI_STR_INIT;
    for (int d = 0; d < (*out)->rank; ++d) sni_str_printf(&shape, "%s%lld", d ? ", " : "", (long long)(*out)->dims[d]);
    sni_str_append(&shape, "], the state is ");
    sni_type_print(plan->graph->sym, &sni_graph_value(plan->graph, plan->slots[state->slot].value)->type, &shape);
    sinter_status status = sni_fail(SINTER_SHAPE, "%s: tensor '%s' is %s[%s", path, state->name,
                                    sinter_dtype_name((*out)->dtype), sni_str_text(&shape));
    sni_str_deinit(&shape);
    return status;
}

static sinter_status load(sinter_plan *plan, const sni_tensor_file *file, const char *path, int partial) {
    const sni_tensor_entry *entry;
    /* All of it is looked at before anything is written. */
    for (size_t i = 0; i < plan->state_count; ++i) SNI_TRY(match(plan, &plan->states[i], file, path, partial, &entry));
    for (size_t i = 0; i < plan->state_count; ++i) {
        SNI_TRY(match(plan, &plan->states[i], file, path, partial, &entry));
        if (entry) SNI_TRY(sinter_plan_state_write(plan, entry->name, entry->data, entry->size_bytes));
    }
    return SINTER_OK;
}

sinter_status sinter_plan_states_load(sinter_plan *plan, const char *path, int partial) {
    if (!plan || !path) return sni_fail(SINTER_INVALID_ARGUMENT, "sinter_plan_states_load: a NULL argument");
    sni_tensor_file file;
    SNI_TRY(sni_tensor_file_open(path, &file));
    sinter_status status = load(plan, &file, path, partial);
    sni_tensor_file_close(&file);
    return status;
}
