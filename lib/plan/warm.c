/* Preparing a plan for runs of given sizes, without running it. */
#include <sinter/plan_info.h>

#include "base/alloc.h"
#include "base/forked.h"
#include "plan/plan.h"

static sinter_status give_up(size_t done, size_t total) {
    return sni_fail(SINTER_CANCELLED, "warming was cancelled after %zu of %zu kernels", done, total);
}

static bool has_wide(sinter_plan *plan, const sni_step *step) {
    sni_mutex_lock(&plan->mutex);
    bool has = step->wide != NULL;
    sni_mutex_unlock(&plan->mutex);
    return has;
}

/* The steps whose kernels with 64-bit indices these sizes need and the plan has not: numbers of count steps. */
static sinter_status find_missing(sinter_plan *plan, const sni_dims *dims, size_t *missing, size_t *out_count) {
    *out_count = 0;
    for (size_t n = 0; n < plan->step_count; ++n) {
        bool wide = false;
        if (plan->steps[n].kind != SNI_STEP_LAUNCH) continue;
        SNI_TRY(sni_step_needs_wide(&plan->steps[n], dims, &wide));
        if (wide && !has_wide(plan, &plan->steps[n])) missing[(*out_count)++] = n;
    }
    return SINTER_OK;
}

static sinter_status build_missing(sinter_plan *plan, const sni_dims *dims, const sinter_plan_options *options) {
    size_t *missing = sni_calloc(plan->step_count + 1, sizeof *missing);
    size_t count = 0;
    const sni_wide *wide;
    if (!missing) return sni_out_of_memory("a plan");
    sinter_status status = find_missing(plan, dims, missing, &count);
    for (size_t i = 0; i < count && status == SINTER_OK; ++i) {
        status = sni_step_widen(plan, &plan->steps[missing[i]], &wide);
        if (status == SINTER_OK && options && options->progress && options->progress(options->context, i + 1, count))
            status = give_up(i + 1, count);
    }
    sni_free(missing);
    return status;
}

static sinter_status warm(sinter_plan *plan, const sinter_binding *bindings, size_t count,
                          const sinter_plan_options *options) {
    sni_dims dims;
    sni_context *context;
    SNI_TRY(sni_plan_bind(plan, bindings, count, &dims));
    SNI_TRY(build_missing(plan, &dims, options));
    /* The context goes to the idle ones, where the next run of these sizes finds it. */
    SNI_TRY(sni_context_prepare(plan, &dims, &context));
    sni_context_give_back(plan, context);
    return SINTER_OK;
}

sinter_status sinter_plan_warm(sinter_plan *plan, const sinter_binding *bindings, size_t count,
                               const sinter_plan_options *options) {
    if (!plan) return sni_fail(SINTER_INVALID_ARGUMENT, "sinter_plan_warm: plan is NULL");
    SNI_TRY_PROCESS();
    int64_t start = sni_time_ns();
    sni_plan_enter(plan);
    sinter_status status = warm(plan, bindings, count, options);
    sni_mutex_lock(&plan->mutex);
    plan->compile_ns += (uint64_t)(sni_time_ns() - start);
    sni_mutex_unlock(&plan->mutex);
    sni_plan_leave(plan);
    return status;
}
