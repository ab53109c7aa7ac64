/* Learning rates that follow from the number of the step: nodes on the state that the optimiser counts in. */
#include <sinter/optim.h>

#include <math.h>
#include <string.h>

#include "grad/rule.h"

/* Is the state written by this graph already? Then it is no longer what the run began with. */
static bool is_written(const sinter_graph *graph, const char *name) {
    for (size_t o = 0; o < graph->output_count; ++o)
        if (graph->outputs[o].state && strcmp(graph->outputs[o].name, name) == 0) return true;
    return false;
}

uint32_t sni_grad_step(sinter_graph *graph) {
    static const char name[] = "optimizer.step";
    for (size_t i = 0; i < graph->input_count && !is_written(graph, name); ++i) {
        const sni_type *type = &graph->values[graph->inputs[i].value].type;
        if (graph->inputs[i].state && strcmp(graph->inputs[i].name, name) == 0 && type->dtype == SINTER_I64 &&
            type->rank == 0)
            return graph->inputs[i].value;
    }
    return sinter_state(graph, name, SINTER_I64, SINTER_SCALAR).id;
}

static uint32_t number(sinter_graph *graph, double value) {
    return sni_make_scalar(graph, SINTER_F32, value);
}

/* From 1 at the end of the warm-up to 0 at the last step, and after it. t counts the steps before this one. */
static uint32_t decayed(sinter_graph *graph, const sinter_schedule *s, uint32_t t) {
    double length = (double)(s->steps > s->warm_up ? s->steps - s->warm_up : 1);
    uint32_t part = sni_make_binary(graph, "sub", t, number(graph, (double)s->warm_up));
    part = sni_make_binary(graph, "div", part, number(graph, length));
    part = sni_make_binary(graph, "max", sni_make_binary(graph, "min", part, number(graph, 1)), number(graph, 0));
    if (s->kind == SINTER_SCHEDULE_LINEAR) return sni_make_binary(graph, "sub", number(graph, 1), part);
    uint32_t turn = sni_make_unary(graph, "cos", sni_make_binary(graph, "mul", part, number(graph, 3.141592653589793)));
    return sni_make_binary(graph, "mul", sni_make_binary(graph, "add", turn, number(graph, 1)), number(graph, 0.5));
}

static const char *wrong_with(const sinter_schedule *s) {
    if (!s) return "the schedule is NULL";
    if (s->kind != SINTER_SCHEDULE_COSINE && s->kind != SINTER_SCHEDULE_LINEAR) return "kind is no schedule";
    if (s->warm_up < 0 || s->steps < 1 || s->steps < s->warm_up)
        return "steps is below 1 or warm_up, or warm_up below 0";
    if (!isfinite(s->peak) || !isfinite(s->last) || s->last < 0 || s->peak < s->last)
        return "peak is below last, or last below 0";
    return NULL;
}

sinter_value sinter_learning_rate(sinter_graph *graph, const sinter_schedule *schedule) {
    const char *wrong = wrong_with(schedule);
    if (!graph || graph->status != SINTER_OK) return SINTER_NO_VALUE;
    if (wrong) {
        sni_graph_fail(graph, SINTER_INVALID_ARGUMENT, "learning_rate: %s", wrong);
        return SINTER_NO_VALUE;
    }
    uint32_t t = sni_make_cast(graph, sni_grad_step(graph), SINTER_F32);
    uint32_t span =
        sni_make_binary(graph, "mul", decayed(graph, schedule, t), number(graph, schedule->peak - schedule->last));
    uint32_t rate = sni_make_binary(graph, "add", span, number(graph, schedule->last));
    if (schedule->warm_up > 0) {
        uint32_t next = sni_make_binary(graph, "add", t, number(graph, 1));
        uint32_t up = sni_make_binary(graph, "mul", next, number(graph, schedule->peak / (double)schedule->warm_up));
        uint32_t early = sni_make_binary(graph, "lt", t, number(graph, (double)schedule->warm_up));
        rate = sni_make_where(graph, early, up, rate);
    }
    return sni_graph_handle(graph, rate);
}
