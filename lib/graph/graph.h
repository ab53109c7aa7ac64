/* The graph: values and nodes in topological order.
 *
 * Adding a node infers its types, so a graph is always well-typed. Passes never change a graph: they
 * read one and build another (rewrite/pass.h). Index 0 of values is unused, so that id 0 is invalid. */
#ifndef SNI_GRAPH_GRAPH_H
#define SNI_GRAPH_GRAPH_H

#include <sinter/graph.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/index.h"
#include "op/op.h"
#include "sym/sym.h"

/* Constant data, counted (thread-safe), shared by graphs and plans. */
typedef struct sni_blob sni_blob;
sni_blob *sni_blob_copy(const void *data, size_t size_bytes); /* NULL when memory is out */
/* data is the caller's until free_data(context) is called: on the last release, or at once on failure. */
sni_blob *sni_blob_borrow(const void *data, size_t size_bytes, void (*free_data)(void *), void *context);
sni_blob *sni_blob_retain(sni_blob *blob);
void sni_blob_release(sni_blob *blob);
const void *sni_blob_data(const sni_blob *blob);
size_t sni_blob_size(const sni_blob *blob);
/* Of the bytes; computed at the first call. */
sni_hash128 sni_blob_hash(sni_blob *blob);

typedef struct sni_value {
    sni_type type;
    int producer;     /* node, or -1 for inputs and constants */
    int output;       /* which output of the producer */
    sni_blob *blob;   /* constants only */
    const char *name; /* inputs; may be NULL elsewhere */
} sni_value;

#define SNI_MAX_OUTPUTS 16

#define SNI_NO_ORIGIN UINT32_MAX

typedef struct sni_node {
    const sni_op *op;
    int in_count;
    const uint32_t *in; /* value ids; 0 for an optional input not given */
    int out_count;
    const uint32_t *out;
    sni_attr attrs[SNI_MAX_ATTRS];
    const char *name; /* the importer's node name, or NULL; error messages and explain use it */
    uint32_t origin;  /* 1 + the node of the described graph that it was made of; SNI_NO_ORIGIN: none in particular */
} sni_node;

typedef struct sni_port {
    const char *name;
    uint32_t value;
    const char *extent; /* outputs: the name of the one that says how much along axis is meant; NULL: all */
    int axis;
    bool state;        /* the input is a state's value before a run, the output of the same name its value afterwards */
    sni_blob *initial; /* of an input that is a state: what it holds until a run writes it; NULL: zeros */
} sni_port;

/* A condition of a node (sni_call_require, or a dimension that must not be negative) that binding checks. */
typedef struct sni_check {
    sni_expr condition; /* 0 or 1 */
    uint32_t node;
} sni_check;

struct sinter_graph {
    uint32_t number; /* of the process, not 0: sinter_value.graph */
    sni_arena *arena;
    sni_sym *sym;
    sni_value *values; /* 1 .. value_count-1 */
    size_t value_count, value_capacity;
    sni_node *nodes;
    size_t node_count, node_capacity;
    sni_port *inputs;
    size_t input_count, input_capacity;
    sni_port *outputs;
    size_t output_count, output_capacity;
    sni_check *checks;
    size_t check_count, check_capacity;
    sni_index input_names, output_names, check_conditions; /* of the three above */
    sni_custom **customs; /* the user's functions that nodes may be of, each held once */
    size_t custom_count, custom_capacity;
    sinter_status status;     /* the first error */
    char *error;              /* its text */
    const char *pending_name; /* name given to the next nodes; sni_graph_set_name */
    uint32_t pending_origin;  /* origin given to the next nodes; 0: each is its own (a graph that somebody describes) */
};

/* An empty graph whose sym is a copy of like's (like may be NULL). */
sinter_status sni_graph_create_like(const sinter_graph *like, sinter_graph **out_graph);

/* Adds a node; ins has in_count value ids (0: optional input left out), attrs SNI_MAX_ATTRS entries (NULL:
 * presets; kind NONE in one entry: its preset). Writes op->outputs ids (or *io_out_count for operators with a
 * variable number, when op->outputs is -1) to outs; on failure they are 0 and the graph's status is set. */
bool sni_graph_add(sinter_graph *graph, const sni_op *op, int in_count, const uint32_t *ins, const sni_attr *attrs,
                   int out_count, uint32_t *outs);
/* The same for one output by the operator's name; 0 on failure. */
uint32_t sni_graph_add1(sinter_graph *graph, const char *op, int in_count, const uint32_t *ins, const sni_attr *attrs);
uint32_t sni_graph_add_constant(sinter_graph *graph, const sni_type *type, sni_blob *blob /* taken over */);
/* The input that is a state's value before the run; -1 when there is none of that name. */
int sni_graph_find_state(const sinter_graph *graph, const char *name);
uint32_t sni_graph_add_input(sinter_graph *graph, const char *name, const sni_type *type);
/* Turns a constant into a state that begins with its data; what reads the value reads the state from now on. False, and the
 * graph has failed, when the name is taken or memory is out. */
bool sni_graph_make_state(sinter_graph *graph, uint32_t constant, const char *name);
/* A one-dimensional i64 value whose elements are expressions (what a host computation of shapes gives). Its node is
 * the operator "known". */
uint32_t sni_graph_add_known(sinter_graph *graph, int rank, const sni_expr *dims, const sni_expr *elements,
                             int64_t count);
void sni_graph_set_name(sinter_graph *graph, const char *name); /* of the nodes added from now on; copied; NULL: none */
/* Records the first error: status, "operator 'name': text". Later calls change nothing. */
/* The caller's handle of a value, 0 included. */
static inline sinter_value sni_graph_handle(const sinter_graph *graph, uint32_t id) {
    return (sinter_value){id, id ? graph->number : 0};
}
/* False, and the graph has failed, when the handle is another graph's. op: for the message. */
bool sni_graph_check_handle(sinter_graph *graph, const char *op, sinter_value value);
void sni_graph_fail(sinter_graph *graph, sinter_status status, const char *format, ...) SNI_PRINTF(3, 4);

/* Adds a check that is not there yet; false: out of memory. */
bool sni_graph_add_check(sinter_graph *graph, const sni_check *check);
/* Is a name one of these ports'? Enters port number `number`, which is named so; false: out of memory. */
bool sni_graph_has_name(const sni_index *names, const sni_port *ports, const char *name);
bool sni_graph_add_name(sni_index *names, const char *name, size_t number);

const sni_value *sni_graph_value(const sinter_graph *graph, uint32_t id); /* NULL when invalid */
/* Attributes made from numbers or expressions; arrays are copied into the graph's arena. */
sni_attr sni_attr_int(int64_t value);
sni_attr sni_attr_float(double value);
sni_attr sni_attr_exprs(sinter_graph *graph, int count, const sni_expr *exprs);
sni_attr sni_attr_ints(sinter_graph *graph, int count, const int64_t *values);

/* Holds a user's function as long as the graph lives; false when memory is out. */
bool sni_graph_keep_custom(sinter_graph *graph, sni_custom *custom);

/* What the generated builders are made of: a shape as an attribute, and a call of an operator by name. */
sni_attr sni_build_shape(sinter_graph *graph, sinter_shape shape);
sinter_value sni_build_call(sinter_graph *graph, const char *op, size_t in_count, const sinter_value *ins,
                            const sni_attr *attrs);

/* Elements of call's integer output 0 as expressions in the graph's arena, when they follow from the inputs'
 * (elements.c); NULL otherwise. Sets *out_count. */
const sni_expr *sni_graph_find_elements(sinter_graph *graph, const sni_call *call, int64_t *out_count);
/* One node or value as text, without a newline: "%3 = add(%1, %2) : f32[n, 4]". */
void sni_graph_print_node(const sinter_graph *graph, const sni_node *node, sni_str *out);
/* Writes the graph as what stage made, where SINTER_DUMP asks for it (base/dump.h). */
void sni_graph_dump(const sinter_graph *graph, const char *stage);

#endif
