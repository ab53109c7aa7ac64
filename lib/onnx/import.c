/* The walk over a model: inputs, initialisers, then every node that an output needs, in an order in
 * which each comes after what it uses. */
#include "onnx/import.h"
#include "onnx/narrow.h"
#include "onnx/sequence.h"
#include "onnx/sized.h"

#include <string.h>

/* 6 differs from 7 only in how binary operators broadcast. A model of an older opset is read where its operators
 * have not changed since: their rows say so. */
#define FIRST_OPSET 1
#define LAST_OPSET 28
#define MAX_SCOPES 32    /* functions and branches within one another */
#define MAX_NODES 300000 /* imported, all calls of functions counted */

static const sni_onnx_family *const families[] = {
    &sni_onnx_elementwise,      &sni_onnx_reduce_family, &sni_onnx_shape_family,     &sni_onnx_index_family,
    &sni_onnx_nn_family,        &sni_onnx_norm_family,   &sni_onnx_quant_family,     &sni_onnx_loss_family,
    &sni_onnx_recurrent_family, &sni_onnx_einsum_family, &sni_onnx_resize_family,    &sni_onnx_scatter_family,
    &sni_onnx_sample_family,    &sni_onnx_misc_family,   &sni_onnx_attention_family, &sni_onnx_loop_family,
    &sni_onnx_signal_family,    &sni_onnx_places_family, &sni_onnx_sized_family,     &sni_onnx_sequence_family,
};

const sni_onnx_row *sni_onnx_find_row(const char *name) {
    for (size_t f = 0; f < sizeof families / sizeof *families; f++)
        for (size_t i = 0; i < families[f]->count; i++)
            if (strcmp(families[f]->rows[i].name, name) == 0) return &families[f]->rows[i];
    return NULL;
}

static const char *text_of(const char *text) {
    return text ? text : "";
}

static bool is_default_domain(const char *domain) {
    return !domain || !domain[0] || strcmp(domain, "ai.onnx") == 0;
}

/* ---- a node's call ---- */

uint32_t sni_onnx_in(const sni_onnx_call *call, int i) {
    return i >= 0 && i < call->in_count ? call->in[i] : 0;
}

bool sni_onnx_wants(const sni_onnx_call *call, int i) {
    return i < call->out_count && text_of(call->node->output[i])[0] != '\0';
}

void sni_onnx_fail(sni_onnx_call *call, sinter_status status, const char *format, ...) {
    if (call->status != SINTER_OK) return;
    va_list args;
    sni_str text = SNI_STR_INIT;
    va_start(args, format);
    sni_str_vprintf(&text, format, args);
    va_end(args);
    call->status = sni_fail(status, "%s", sni_str_text(&text));
    sni_str_deinit(&text);
}

/* What an error calls a node: its name, or its first output's. */
static const char *node_name(const Onnx__NodeProto *node) {
    if (node->name && node->name[0]) return node->name;
    return node->n_output > 0 ? text_of(node->output[0]) : "";
}

static sinter_status fail_at(const Onnx__NodeProto *node, sinter_status status) {
    /* A dtype that no operator takes is a limit of this library, not of the model. */
    if (status == SINTER_DTYPE) status = SINTER_UNSUPPORTED;
    bool foreign = !is_default_domain(node->domain);
    return sni_fail_in(status, "%s%s%s '%s'", foreign ? node->domain : "", foreign ? ":" : "", text_of(node->op_type),
                       node_name(node));
}

static sinter_status check_arity(sni_onnx_call *call) {
    const sni_onnx_row *row = call->row;
    if (call->opset < row->first_opset)
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "opset %lld (from %d on)", (long long)call->opset, row->first_opset);
    for (int i = 0; i < row->min_inputs; i++)
        if (sni_onnx_in(call, i) == 0) sni_onnx_fail(call, SINTER_PARSE, "input %d is missing", i);
    if (row->max_inputs >= 0 && call->in_count > row->max_inputs)
        sni_onnx_fail(call, SINTER_PARSE, "it has %d inputs (up to %d)", call->in_count, row->max_inputs);
    for (int i = row->max_outputs; row->max_outputs >= 0 && i < call->out_count; i++)
        if (sni_onnx_wants(call, i))
            sni_onnx_fail(call, SINTER_UNSUPPORTED,
                          "its output %d ('%s') is read, and only the first %d of this operator are computed", i,
                          call->node->output[i], row->max_outputs);
    return call->status;
}

static sinter_status check_outputs(sni_onnx_call *call) {
    if (call->status != SINTER_OK) return call->status;
    SNI_TRY(sinter_graph_status(call->graph));
    for (int i = 0; i < call->out_count; i++)
        if (sni_onnx_wants(call, i) && call->out[i] == 0)
            return sni_fail(SINTER_UNSUPPORTED, "its output %d ('%s') is read, and is not computed here", i,
                            call->node->output[i]);
    return SINTER_OK;
}

static sinter_status run_row(sni_onnx_call *call) {
    call->row = sni_onnx_find_row(text_of(call->node->op_type));
    if (!call->row)
        return sni_fail(SINTER_UNSUPPORTED, "no such operator in opset %lld is known", (long long)call->opset);
    SNI_TRY(check_arity(call));
    SNI_TRY(sni_onnx_check_sequences(call));
    SNI_TRY(sni_onnx_check_narrow(call));
    SNI_TRY(sni_onnx_check_sized(call));
    call->row->build(call);
    if (call->status == SINTER_OK) SNI_TRY(sinter_graph_status(call->graph));
    sni_onnx_check_attrs(call);
    SNI_TRY(check_outputs(call));
    SNI_TRY(sni_onnx_spread_sized(call));
    return sni_onnx_spread_narrow(call);
}

/* The rows of another domain; their versions are the domain's, not the opset's. */
static sinter_status run_contrib(sni_onnx_call *call) {
    call->row = sni_onnx_find_contrib(call->node->domain, text_of(call->node->op_type));
    if (!call->row) return sni_fail(SINTER_UNSUPPORTED, "no such operator is known");
    SNI_TRY(check_arity(call));
    SNI_TRY(sni_onnx_check_sequences(call));
    SNI_TRY(sni_onnx_check_sized(call));
    sni_onnx_check_contrib_attributes(call);
    SNI_TRY(call->status);
    call->row->build(call);
    return check_outputs(call);
}

/* ---- bodies: the main graph, a function, a branch ---- */

typedef struct {
    sni_onnx_importer *importer;
    sni_onnx_scope *scope;
    Onnx__NodeProto **nodes;
    size_t node_count;
    uint8_t *state; /* of a node: NEW, OPEN (what it needs is being imported), DONE */
} body;

enum { NEW, OPEN, DONE };

/* What a node waits for. The first strict names are its inputs; the rest may be names of its own
 * branches, and only those that this body knows matter. */
typedef struct {
    size_t node;
    const char **names;
    size_t count, strict, next, capacity;
} frame;

typedef struct {
    frame *at;
    size_t count, capacity;
} frames;

static sinter_status import_nodes(body *b, char *const *outputs, size_t output_count);

static bool add_name(frame *f, const char *name) {
    if (!name || !name[0]) return true;
    if (!SNI_RESERVE(f->names, f->capacity, f->count + 1)) return false;
    f->names[f->count++] = name;
    return true;
}

/* Names that the branches of a node use. */
static bool add_captured(frame *f, const Onnx__NodeProto *node) {
    bool ok = true;
    for (size_t a = 0; a < node->n_attribute; a++) {
        const Onnx__GraphProto *g = node->attribute[a]->g;
        for (size_t n = 0; g && ok && n < g->n_node; n++) {
            for (size_t i = 0; ok && i < g->node[n]->n_input; i++) ok = add_name(f, g->node[n]->input[i]);
            ok = ok && add_captured(f, g->node[n]);
        }
        for (size_t i = 0; g && ok && i < g->n_output; i++) ok = add_name(f, g->output[i]->name);
    }
    return ok;
}

static sinter_status open_node(body *b, frames *stack, size_t index) {
    frame f = {.node = index};
    const Onnx__NodeProto *node = b->nodes[index];
    if (b->importer->nodes_left == 0)
        return sni_fail(SINTER_UNSUPPORTED, "the model has more than %d nodes", MAX_NODES);
    b->importer->nodes_left--;
    bool ok = SNI_RESERVE(stack->at, stack->capacity, stack->count + 1);
    for (size_t i = 0; ok && i < node->n_input; i++) ok = add_name(&f, node->input[i]);
    f.strict = f.count;
    if (!ok || !add_captured(&f, node)) {
        sni_free(f.names);
        return sni_out_of_memory("the order of nodes");
    }
    stack->at[stack->count++] = f;
    b->state[index] = OPEN;
    return SINTER_OK;
}

static sinter_status use_initializer(body *b, sni_onnx_name *name) {
    if (name->value) return SINTER_OK;
    return sni_onnx_tensor_constant(b->importer, &b->scope->initializers[name->index], &name->value);
}

/* Makes a name of this body ready, or opens the node that it waits for. */
static sinter_status need(body *b, frames *stack, const char *text, bool strict, const Onnx__NodeProto *user) {
    sni_onnx_name *name = sni_onnx_scope_own(b->scope, text);
    if (!name) {
        if (!strict || sni_onnx_scope_find(b->scope, text)) return SINTER_OK;
        sinter_status status = sni_fail(SINTER_PARSE, "nothing gives '%s': no input, initialiser or node", text);
        return user ? fail_at(user, status) : status;
    }
    if (name->kind == SNI_ONNX_VALUE) return SINTER_OK;
    if (name->kind == SNI_ONNX_INITIALIZER) {
        sinter_status status = use_initializer(b, name);
        return status == SINTER_OK || !user ? status : fail_at(user, status);
    }
    if (b->state[name->index] == DONE) return SINTER_OK;
    if (b->state[name->index] == OPEN)
        return sni_fail(SINTER_PARSE, "the nodes '%s' and '%s' are part of a cycle", node_name(b->nodes[name->index]),
                        user ? node_name(user) : "");
    return open_node(b, stack, name->index);
}

static sinter_status import_function(sni_onnx_call *call, const Onnx__FunctionProto *function);

static const Onnx__FunctionProto *find_function(const sni_onnx_importer *importer, const Onnx__NodeProto *node) {
    const Onnx__ModelProto *model = importer->model->proto;
    for (size_t i = 0; i < model->n_functions; i++) {
        const Onnx__FunctionProto *f = model->functions[i];
        bool same_domain = is_default_domain(f->domain) ? is_default_domain(node->domain)
                                                        : strcmp(f->domain, text_of(node->domain)) == 0;
        if (same_domain && strcmp(text_of(f->name), text_of(node->op_type)) == 0 && sni_onnx_same_overload(f, node))
            return f;
    }
    return NULL;
}

static sinter_status build_node(sni_onnx_call *call) {
    const Onnx__FunctionProto *function = find_function(call->importer, call->node);
    if (function) return import_function(call, function);
    if (is_default_domain(call->node->domain)) return run_row(call);
    return run_contrib(call);
}

static sinter_status name_outputs(body *b, const Onnx__NodeProto *node, const uint32_t *outs) {
    for (size_t i = 0; i < node->n_output; i++) {
        sni_onnx_name *name = NULL;
        if (text_of(node->output[i])[0]) name = sni_onnx_scope_own(b->scope, node->output[i]);
        if (name) name->value = outs[i];
    }
    return SINTER_OK;
}

static sinter_status import_node(body *b, size_t index) {
    sni_onnx_importer *importer = b->importer;
    const Onnx__NodeProto *node = b->nodes[index];
    size_t in_count = node->n_input, out_count = node->n_output;
    if (in_count > INT16_MAX || out_count > INT16_MAX)
        return sni_fail(SINTER_UNSUPPORTED, "it has more than %d inputs or outputs", INT16_MAX);
    uint32_t *values = sni_calloc(in_count + out_count + 1, sizeof *values);
    if (!values) return sni_out_of_memory("a node");
    for (size_t i = 0; i < in_count; i++) {
        const char *text = text_of(node->input[i]);
        const sni_onnx_name *name = text[0] ? sni_onnx_scope_find(b->scope, text) : NULL;
        values[i] = name ? name->value : 0;
    }
    sni_onnx_call call = {
        importer,      importer->graph, importer->sym,  b->scope,          node,      NULL, b->scope->opset,
        (int)in_count, values,          (int)out_count, values + in_count, SINTER_OK, 0};
    sni_graph_set_name(importer->graph, node_name(node));
    sinter_status status = build_node(&call);
    sni_graph_set_name(importer->graph, NULL);
    if (status == SINTER_OK) status = name_outputs(b, node, values + in_count);
    b->state[index] = DONE;
    sni_free(values);
    return status == SINTER_OK ? status : fail_at(node, status);
}

static sinter_status step(body *b, frames *stack) {
    frame *top = &stack->at[stack->count - 1];
    if (top->next < top->count) {
        size_t at = top->next++;
        return need(b, stack, top->names[at], at < top->strict, b->nodes[top->node]);
    }
    size_t node = top->node;
    sni_free(top->names);
    stack->count--;
    return import_node(b, node);
}

static sinter_status run_stack(body *b, frames *stack) {
    while (stack->count > 0) SNI_TRY(step(b, stack));
    return SINTER_OK;
}

static sinter_status import_nodes(body *b, char *const *outputs, size_t output_count) {
    frames stack = {NULL, 0, 0};
    sinter_status status = SINTER_OK;
    b->state = sni_calloc(b->node_count + 1, 1);
    if (!b->state) return sni_out_of_memory("the order of nodes");
    for (size_t i = 0; status == SINTER_OK && i < output_count; i++) {
        if (!outputs[i] || !outputs[i][0]) continue;
        status = need(b, &stack, outputs[i], true, NULL);
        if (status == SINTER_OK) status = run_stack(b, &stack);
    }
    for (size_t i = 0; i < stack.count; i++) sni_free(stack.at[i].names);
    sni_free(stack.at);
    sni_free(b->state);
    b->state = NULL;
    return status;
}

static sinter_status name_nodes(body *b) {
    for (size_t n = 0; n < b->node_count; n++)
        for (size_t i = 0; i < b->nodes[n]->n_output; i++) {
            const char *text = text_of(b->nodes[n]->output[i]);
            if (!text[0]) continue;
            SNI_TRY(sni_onnx_scope_add(b->scope, b->importer->arena, text, SNI_ONNX_NODE, n, 0));
        }
    return SINTER_OK;
}

/* ---- functions of the model, and branches ---- */

static sinter_status opset_of(Onnx__OperatorSetIdProto *const *imports, size_t count, int64_t *io_opset) {
    for (size_t i = 0; i < count; i++)
        if (is_default_domain(imports[i]->domain)) *io_opset = imports[i]->version;
    if (*io_opset < FIRST_OPSET || *io_opset > LAST_OPSET)
        return sni_fail(SINTER_UNSUPPORTED, "opset %lld (%d to %d are read)", (long long)*io_opset, FIRST_OPSET,
                        LAST_OPSET);
    return SINTER_OK;
}

static sinter_status too_deep(const sni_onnx_call *call) {
    if (call->scope->depth < MAX_SCOPES) return SINTER_OK;
    return sni_fail(SINTER_UNSUPPORTED, "functions or branches are nested more than %d deep", MAX_SCOPES);
}

static void take_outputs(const sni_onnx_scope *scope, char *const *names, size_t count, uint32_t *outs, int out_count) {
    for (size_t i = 0; i < count && i < (size_t)out_count; i++) {
        const sni_onnx_name *name = sni_onnx_scope_find(scope, text_of(names[i]));
        outs[i] = name ? name->value : 0;
    }
}

static sinter_status import_function(sni_onnx_call *call, const Onnx__FunctionProto *function) {
    sni_onnx_importer *importer = call->importer;
    sni_onnx_scope scope = {.caller = call->scope,
                            .call = call->node,
                            .function = function,
                            .opset = call->scope->opset,
                            .depth = call->scope->depth + 1};
    body b = {importer, &scope, function->node, function->n_node, NULL};
    SNI_TRY(too_deep(call));
    SNI_TRY(opset_of(function->opset_import, function->n_opset_import, &scope.opset));
    if (call->in_count > (int)function->n_input)
        return sni_fail(SINTER_PARSE, "it has %d inputs, its function %zu", call->in_count, function->n_input);
    if (!sni_onnx_scope_init(&scope, importer->arena, function->n_input + function->n_node))
        return sni_out_of_memory("a function's names");
    for (size_t i = 0; i < function->n_input; i++)
        SNI_TRY(sni_onnx_scope_add(&scope, importer->arena, text_of(function->input[i]), SNI_ONNX_VALUE, 0,
                                   sni_onnx_in(call, (int)i)));
    SNI_TRY(name_nodes(&b));
    SNI_TRY(import_nodes(&b, function->output, function->n_output));
    take_outputs(&scope, function->output, function->n_output, call->out, call->out_count);
    return check_outputs(call);
}

/* The names of ValueInfoProtos as the lists that functions have; in the arena. */
static char **names_of(sni_onnx_importer *importer, Onnx__ValueInfoProto *const *infos, size_t count) {
    char **names = sni_arena_alloc(importer->arena, (count + 1) * sizeof *names);
    for (size_t i = 0; names && i < count; i++) names[i] = infos[i]->name;
    return names;
}

static sinter_status add_initializers(sni_onnx_importer *importer, sni_onnx_scope *scope,
                                      const sni_onnx_initializer *initializers, size_t count) {
    scope->initializers = initializers;
    for (size_t i = 0; i < count; i++) {
        const char *text = text_of(initializers[i].proto->name);
        if (text[0]) SNI_TRY(sni_onnx_scope_add(scope, importer->arena, text, SNI_ONNX_INITIALIZER, i, 0));
    }
    return SINTER_OK;
}

static sinter_status import_inner(sni_onnx_call *call, const Onnx__GraphProto *graph, int in_count, const uint32_t *ins,
                                  int out_count, uint32_t *outs) {
    sni_onnx_importer *importer = call->importer;
    sni_onnx_scope scope = {.outer = call->scope,
                            .caller = call->scope->caller,
                            .call = call->scope->call,
                            .function = call->scope->function,
                            .opset = call->scope->opset,
                            .depth = call->scope->depth + 1};
    body b = {importer, &scope, graph->node, graph->n_node, NULL};
    SNI_TRY(too_deep(call));
    sni_onnx_initializer *initializers =
        sni_arena_alloc(importer->arena, (graph->n_initializer + 1) * sizeof *initializers);
    char **outputs = names_of(importer, graph->output, graph->n_output);
    if (!initializers || !outputs ||
        !sni_onnx_scope_init(&scope, importer->arena, graph->n_input + graph->n_node + graph->n_initializer))
        return sni_out_of_memory("a branch's names");
    if (graph->n_input != (size_t)in_count || graph->n_output < (size_t)out_count)
        return sni_fail(SINTER_PARSE, "its body has %zu inputs and %zu outputs instead of %d and %d", graph->n_input,
                        graph->n_output, in_count, out_count);
    for (int i = 0; i < in_count; i++)
        SNI_TRY(sni_onnx_scope_add(&scope, importer->arena, text_of(graph->input[i]->name), SNI_ONNX_VALUE, 0, ins[i]));
    for (size_t i = 0; i < graph->n_initializer; i++)
        initializers[i] = (sni_onnx_initializer){graph->initializer[i], NULL, 0};
    SNI_TRY(add_initializers(importer, &scope, initializers, graph->n_initializer));
    SNI_TRY(name_nodes(&b));
    SNI_TRY(import_nodes(&b, outputs, graph->n_output));
    take_outputs(&scope, outputs, graph->n_output, outs, out_count);
    return SINTER_OK;
}

void sni_onnx_import_body(sni_onnx_call *call, const Onnx__GraphProto *body_graph, int in_count, const uint32_t *ins,
                          int out_count, uint32_t *outs) {
    if (call->status == SINTER_OK) call->status = import_inner(call, body_graph, in_count, ins, out_count, outs);
}

/* ---- the model ---- */

static sinter_status import_graph(sni_onnx_importer *importer) {
    const Onnx__ModelProto *model = importer->model->proto;
    const Onnx__GraphProto *graph = model->graph;
    sni_onnx_scope scope = {.opset = 1};
    body b = {importer, &scope, graph->node, graph->n_node, NULL};
    char **outputs = names_of(importer, graph->output, graph->n_output);
    SNI_TRY(opset_of(model->opset_import, model->n_opset_import, &scope.opset));
    if (graph->n_sparse_initializer > 0) return sni_fail(SINTER_UNSUPPORTED, "it has sparse initialisers");
    if (!outputs ||
        !sni_onnx_scope_init(&scope, importer->arena, importer->model->initializer_count + graph->n_node * 2))
        return sni_out_of_memory("the model's names");
    SNI_TRY(add_initializers(importer, &scope, importer->model->initializers, importer->model->initializer_count));
    for (size_t i = 0; i < graph->n_input; i++) SNI_TRY(sni_onnx_add_input(importer, &scope, graph->input[i]));
    SNI_TRY(sni_onnx_check_dims(importer));
    SNI_TRY(sni_onnx_check_fixed(importer, graph));
    SNI_TRY(name_nodes(&b));
    SNI_TRY(import_nodes(&b, outputs, graph->n_output));
    SNI_TRY(sni_onnx_add_outputs(importer, &scope, outputs, graph->n_output));
    return sni_onnx_make_trainable(importer, &scope);
}

static void importer_deinit(sni_onnx_importer *importer) {
    for (size_t i = 0; i < importer->file_count; i++) sni_onnx_file_release(importer->files[i]);
    sni_free(importer->files);
    sni_free(importer->narrow);
    sni_free(importer->sized);
    sni_free(importer->sequences);
    sni_free(importer->file_names);
    sni_arena_release(importer->arena);
}

static sinter_status attempt(const sni_onnx_model *model, const sinter_onnx_options *options,
                             const sinter_onnx_training *training, bool use_hints, sinter_graph **out_graph) {
    sinter_graph *graph = NULL;
    SNI_TRY(sinter_graph_create(&graph));
    sni_onnx_importer importer = {.model = model,
                                  .options = options,
                                  .training = training,
                                  .graph = graph,
                                  .sym = graph->sym,
                                  .arena = sni_arena_create(),
                                  .nodes_left = MAX_NODES,
                                  .use_hints = use_hints};
    if (importer.arena) importer.dim_used = sni_arena_alloc(importer.arena, (options ? options->dim_count : 0) + 1);
    sinter_status status = importer.dim_used ? import_graph(&importer) : sni_out_of_memory("the import");
    if (status == SINTER_OK)
        *out_graph = graph;
    else
        sinter_graph_release(graph);
    importer_deinit(&importer);
    return status;
}

/* Types of many symbols can be very long. */
static sinter_status shorten_error(sinter_status status) {
    const char *text = sinter_last_error();
    size_t length = strlen(text);
    if (length <= 2000) return status;
    return sni_fail(status, "%.1200s ... %s", text, text + length - 400);
}

/* Sizes that had to be named because they grow from layer to layer (a reshape to one picture of a batch that has a name)
 * are short where the model's own declarations are believed: then the graph made with those takes the place of *graph. */
static void prefer_hints(const sni_onnx_model *model, const sinter_onnx_options *options,
                         const sinter_onnx_training *training, sinter_graph **graph) {
    sinter_graph *hinted = NULL;
    size_t named = sni_sym_defined_count((*graph)->sym);
    if (named == 0 || model->proto->graph->n_value_info == 0 ||
        attempt(model, options, training, true, &hinted) != SINTER_OK)
        return;
    bool shorter = sni_sym_defined_count(hinted->sym) < named;
    sinter_graph_release(shorter ? *graph : hinted);
    if (shorter) *graph = hinted;
}

sinter_status sni_onnx_import(const sni_onnx_model *model, const sinter_onnx_options *options,
                              const sinter_onnx_training *training, sinter_graph **out_graph) {
    sinter_status status = attempt(model, options, training, false, out_graph);
    if (status == SINTER_OK) prefer_hints(model, options, training, out_graph);
    if (status != SINTER_SHAPE || model->proto->graph->n_value_info == 0)
        return status == SINTER_OK ? status : shorten_error(status);
    shorten_error(status);
    sni_str first = SNI_STR_INIT;
    sni_str_append(&first, sinter_last_error());
    if (attempt(model, options, training, true, out_graph) == SINTER_OK)
        status = SINTER_OK;
    else
        status = sni_fail(status, "%s", sni_str_text(&first));
    sni_str_deinit(&first);
    return status;
}
