/* Choosing a strategy for a loop program. */
#include "codegen/strategies.h"

#include "base/alloc.h"

/* Notes for explain: why the strategies before the chosen one refused. */
static const char *keep_notes(sni_arena *arena, sni_str *notes) {
    const char *text = notes->failed ? NULL : sni_arena_strdup(arena, sni_str_text(notes));
    sni_str_deinit(notes);
    return text != NULL ? text : "";
}

/* The wanted values (NULL: none), checked, with the rule's for those that are open. */
static sinter_status complete(const sni_strategy *strategy, const sni_loop *loop, const sni_caps *caps,
                              const sni_schedule *wanted, sni_schedule *out_schedule) {
    sni_str why = SNI_STR_INIT;
    sinter_status status = SINTER_OK;
    *out_schedule = wanted != NULL ? *wanted : (sni_schedule){.strategy = NULL};
    out_schedule->strategy = strategy->name;
    if (!sni_schedule_is_legal(out_schedule, strategy->params, strategy->param_count, &why)) {
        status = sni_fail(SINTER_INVALID_ARGUMENT, "strategy %s: %s", strategy->name, sni_str_text(&why));
    } else {
        if (strategy->choose != NULL) strategy->choose(loop, caps, out_schedule);
        if (strategy->fits != NULL && !strategy->fits(loop, caps, out_schedule, &why))
            status = sni_fail(SINTER_UNSUPPORTED, "strategy %s: %s", strategy->name, sni_str_text(&why));
    }
    sni_str_deinit(&why);
    return status;
}

static sinter_status generate(const sni_strategy *strategy, const sni_loop *loop, const sni_caps *caps,
                              const sni_schedule *wanted, sni_arena *arena, sni_kspec *out_spec) {
    sni_schedule schedule;
    SNI_TRY(complete(strategy, loop, caps, wanted, &schedule));
    sinter_status status = strategy->generate(loop, caps, &schedule, arena, out_spec);
    if (status != SINTER_OK) return sni_fail_in(status, "strategy %s", strategy->name);
    for (int d = 0; d < out_spec->dims; ++d)
        if (out_spec->global[d] == SNI_NO_EXPR)
            return sni_fail(SINTER_UNSUPPORTED, "strategy %s: the number of work-items is too complex an expression",
                            strategy->name);
    out_spec->strategy = strategy->name;
    out_spec->schedule = schedule;
    return SINTER_OK;
}

bool sni_strategy_accepts(const sni_strategy *strategy, const sni_loop *loop, const sni_caps *caps, sni_str *why) {
    if (strategy->nests || !loop->nest) return strategy->accepts(loop, caps, why);
    sni_str_append(why, "reductions over different axes");
    return false;
}

bool sni_codegen_accepts(void *caps, const sni_loop *loop, const char **why) {
    *why = "no kernel for the device computes these reductions together without repeating work";
    for (size_t i = 0; i + 1 < sni_strategy_count(); ++i) {
        if (sni_strategy_at(i)->asked_only) continue;
        sni_str text = SNI_STR_INIT;
        bool accepted = sni_strategy_accepts(sni_strategy_at(i), loop, caps, &text);
        sni_str_deinit(&text);
        if (accepted) return true;
    }
    return false;
}

/* The strategy called name; UNSUPPORTED with its reason when it does not take the program. */
static sinter_status generate_named(const sni_loop *loop, const sni_caps *caps, const char *name,
                                    const sni_schedule *wanted, sni_arena *arena, sni_kspec *out_spec) {
    const sni_strategy *strategy = sni_strategy_find(name);
    if (strategy == NULL) return sni_fail(SINTER_INVALID_ARGUMENT, "no strategy is called '%s'", name);
    sni_str why = SNI_STR_INIT;
    bool accepted = sni_strategy_accepts(strategy, loop, caps, &why);
    sinter_status status = SINTER_OK;
    if (!accepted) status = sni_fail(SINTER_UNSUPPORTED, "strategy %s: %s", name, sni_str_text(&why));
    sni_str_deinit(&why);
    return accepted ? generate(strategy, loop, caps, wanted, arena, out_spec) : status;
}

/* f64 is refused before any code is printed, in words that name the remedy. */
static sinter_status check_f64(const sni_loop *loop, const sni_caps *caps) {
    if (caps->has_f64) return SINTER_OK;
    bool uses = false;
    for (int i = 0; i < loop->buffer_count; ++i) uses |= loop->buffers[i].dtype == SINTER_F64;
    for (int i = 0; i < loop->stmt_count; ++i) uses |= loop->stmts[i].dtype == SINTER_F64;
    if (!uses) return SINTER_OK;
    return sni_fail(SINTER_UNSUPPORTED, "f64: the device '%s' has no double precision; use f32 or another device",
                    caps->name);
}

void sni_codegen_print_schedule(const sni_schedule *schedule, sni_str *out) {
    const sni_strategy *strategy = schedule->strategy != NULL ? sni_strategy_find(schedule->strategy) : NULL;
    if (strategy != NULL) sni_schedule_print(schedule, strategy->params, strategy->param_count, out);
}

sinter_status sni_codegen_parse_schedule(const char *strategy, const char *values, sni_schedule *out_schedule) {
    const sni_strategy *found = sni_strategy_find(strategy);
    if (found == NULL) return sni_fail(SINTER_INVALID_ARGUMENT, "no strategy is called '%s'", strategy);
    *out_schedule = (sni_schedule){.strategy = found->name};
    return sni_schedule_parse(values, found->params, found->param_count, out_schedule);
}

sinter_status sni_codegen_as(const sni_loop *loop, const sni_caps *caps, const sni_schedule *schedule, sni_arena *arena,
                             sni_kspec *out_spec) {
    SNI_TRY(check_f64(loop, caps));
    if (schedule->strategy == NULL) return sni_fail(SINTER_INVALID_ARGUMENT, "a schedule without a strategy");
    return generate_named(loop, caps, schedule->strategy, schedule, arena, out_spec);
}

sinter_status sni_codegen(const sni_loop *loop, const sni_caps *caps, const char *name, sni_arena *arena,
                          sni_kspec *out_spec) {
    SNI_TRY(check_f64(loop, caps));
    if (name != NULL) return generate_named(loop, caps, name, NULL, arena, out_spec);
    sni_str notes = SNI_STR_INIT;
    for (size_t i = 0; i < sni_strategy_count(); ++i) {
        const sni_strategy *strategy = sni_strategy_at(i);
        if (strategy->asked_only) continue;
        sni_str why = SNI_STR_INIT;
        bool accepted = sni_strategy_accepts(strategy, loop, caps, &why);
        if (!accepted)
            sni_str_printf(&notes, "%s%s: %s", notes.length > 0 ? "; " : "", strategy->name, sni_str_text(&why));
        sni_str_deinit(&why);
        if (!accepted) continue;
        sinter_status status = generate(strategy, loop, caps, NULL, arena, out_spec);
        if (status == SINTER_UNSUPPORTED && i + 1 < sni_strategy_count()) { /* a simpler one may do with less */
            sni_str_printf(&notes, "%s%s", notes.length > 0 ? "; " : "", sinter_last_error());
            continue;
        }
        const char *text = keep_notes(arena, &notes);
        if (status != SINTER_OK) return status;
        if (out_spec->notes == NULL || out_spec->notes[0] == 0) out_spec->notes = text;
        return SINTER_OK;
    }
    sni_str_deinit(&notes);
    return sni_fail(SINTER_INTERNAL, "no strategy takes the program");
}
