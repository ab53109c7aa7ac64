/* Optimisers as nodes: the parameters are states, and so is what an optimiser remembers of them.
 *
 * Everything is computed in f32 (f64 where the parameter is f64). A step reads a state before it is written and writes it
 * last, so that the kernels of a parameter may update it in place. */
#include <sinter/optim.h>

#include <float.h>
#include <math.h>
#include <string.h>

#include "grad/rule.h"

/* One step being built. */
typedef struct step {
    sinter_graph *graph;
    const sinter_optimizer *o;
    uint32_t scale;  /* of gradients: f32, 0 where they are not clipped */
    uint32_t before; /* steps taken before this one, i64 */
    uint32_t finite; /* bool: all gradients are; 0 where nobody asks */
} step;

/* One parameter; p, g and what is remembered have the dtype `wide`. */
typedef struct parameter {
    const char *name;
    sinter_value state; /* its newest value */
    sni_type type;
    sinter_dtype wide;
    uint32_t p, g;
    double decay;
} parameter;

static uint32_t number(const step *s, sinter_dtype dtype, double value) {
    return sni_make_scalar(s->graph, dtype, value);
}

static uint32_t scaled(const step *s, uint32_t x, double factor) {
    return sni_make_binary(s->graph, "mul", x, number(s, sni_make_type(s->graph, x).dtype, factor));
}

static uint32_t sum(const step *s, uint32_t a, uint32_t b) {
    return sni_make_binary(s->graph, "add", a, b);
}

/* a * x + b * y */
static uint32_t mix(const step *s, double a, uint32_t x, double b, uint32_t y) {
    return sum(s, scaled(s, x, a), scaled(s, y, b));
}

/* ---- states --------------------------------------------------------------------------------- */

static uint32_t own_state(const step *s, const char *name, const char *ending, sinter_dtype dtype,
                          const sni_type *like) {
    sni_str text = SNI_STR_INIT;
    sni_type type = *like;
    type.dtype = dtype;
    sni_str_printf(&text, "%s%s", name, ending);
    uint32_t state = sni_graph_add_input(s->graph, sni_str_text(&text), &type);
    sni_str_deinit(&text);
    if (state) s->graph->inputs[s->graph->input_count - 1].state = true;
    return state;
}

/* A step that is skipped leaves the state as it is. */
static void write_whole(const step *s, uint32_t state, uint32_t value) {
    if (s->finite) value = sni_make_where(s->graph, s->finite, value, state);
    (void)sinter_state_write(s->graph, (sinter_value){state}, (sinter_value){value}, NULL, 0);
}

/* The name of the state whose newest value this is; NULL: of none. */
static const char *state_name(const sinter_graph *graph, uint32_t value) {
    for (size_t o = 0; o < graph->output_count; ++o)
        if (graph->outputs[o].state && graph->outputs[o].value == value) return graph->outputs[o].name;
    for (size_t i = 0; i < graph->input_count; ++i)
        if (graph->inputs[i].state && graph->inputs[i].value == value) return graph->inputs[i].name;
    return NULL;
}

/* ---- the rules ------------------------------------------------------------------------------ */

/* 1 - beta^t, f32, of the step t that is being taken. */
static uint32_t bias(const step *s, double beta) {
    uint32_t t = sni_make_binary(s->graph, "add", s->before, sni_make_int(s->graph, SINTER_I64, 1));
    uint32_t power =
        sni_make_binary(s->graph, "pow", number(s, SINTER_F32, beta), sni_make_cast(s->graph, t, SINTER_F32));
    return sni_make_binary(s->graph, "sub", number(s, SINTER_F32, 1), power);
}

/* What is subtracted from p times the rate; the states that it remembers are written. */
static uint32_t sgd(const step *s, const parameter *p) {
    uint32_t v = own_state(s, p->name, ".m", p->wide, &p->type), g = p->g;
    if (p->decay != 0) g = sum(s, g, scaled(s, p->p, p->decay));
    uint32_t next = s->o->beta1 != 0 ? sum(s, scaled(s, v, s->o->beta1), g) : g;
    write_whole(s, v, next);
    return next;
}

static uint32_t adamw(const step *s, const parameter *p) {
    sinter_graph *graph = s->graph;
    uint32_t m = own_state(s, p->name, ".m", p->wide, &p->type), v = own_state(s, p->name, ".v", p->wide, &p->type);
    uint32_t square = sni_make_binary(graph, "mul", p->g, p->g);
    uint32_t next_m = mix(s, s->o->beta1, m, 1 - s->o->beta1, p->g),
             next_v = mix(s, s->o->beta2, v, 1 - s->o->beta2, square);
    uint32_t mean = sni_make_binary(graph, "div", next_m, sni_make_cast(graph, bias(s, s->o->beta1), p->wide));
    uint32_t spread = sni_make_binary(graph, "div", next_v, sni_make_cast(graph, bias(s, s->o->beta2), p->wide));
    spread = sum(s, sni_make_unary(graph, "sqrt", spread), number(s, p->wide, s->o->epsilon));
    uint32_t update = sni_make_binary(graph, "div", mean, spread);
    write_whole(s, m, next_m);
    write_whole(s, v, next_v);
    return p->decay != 0 ? sum(s, update, scaled(s, p->p, p->decay)) : update;
}

static uint32_t lion(const step *s, const parameter *p) {
    uint32_t m = own_state(s, p->name, ".m", p->wide, &p->type);
    uint32_t update = sni_make_unary(s->graph, "sign", mix(s, s->o->beta1, m, 1 - s->o->beta1, p->g));
    write_whole(s, m, mix(s, s->o->beta2, m, 1 - s->o->beta2, p->g));
    return p->decay != 0 ? sum(s, update, scaled(s, p->p, p->decay)) : update;
}

/* p in the wide dtype; of a narrow parameter what its master says, or the parameter itself in the first run. */
static uint32_t current(const step *s, const parameter *p, uint32_t *out_master) {
    sinter_graph *graph = s->graph;
    *out_master = 0;
    if (p->type.dtype == p->wide) return p->state.id;
    *out_master = own_state(s, p->name, ".master", p->wide, &p->type);
    uint32_t first = sni_make_binary(graph, "eq", s->before, sni_make_int(graph, SINTER_I64, 0));
    return sni_make_where(graph, first, sni_make_cast(graph, p->state.id, p->wide), *out_master);
}

static void update(const step *s, parameter *p) {
    sinter_graph *graph = s->graph;
    uint32_t master = 0;
    p->p = current(s, p, &master);
    p->g = sni_make_cast(graph, p->g, p->wide);
    if (s->scale) p->g = sni_make_binary(graph, "mul", p->g, sni_make_cast(graph, s->scale, p->wide));
    uint32_t move = s->o->kind == SINTER_SGD ? sgd(s, p) : s->o->kind == SINTER_ADAMW ? adamw(s, p) : lion(s, p);
    move = sni_make_binary(graph, "mul", sni_make_cast(graph, s->o->learning_rate.id, p->wide), move);
    uint32_t next = sni_make_binary(graph, "sub", p->p, move);
    if (master) write_whole(s, master, next);
    write_whole(s, p->state.id, sni_make_cast(graph, next, p->type.dtype));
}

/* ---- the norm of all gradients -------------------------------------------------------------- */

static uint32_t norm_of(const step *s, const sinter_value *gradients, size_t count) {
    sinter_graph *graph = s->graph;
    uint32_t total = 0;
    for (size_t i = 0; i < count; ++i) {
        uint32_t g = sni_make_cast(graph, gradients[i].id, SINTER_F32);
        uint32_t square = sni_make_binary(graph, "mul", g, g);
        square = sni_make_reduce(graph, "reduce_sum", square, (1u << sni_make_type(graph, g).rank) - 1, false);
        total = total ? sum(s, total, square) : square;
    }
    return count ? sni_make_unary(graph, "sqrt", total) : number(s, SINTER_F32, 0);
}

/* min(1, limit / norm), which a norm of 0 or NaN leaves as it is. */
static uint32_t clip_scale(const step *s, uint32_t norm) {
    sinter_graph *graph = s->graph;
    uint32_t above = sni_make_binary(graph, "gt", norm, number(s, SINTER_F32, s->o->clip_norm));
    uint32_t part = sni_make_binary(graph, "div", number(s, SINTER_F32, s->o->clip_norm), norm);
    return sni_make_where(graph, above, part, number(s, SINTER_F32, 1));
}

/* ---- the scale of the loss ------------------------------------------------------------------ */

sinter_value sinter_loss_scale(sinter_graph *graph) {
    const float initial = 65536;
    return sinter_state_initial(graph, "optimizer.scale", SINTER_F32, SINTER_SCALAR, &initial, sizeof initial);
}

/* What gradients are multiplied by to be those of the real loss; *io_norm becomes theirs. */
static uint32_t unscale(step *s, uint32_t *io_norm) {
    sinter_graph *graph = s->graph;
    uint32_t part = sni_make_binary(graph, "div", number(s, SINTER_F32, 1), s->o->loss_scale.id);
    s->finite = sni_make_binary(graph, "le", *io_norm, number(s, SINTER_F32, FLT_MAX)); /* NaN is not */
    *io_norm = sni_make_binary(graph, "mul", *io_norm, part);
    return part;
}

/* Half of it after a step that was skipped, twice after enough others. */
static void adjust_scale(step *s) {
    sinter_graph *graph = s->graph;
    sni_type scalar = {.rank = 0};
    uint32_t good = own_state(s, "optimizer", ".scale_steps", SINTER_I64, &scalar), scale = s->o->loss_scale.id;
    uint32_t finite = s->finite, zero = sni_make_int(graph, SINTER_I64, 0);
    uint32_t count = sum(s, good, sni_make_int(graph, SINTER_I64, 1));
    uint32_t enough = sni_make_binary(graph, "ge", count, sni_make_int(graph, SINTER_I64, s->o->loss_scale_steps));
    uint32_t less = sni_make_binary(graph, "max", scaled(s, scale, 0.5), number(s, SINTER_F32, 1));
    uint32_t more = sni_make_binary(graph, "min", scaled(s, scale, 2), number(s, SINTER_F32, 16777216));
    s->finite = 0; /* these two are written by every run */
    write_whole(s, scale, sni_make_where(graph, finite, sni_make_where(graph, enough, more, scale), less));
    count = sni_make_where(graph, enough, zero, count);
    write_whole(s, good, sni_make_where(graph, finite, count, zero));
}

/* ---- checks --------------------------------------------------------------------------------- */

static bool in_range(double x, double low, double high) {
    return x >= low && x <= high; /* NaN is not */
}

static bool check_options(sinter_graph *graph, const sinter_optimizer *o, size_t count) {
    const sni_value *rate = o ? sni_graph_value(graph, o->learning_rate.id) : NULL;
    const char *wrong = NULL;
    if (!o)
        wrong = "the optimizer is NULL";
    else if (o->kind < SINTER_SGD || o->kind > SINTER_LION)
        wrong = "kind is no optimizer";
    else if (!rate || rate->type.dtype != SINTER_F32 || rate->type.rank != 0)
        wrong = "learning_rate is no f32 scalar of this graph";
    else if (!in_range(o->beta1, 0, 1) || !in_range(o->beta2, 0, 1))
        wrong = "beta1 or beta2 is not in 0..1";
    else if (!in_range(o->epsilon, 0, 1) || !in_range(o->clip_norm, 0, INFINITY))
        wrong = "epsilon or clip_norm is out of range";
    else if (o->loss_scale.id && (!state_name(graph, o->loss_scale.id) || o->loss_scale_steps < 1))
        wrong = "loss_scale is not what sinter_loss_scale gave, or loss_scale_steps is below 1";
    for (size_t i = 0; !wrong && i < count; ++i)
        if (!in_range(o->weight_decays ? o->weight_decays[i] : o->weight_decay, 0, INFINITY))
            wrong = "a weight decay is below 0";
    if (wrong) sni_graph_fail(graph, SINTER_INVALID_ARGUMENT, "optimize: %s", wrong);
    return !wrong;
}

static bool check_parameter(sinter_graph *graph, sinter_value state, sinter_value gradient, size_t index) {
    const sni_value *p = sni_graph_value(graph, state.id), *g = sni_graph_value(graph, gradient.id);
    if (!p || !g || !state_name(graph, state.id)) {
        sni_graph_fail(graph, SINTER_INVALID_ARGUMENT, "optimize: %s %zu is %s",
                       p ? g ? "parameter" : "gradient" : "parameter", index,
                       p && g ? "not the newest value of a state" : "no value of this graph");
        return false;
    }
    if (!sni_dtype_is_real(p->type.dtype) || p->type.dtype != g->type.dtype) {
        sni_graph_fail(graph, SINTER_DTYPE, "optimize: parameter %zu is %s and its gradient %s", index,
                       sinter_dtype_name(p->type.dtype), sinter_dtype_name(g->type.dtype));
        return false;
    }
    bool same = p->type.rank == g->type.rank;
    for (int d = 0; same && d < p->type.rank; ++d) same = p->type.dims[d] == g->type.dims[d];
    if (!same)
        sni_graph_fail(graph, SINTER_SHAPE, "optimize: parameter %zu and its gradient have different shapes", index);
    return same;
}

static bool check(sinter_graph *graph, const sinter_optimizer *o, const sinter_value *parameters,
                  const sinter_value *gradients, size_t count) {
    if (count > 0 && (!parameters || !gradients)) {
        sni_graph_fail(graph, SINTER_INVALID_ARGUMENT, "optimize: parameters or gradients is NULL");
        return false;
    }
    if (!check_options(graph, o, count)) return false;
    for (size_t i = 0; i < count; ++i)
        if (!check_parameter(graph, parameters[i], gradients[i], i)) return false;
    return true;
}

/* ---- the interface -------------------------------------------------------------------------- */

static void build(step *s, const sinter_value *parameters, const sinter_value *gradients, size_t count,
                  sinter_value *out_norm) {
    sinter_graph *graph = s->graph;
    s->before = sni_grad_step(graph);
    bool scales = s->o->loss_scale.id != 0;
    uint32_t norm = out_norm || s->o->clip_norm > 0 || scales ? norm_of(s, gradients, count) : 0;
    uint32_t part = scales ? unscale(s, &norm) : 0;
    if (s->o->clip_norm > 0) s->scale = clip_scale(s, norm);
    if (scales) s->scale = s->scale ? sni_make_binary(graph, "mul", s->scale, part) : part;
    for (size_t i = 0; i < count && graph->status == SINTER_OK; ++i) {
        parameter p = {.name = state_name(graph, parameters[i].id),
                       .state = parameters[i],
                       .type = sni_make_type(graph, parameters[i].id),
                       .g = gradients[i].id,
                       .decay = s->o->weight_decays ? s->o->weight_decays[i] : s->o->weight_decay};
        p.wide = p.type.dtype == SINTER_F64 ? SINTER_F64 : SINTER_F32;
        update(s, &p);
    }
    write_whole(s, s->before, sni_make_binary(graph, "add", s->before, sni_make_int(graph, SINTER_I64, 1)));
    if (scales) adjust_scale(s);
    if (out_norm && graph->status == SINTER_OK) out_norm->id = norm;
}

sinter_status sinter_optimize(sinter_graph *graph, const sinter_optimizer *optimizer, const sinter_value *parameters,
                              const sinter_value *gradients, size_t count, sinter_value *out_norm) {
    if (out_norm) *out_norm = SINTER_NO_VALUE;
    if (!graph) return sni_fail(SINTER_INVALID_ARGUMENT, "optimize: graph is NULL");
    step s = {.graph = graph, .o = optimizer};
    if (graph->status == SINTER_OK && check(graph, optimizer, parameters, gradients, count))
        build(&s, parameters, gradients, count, out_norm);
    return sinter_graph_status(graph);
}
