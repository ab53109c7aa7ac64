/* plain: one work-item for each point of the parallel axes, scalar, sequential inner loops. Takes everything. */
#include "codegen/layout.h"
#include "codegen/strategies.h"

enum { LOCAL, PARAM_COUNT };

static const sni_param params[PARAM_COUNT] = {
    [LOCAL] = SNI_PARAM("local", "work-items of a work-group", 16, 32, 64, 128, 256),
};

static bool accepts(const sni_loop *loop, const sni_caps *caps, sni_str *why) {
    (void)loop;
    (void)caps;
    (void)why;
    return true;
}

static void choose(const sni_loop *loop, const sni_caps *caps, sni_schedule *schedule) {
    (void)loop;
    int local = caps->device_class == SNI_DEVICE_CPU ? 16 : 128;
    sni_schedule_fill(schedule, LOCAL, sni_fit_work_group(caps, local));
}

static bool fits(const sni_loop *loop, const sni_caps *caps, const sni_schedule *schedule, sni_str *why) {
    (void)loop;
    return sni_work_group_fits(caps, schedule->values[LOCAL], why);
}

static sinter_status generate(const sni_loop *loop, const sni_caps *caps, const sni_schedule *schedule,
                              sni_arena *arena, sni_kspec *out_spec) {
    sni_emitter e;
    sni_passes passes;
    SNI_TRY(sni_emit_begin(&e, loop, caps, arena, out_spec));
    if (!sni_passes_init(&passes, loop, arena)) return sni_out_of_memory("a kernel's passes");
    uint32_t parallel = sni_parallel_mask(loop);
    sni_expr total = sni_extent_product(loop, parallel);
    sni_scope scope = {.lane_axis = -1, .width = 1, .prefix = "s"};
    sni_name_axes(&e, &scope);
    sni_emit_line(&e, "const sn_idx point = (sn_idx)get_global_id(0);");
    sni_emit_line(&e, "if (point >= %s) return;", sni_emit_number(&e, total));
    if (parallel != 0) sni_emit_split(&e, &scope, parallel, "point");
    sni_emit_point(&e, &scope, &passes);
    size_t local = (size_t)schedule->values[LOCAL];
    sni_expr items = sni_sym_mul_i(
        loop->sym, sni_sym_ceil_div(loop->sym, total, sni_sym_const(loop->sym, (int64_t)local)), (int64_t)local);
    sni_set_launch(out_spec, loop, items, local);
    return sni_emit_end(&e, "plain", NULL);
}

const sni_strategy sni_strategy_plain = {
    .name = "plain",
    .params = params,
    .param_count = PARAM_COUNT,
    .accepts = accepts,
    .choose = choose,
    .fits = fits,
    .generate = generate,
    .nests = true,
};
