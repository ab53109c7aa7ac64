/* What a step's kernel looks like: a record's schedule, or the rules'. */
#include "base/alloc.h"
#include "base/log.h"
#include "plan/plan.h"

static const char *words_of(sinter_plan *plan, const sni_record *record) {
    sni_str text = SNI_STR_INIT;
    double gain = record->ns > 0 ? (double)record->rule_ns / (double)record->ns : 1;
    sni_str_printf(&text, "%s record of %s, ", sni_layer_name(record->layer), record->date);
    sni_str_printf(&text, "%d.%02d times the rule's speed when tuned", (int)gain, (int)(gain * 100) % 100);
    const char *words = text.failed ? NULL : sni_arena_strdup(plan->arena, sni_str_text(&text));
    sni_str_deinit(&text);
    return words;
}

/* UNSUPPORTED or INVALID_ARGUMENT: the record is of no use here. */
static sinter_status by_record(sinter_plan *plan, sni_step *step, const sni_record *record) {
    sni_schedule schedule;
    SNI_TRY(sni_codegen_parse_schedule(record->strategy, record->schedule, &schedule));
    SNI_TRY(sni_codegen_as(&step->loop, &plan->caps, &schedule, plan->arena, &step->spec));
    step->spec.chosen = words_of(plan, record);
    return step->spec.chosen ? SINTER_OK : sni_out_of_memory("a plan");
}

sinter_status sni_plan_choose(sinter_plan *plan, sni_step *step) {
    if (plan->records && sni_records_count(plan->records) > 0) {
        sni_program_key key;
        SNI_TRY(sni_program_key_of(&step->loop, &key));
        const sni_record *record = sni_records_find(plan->records, &key);
        sinter_status status = record ? by_record(plan, step, record) : SINTER_UNSUPPORTED;
        if (status == SINTER_OK || status == SINTER_OUT_OF_MEMORY) return status;
        if (record) sni_log(SNI_LOG_INFO, "a tuning record is passed over: %s", sinter_last_error());
    }
    return sni_codegen(&step->loop, &plan->caps, NULL, plan->arena, &step->spec);
}
