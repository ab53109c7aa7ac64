/* Inside of the importer: what model.c, tensor.c, attr.c, import.c, emit.c and the families of
 * operators (ops_*.c) share.
 *
 * Errors of an operator are sticky in its call, as the graph's are: an operator's function goes on
 * with invalid values (0) and the importer looks once, after it. */
#ifndef SNI_ONNX_IMPORTER_H
#define SNI_ONNX_IMPORTER_H

#include <sinter/onnx.h>

#include "onnx/onnx.pb-c.h"

#include "onnx/link.h"
#include "op/attrs.h"

/* A file mapped for as long as anyone uses a part of it; counted, thread-safe. */
typedef struct sni_onnx_file sni_onnx_file;
sinter_status sni_onnx_file_open(const char *path, sni_onnx_file **out_file);
sni_onnx_file *sni_onnx_file_retain(sni_onnx_file *file);
void sni_onnx_file_release(void *file);
const void *sni_onnx_file_data(const sni_onnx_file *file);
size_t sni_onnx_file_size(const sni_onnx_file *file);

/* An initialiser: its message, and where its raw data lies when it was left in the file. */
typedef struct sni_onnx_initializer {
    const Onnx__TensorProto *proto;
    const uint8_t *raw; /* NULL: proto->raw_data */
    size_t raw_size;
} sni_onnx_initializer;

/* An attribute that a function of the model has where a call does not give it. */
typedef struct sni_onnx_default {
    const Onnx__FunctionProto *function;
    Onnx__AttributeProto *attribute;
} sni_onnx_default;

/* A model as it was read. */
typedef struct sni_onnx_model {
    Onnx__ModelProto *proto;            /* without the large initialisers */
    Onnx__TensorProto **large;          /* the messages of the large initialisers */
    sni_onnx_initializer *initializers; /* all of the main graph */
    size_t large_count, large_capacity, initializer_count, initializer_capacity;
    sni_onnx_default *defaults; /* of all functions */
    size_t default_count, default_capacity;
    size_t allowance;    /* bytes that unpacking may still take */
    sni_onnx_file *file; /* where raw pointers point to; NULL: the caller's memory */
    const char *dir;     /* of external data; NULL: none */
} sni_onnx_model;

/* Unpacks size_bytes at data. raw pointers of initialisers point into data. */
sinter_status sni_onnx_model_read(const void *data, size_t size_bytes, sni_onnx_model *out_model);
void sni_onnx_model_deinit(sni_onnx_model *model);

/* Functions of the model (function.c): reads their default attributes into the model; finds one, NULL when there is none;
 * and says whether a node of a function's name and domain also means its overload. */
sinter_status sni_onnx_read_defaults(sni_onnx_model *model);
void sni_onnx_free_defaults(sni_onnx_model *model);
const Onnx__AttributeProto *sni_onnx_default_of(const sni_onnx_model *model, const Onnx__FunctionProto *function,
                                                const char *name);
bool sni_onnx_same_overload(const Onnx__FunctionProto *function, const Onnx__NodeProto *node);

/* Wire format (wire.c). Refuses what protobuf-c would recurse too deep on. */
sinter_status sni_onnx_wire_check(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t size_bytes);
/* One field of a message: sets *io_at past it. PARSE when it is cut short. */
typedef struct sni_onnx_field {
    uint32_t number;
    int wire_type;
    const uint8_t *start; /* of the tag */
    const uint8_t *body;  /* wire type 2: the content */
    size_t body_size;
    size_t size_bytes; /* tag and all */
} sni_onnx_field;
bool sni_onnx_wire_next(const uint8_t *data, size_t size_bytes, size_t *io_at, sni_onnx_field *out_field);

/* Unpacks a message that wire_check accepted, taking at most *io_allowance bytes; NULL when it is
 * malformed or needs more. Released with the message's own free_unpacked and sni_onnx_allocator. */
ProtobufCMessage *sni_onnx_unpack(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t size_bytes,
                                  size_t *io_allowance);
void sni_onnx_free_unpacked(ProtobufCMessage *message);

/* ---- names (scope.c) ---- */

typedef enum sni_onnx_name_kind {
    SNI_ONNX_VALUE,       /* value; 0: an optional input of a function that its caller left out */
    SNI_ONNX_INITIALIZER, /* index of the model's initialiser or of the branch's; value once used */
    SNI_ONNX_NODE         /* index of the node that makes it; value once imported */
} sni_onnx_name_kind;

typedef struct sni_onnx_name {
    const char *text;
    struct sni_onnx_name *next;
    sni_onnx_name_kind kind;
    size_t index;
    uint32_t value;
} sni_onnx_name;

/* The names of the main graph, of a function's body or of a branch. */
typedef struct sni_onnx_scope {
    const struct sni_onnx_scope *outer;  /* whose names a branch sees, or NULL */
    const struct sni_onnx_scope *caller; /* of a function's body: the scope of the node call */
    const Onnx__NodeProto *call;         /* where a function's attributes come from, or NULL */
    const Onnx__FunctionProto *function; /* that is called, or NULL */
    const sni_onnx_initializer *initializers;
    int64_t opset; /* of the default domain */
    int depth;     /* of functions and branches within one another */
    sni_onnx_name **buckets;
    size_t bucket_count; /* a power of two */
} sni_onnx_scope;

/* An empty scope for about count names, all in the arena. */
bool sni_onnx_scope_init(sni_onnx_scope *scope, sni_arena *arena, size_t count);
/* Adds a name; PARSE when it is taken. */
sinter_status sni_onnx_scope_add(sni_onnx_scope *scope, sni_arena *arena, const char *text, sni_onnx_name_kind kind,
                                 size_t index, uint32_t value);
/* The scope's own entry, or NULL; and that of the nearest scope that a branch sees. */
sni_onnx_name *sni_onnx_scope_own(const sni_onnx_scope *scope, const char *text);
sni_onnx_name *sni_onnx_scope_find(const sni_onnx_scope *scope, const char *text);

/* ---- the import ---- */

typedef struct sni_onnx_importer {
    const sni_onnx_model *model;
    const sinter_onnx_options *options;
    const sinter_onnx_training *training; /* NULL: nothing is trained */
    sinter_graph *graph;
    sni_sym *sym;
    sni_arena *arena; /* for the length of the import */
    sni_onnx_file **files;
    const char **file_names;
    size_t file_count, file_capacity;
    size_t nodes_left; /* guards against functions that call functions that call ... */
    bool *dim_used;    /* options->dim_names[i] was met */
    uint8_t *narrow;   /* value -> its data type where that is only held (onnx/narrow.h), else 0 */
    size_t narrow_capacity;
    struct sni_onnx_sized *sized; /* values whose size depends on data (onnx/sized.h) */
    size_t sized_count, sized_capacity;
    struct sni_onnx_sequence *sequences; /* onnx/sequence.h */
    size_t sequence_count, sequence_capacity;
    bool use_hints; /* believe the model's value_info; see sni_onnx_hint */
} sni_onnx_importer;

typedef struct sni_onnx_call sni_onnx_call;

/* One ONNX operator: the table's rows are in the ops_*.c files. */
typedef struct sni_onnx_row {
    const char *name;
    int first_opset;            /* the oldest opset whose meaning is handled */
    int min_inputs, max_inputs; /* max -1: any number */
    int max_outputs;            /* -1: any number */
    void (*build)(sni_onnx_call *call);
    const char *target; /* the graph's operator where build is shared by several rows */
} sni_onnx_row;

typedef struct sni_onnx_family {
    const sni_onnx_row *rows;
    size_t count;
} sni_onnx_family;

/* A node being imported. */
struct sni_onnx_call {
    sni_onnx_importer *importer;
    sinter_graph *graph;
    sni_sym *sym;
    const sni_onnx_scope *scope;
    const Onnx__NodeProto *node;
    const sni_onnx_row *row;
    int64_t opset;
    int in_count;
    const uint32_t *in; /* 0: left out */
    int out_count;
    uint32_t *out; /* to be filled */
    sinter_status status;
    uint64_t asked; /* which of the node's own attributes were looked at, by index */
};

/* Input i or 0, and whether output i is asked for. */
uint32_t sni_onnx_in(const sni_onnx_call *call, int i);
bool sni_onnx_wants(const sni_onnx_call *call, int i);
/* Records the node's first error. */
void sni_onnx_fail(sni_onnx_call *call, sinter_status status, const char *format, ...) SNI_PRINTF(3, 4);

const sni_onnx_row *sni_onnx_find_row(const char *name);
/* Rows of com.microsoft (ops_contrib.c); NULL for other domains. An attribute that the row does not read fails the call. */
const sni_onnx_row *sni_onnx_find_contrib(const char *domain, const char *name);
void sni_onnx_check_contrib_attributes(sni_onnx_call *call);

/* The model's own word for a dimension of the call's first output (value_info): a number or the name of an
 * input's dimension. SNI_NO_EXPR without one, and in the first attempt at a model: exporters are
 * known to write numbers there that only held for their example. The graph checks what was believed in every
 * run. */
sni_expr sni_onnx_hint(const sni_onnx_call *call, int rank, int axis);

/* A graph that is an attribute, a branch or the body of a loop: its nodes, imported in the call's scope with the given
 * values for its inputs; outputs to outs. */
void sni_onnx_import_body(sni_onnx_call *call, const Onnx__GraphProto *body, int in_count, const uint32_t *ins,
                          int out_count, uint32_t *outs);

/* ---- tensors (tensor.c) ---- */

/* ONNX data type to dtype; NONE when there is none, and its name. */
sinter_dtype sni_onnx_dtype(int32_t data_type);
const char *sni_onnx_dtype_name(int32_t data_type);
/* The tensor as a constant of the graph: borrowed where it lies in a file and is aligned. */
sinter_status sni_onnx_tensor_constant(sni_onnx_importer *importer, const sni_onnx_initializer *tensor,
                                       uint32_t *out_value);
/* The tensor's elements in memory of its own. */
sinter_status sni_onnx_tensor_unpack(const Onnx__TensorProto *proto, sinter_onnx_tensor *out_tensor);

/* ---- attributes (attr.c): the node's, or the preset; a wrong type fails the call ---- */

typedef struct sni_onnx_ints {
    bool given;
    int count;
    const int64_t *at;
} sni_onnx_ints;

const Onnx__AttributeProto *sni_onnx_attr(sni_onnx_call *call, const char *name);
/* Fails the call when the node has an attribute that its row neither asked for nor may do without (unread.c). */
void sni_onnx_check_attrs(sni_onnx_call *call);
bool sni_onnx_has_attr(sni_onnx_call *call, const char *name);
int64_t sni_onnx_attr_int(sni_onnx_call *call, const char *name, int64_t preset);
double sni_onnx_attr_float(sni_onnx_call *call, const char *name, double preset);
/* A string in the importer's arena, terminated. */
const char *sni_onnx_attr_text(sni_onnx_call *call, const char *name, const char *preset);
sni_onnx_ints sni_onnx_attr_ints(sni_onnx_call *call, const char *name);
/* Floats; NULL and count 0 when not given. */
const float *sni_onnx_attr_floats(sni_onnx_call *call, const char *name, int *out_count);
/* An axis in 0..rank-1 (or ..rank when last_allowed); -1 after a failure. */
int sni_onnx_attr_axis(sni_onnx_call *call, const char *name, int64_t preset, int rank);
int sni_onnx_axis(sni_onnx_call *call, int64_t axis, int rank);

/* ---- making nodes (emit.c) ---- */

#define SNI_MAX_LIST 256
/* A short list of expressions: a shape, pads, splits. */
typedef struct sni_onnx_list {
    int count;
    sni_expr at[SNI_MAX_LIST];
} sni_onnx_list;

/* IN(a, b) and ATTRS(...) write the arguments of sni_onnx_emit. An attribute left out is preset. */
#define SNI_IN(...)                                                                                                    \
    (int)(sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t)), (const uint32_t[]) {                            \
        __VA_ARGS__                                                                                                    \
    }
#define SNI_ATTRS(...)                                                                                                 \
    (const sni_attr[SNI_MAX_ATTRS]) {                                                                                  \
        __VA_ARGS__                                                                                                    \
    }
uint32_t sni_onnx_emit(sni_onnx_call *call, const char *op, int in_count, const uint32_t *ins, const sni_attr *attrs);
uint32_t sni_onnx_unary(sni_onnx_call *call, const char *op, uint32_t x);
uint32_t sni_onnx_binary(sni_onnx_call *call, const char *op, uint32_t a, uint32_t b);
uint32_t sni_onnx_where(sni_onnx_call *call, uint32_t condition, uint32_t a, uint32_t b);
uint32_t sni_onnx_cast(sni_onnx_call *call, uint32_t x, sinter_dtype dtype);
uint32_t sni_onnx_scalar(sni_onnx_call *call, sinter_dtype dtype, double value);
/* A scalar of x's dtype. */
uint32_t sni_onnx_scalar_like(sni_onnx_call *call, uint32_t x, double value);
/* op(x, number), the number of x's dtype. */
uint32_t sni_onnx_binary_scalar(sni_onnx_call *call, const char *op, uint32_t x, double number);
uint32_t sni_onnx_reshape(sni_onnx_call *call, uint32_t x, const sni_onnx_list *shape);
uint32_t sni_onnx_expand(sni_onnx_call *call, uint32_t x, const sni_onnx_list *shape);
uint32_t sni_onnx_transpose(sni_onnx_call *call, uint32_t x, int rank, const int *perm);
/* Elements start, start + 1, ... of one axis. */
uint32_t sni_onnx_slice_axis(sni_onnx_call *call, uint32_t x, int axis, sni_expr start, sni_expr size);
uint32_t sni_onnx_reduce(sni_onnx_call *call, const char *op, uint32_t x, int axis_count, const int *axes,
                         bool keepdims);
uint32_t sni_onnx_concat(sni_onnx_call *call, int count, const uint32_t *values, int axis);
/* x with a dimension of 1 put before axis, and x without axis. */
uint32_t sni_onnx_unsqueeze(sni_onnx_call *call, uint32_t x, int axis);
uint32_t sni_onnx_squeeze(sni_onnx_call *call, uint32_t x, int axis);
/* A vector [C] shaped so that it broadcasts along axis of a value of rank. */
uint32_t sni_onnx_along(sni_onnx_call *call, uint32_t vector, int axis, int rank);
uint32_t sni_onnx_iota(sni_onnx_call *call, const sni_onnx_list *shape, sinter_dtype dtype, int axis);
uint32_t sni_onnx_constant(sni_onnx_call *call, sinter_dtype dtype, int rank, const int64_t *dims, const void *data,
                           size_t size_bytes);
uint32_t sni_onnx_known(sni_onnx_call *call, int rank, const sni_onnx_list *elements);

sni_attr sni_onnx_exprs(sni_onnx_call *call, const sni_onnx_list *list);
sni_attr sni_onnx_int_list(sni_onnx_call *call, int count, const int *values);

/* The type of a value, copied (adding nodes moves the original); rank -1 when it is invalid. */
sni_type sni_onnx_type(const sni_onnx_call *call, uint32_t value);
int sni_onnx_rank(const sni_onnx_call *call, uint32_t value);
sni_expr sni_onnx_dim(const sni_onnx_call *call, uint32_t value, int axis);
sni_onnx_list sni_onnx_shape(const sni_onnx_call *call, uint32_t value);
sni_expr sni_onnx_const(const sni_onnx_call *call, int64_t value);
/* How many elements dimensions from..to-1 of a shape have together. */
sni_expr sni_onnx_extent(const sni_onnx_call *call, const sni_onnx_list *shape, int from, int to);
/* A dimension that must be a number; what says which, for the error. */
int64_t sni_onnx_static(sni_onnx_call *call, sni_expr e, const char *what);

/* The elements of a shape operand. Fails the call when they depend on data. */
bool sni_onnx_elements(sni_onnx_call *call, uint32_t value, const char *what, sni_onnx_list *out);
/* The same, and every element must be a number. */
bool sni_onnx_numbers_of(sni_onnx_call *call, uint32_t value, const char *what, int capacity, int64_t *out,
                         int *out_count);
/* The elements of a constant of any dtype (or what constants alone compute), as double. */
bool sni_onnx_doubles_of(sni_onnx_call *call, uint32_t value, const char *what, int capacity, double *out,
                         int *out_count);
/* Whether the value's elements are known without running anything. */
bool sni_onnx_is_known(sni_onnx_call *call, uint32_t value);
/* Axes of an attribute (older opsets) or of input i, normalised and checked. given false: none. */
typedef struct sni_onnx_axes {
    bool given;
    int count;
    int at[SINTER_MAX_RANK];
} sni_onnx_axes;
bool sni_onnx_axes_of(sni_onnx_call *call, int input, int input_since, int rank, sni_onnx_axes *out);

/* Families of rows. */
extern const sni_onnx_family sni_onnx_elementwise, sni_onnx_reduce_family, sni_onnx_shape_family, sni_onnx_index_family,
    sni_onnx_nn_family, sni_onnx_norm_family, sni_onnx_quant_family, sni_onnx_loss_family, sni_onnx_recurrent_family,
    sni_onnx_einsum_family, sni_onnx_resize_family, sni_onnx_scatter_family, sni_onnx_sample_family,
    sni_onnx_misc_family, sni_onnx_attention_family, sni_onnx_loop_family;
extern const sni_onnx_family sni_onnx_signal_family, sni_onnx_places_family, sni_onnx_sized_family,
    sni_onnx_sequence_family;

#endif
