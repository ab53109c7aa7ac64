/* Kernels with 64-bit indices: built when a binding first needs them, by the thread that needs them and while
 * others run the plan. */
#include "base/alloc.h"
#include "base/log.h"
#include "plan/plan.h"

void sni_wide_release(const sni_step *step, sni_wide *wide) {
    if (!wide) return;
    sni_program_release(wide->program);
    sni_step_drop_constants(step, wide->constants);
    sni_arena_release(wide->own_arena);
    sni_sym_release(wide->own_sym);
    sni_free(wide->own_spec);
    sni_free(wide);
}

sinter_status sni_step_fits(sni_program *program, const sni_kspec *spec, bool *out_fits) {
    sni_launch *launch;
    SNI_TRY(sni_launch_create(program, &launch));
    size_t most = sni_launch_max_work_group(launch), want = 1;
    sni_launch_release(launch);
    for (int d = 0; d < spec->dims; ++d)
        if (spec->local[d]) want *= spec->local[d];
    *out_fits = want <= most;
    if (!*out_fits)
        sni_log(SNI_LOG_INFO, "%s needs work-groups of %zu, the device runs it with %zu: the plain kernel is used",
                spec->strategy, want, most);
    return SINTER_OK;
}

static sinter_status build(sinter_plan *plan, sni_wide *wide) {
    const sni_kspec *spec = wide->spec;
    sni_str options = SNI_STR_INIT;
    sni_str_printf(&options, "%s%s-DSN_IDX64", spec->options ? spec->options : "", spec->options ? " " : "");
    sni_program_source source = {spec->source, spec->entry, sni_str_text(&options), spec->strategy};
    sinter_status status = options.failed ? sni_out_of_memory("a kernel's options")
                                          : sni_program_build(plan->runtime->cache, &source, &wide->program);
    sni_str_deinit(&options);
    return status;
}

/* The plan's own expressions are read by other threads, so the plain kernel's are added to a copy. */
static sinter_status make_plain(sinter_plan *plan, const sni_step *step, sni_wide *wide) {
    sni_loop loop = step->loop;
    sni_program_release(wide->program);
    wide->program = NULL;
    wide->own_arena = sni_arena_create();
    wide->own_sym = sni_sym_clone(loop.sym);
    wide->own_spec = sni_calloc(1, sizeof *wide->own_spec);
    if (!wide->own_arena || !wide->own_sym || !wide->own_spec) return sni_out_of_memory("a kernel");
    loop.sym = wide->own_sym;
    SNI_TRY(sni_codegen(&loop, &plan->caps, "plain", wide->own_arena, wide->own_spec));
    wide->spec = wide->own_spec;
    wide->sym = wide->own_sym;
    return build(plan, wide);
}

static sinter_status make(sinter_plan *plan, const sni_step *step, sni_wide **out_wide) {
    sni_wide *wide = *out_wide = sni_calloc(1, sizeof *wide);
    if (!wide) return sni_out_of_memory("a kernel");
    wide->spec = &step->spec;
    wide->sym = step->loop.sym;
    bool fits = false;
    SNI_TRY(build(plan, wide));
    SNI_TRY(sni_step_fits(wide->program, wide->spec, &fits));
    if (!fits) SNI_TRY(make_plain(plan, step, wide));
    return sni_step_upload(plan, step, wide->spec, &wide->constants);
}

sinter_status sni_step_widen(sinter_plan *plan, sni_step *step, const sni_wide **out_wide) {
    sni_mutex_lock(&plan->mutex);
    *out_wide = step->wide;
    sni_mutex_unlock(&plan->mutex);
    if (*out_wide) return SINTER_OK;
    /* Two threads may come here at once; the kernel cache builds the program once, and the first one's result stays. */
    sni_wide *made = NULL;
    sinter_status status = make(plan, step, &made);
    if (status == SINTER_OK) {
        sni_mutex_lock(&plan->mutex);
        if (!step->wide) {
            step->wide = made;
            __atomic_store_n(&plan->noted, 0, __ATOMIC_RELEASE);
            made = NULL;
        }
        *out_wide = step->wide;
        sni_mutex_unlock(&plan->mutex);
    }
    sni_wide_release(step, made);
    return status;
}
