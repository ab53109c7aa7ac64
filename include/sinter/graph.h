/* Graphs: describing a computation. A graph belongs to one thread at a time. */
#ifndef SINTER_GRAPH_H
#define SINTER_GRAPH_H

#include <sinter/custom.h>
#include <sinter/status.h>
#include <sinter/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A graph of operators on named values. Building is sticky: a bad call returns an invalid
 * value (id 0), every call that takes an invalid value returns one, and the first error,
 * which names the operator and the shapes, is what sinter_graph_status and
 * sinter_plan_compile report. */
typedef struct sinter_graph sinter_graph;

/* A value of a graph; copied freely, valid as long as the graph. id 0 is invalid. graph tells graphs apart: a value
 * that is given to another graph's function is that graph's error (0: not known). */
typedef struct sinter_value {
    uint32_t id;
    uint32_t graph;
} sinter_value;

#ifdef __cplusplus
#define SINTER_NO_VALUE (sinter_value())
#else
#define SINTER_NO_VALUE ((sinter_value){0, 0})
#endif

/* Makes an empty graph; the caller releases it. OUT_OF_MEMORY. */
SINTER_API SINTER_MUST_USE sinter_status sinter_graph_create(sinter_graph **out_graph);
/* NULL is allowed. Plans compiled from the graph live on. */
SINTER_API void sinter_graph_release(sinter_graph *graph);
/* The first error met while building, or SINTER_OK; its text becomes the calling thread's
 * last error. */
SINTER_API SINTER_MUST_USE sinter_status sinter_graph_status(const sinter_graph *graph);

/* A named input. The name is copied and must be unique among the inputs. */
SINTER_API sinter_value sinter_input(sinter_graph *graph, const char *name, sinter_dtype dtype, sinter_shape shape);
/* A constant whose size_bytes bytes at data are copied. shape has numbers only, and
 * size_bytes must be their product times the element size. */
SINTER_API sinter_value sinter_constant(sinter_graph *graph, sinter_dtype dtype, sinter_shape shape, const void *data,
                                        size_t size_bytes);
/* As sinter_constant, but data stays the caller's and must outlive the graph and every plan
 * compiled from it, or until free_data(context) is called (free_data may be NULL). On failure
 * free_data is called too. For mapped model files. */
SINTER_API sinter_value sinter_constant_borrowed(sinter_graph *graph, sinter_dtype dtype, sinter_shape shape,
                                                 const void *data, size_t size_bytes, void (*free_data)(void *context),
                                                 void *context);
/* A scalar constant, rounded to dtype. */
SINTER_API sinter_value sinter_scalar(sinter_graph *graph, sinter_dtype dtype, double value);

/* The function's value for each element of count inputs, which broadcast as those of other operators do: "float f(float x,
 * float a) { return x > a ? x : a * x; }". A number is an input of shape SINTER_SCALAR. Reading source is done here:
 * INVALID_ARGUMENT says in which line it is no function of elements, DTYPE which parameter an input does not fit; SHAPE.
 * What the device's compiler says of it is what compiling a plan returns, BUILD, with the source's lines numbered. Names of
 * source do not clash with those of other functions or of the library. */
SINTER_API sinter_value sinter_custom(sinter_graph *graph, const char *source, const sinter_value *inputs,
                                      size_t count);
/* The same with everything that can be said of a function. The struct is copied. */
SINTER_API sinter_value sinter_custom_call(sinter_graph *graph, const sinter_custom_function *function,
                                           const sinter_value *inputs, size_t count);

/* Names value as an output. The name is copied and unique among the outputs. */
SINTER_API void sinter_output(sinter_graph *graph, const char *name, sinter_value value);

/* As sinter_output, of a value whose extent along axis is only a bound: the first `extent` entries are meant, what stands
 * behind them is anything. extent is an i64 scalar of the graph, 0 to the bound; it becomes the output "<name>.extent". How
 * results whose size depends on data leave a graph: positions of what is not zero, boxes that a detector keeps. */
SINTER_API void sinter_output_partial(sinter_graph *graph, const char *name, sinter_value value, int axis,
                                      sinter_value extent);

/* A state: memory that outlives a run, as a named value: what it holds when a run begins. The name is copied and unique
 * among the inputs and the states. Nobody has to bind it: the plan then owns its memory, which begins as zeros (see
 * sinter_plan_state_read). A buffer that a binding gives for its name is its memory for that run. Dimensions may be
 * symbolic; they take their values from other inputs and from dimension bindings. */
SINTER_API sinter_value sinter_state(sinter_graph *graph, const char *name, sinter_dtype dtype, sinter_shape shape);
/* As sinter_state, but the plan's own memory begins as the size_bytes bytes at data, as sinter_constant takes them. They are
 * copied, and kept as long as the graph and the plans that were compiled from it: a reset returns to them. */
SINTER_API sinter_value sinter_state_initial(sinter_graph *graph, const char *name, sinter_dtype dtype,
                                             sinter_shape shape, const void *data, size_t size_bytes);
/* Number of states, and the i-th one's name and value before a run. NULL, or an invalid value, when index is out of range. */
SINTER_API size_t sinter_graph_state_count(const sinter_graph *graph);
SINTER_API const char *sinter_graph_state_name(const sinter_graph *graph, size_t index);
SINTER_API sinter_value sinter_graph_state_value(const sinter_graph *graph, size_t index);
/* One state that holds count values side by side, of shapes that are numbers: a vector of all their elements, in order. Sets
 * out_parts (each invalid on failure) and returns the vector, which is what is written, saved, and what one gradient and one launch of
 * an optimiser may be for, whatever count is. INVALID_ARGUMENT is kept by the graph where a shape is symbolic. */
SINTER_API sinter_value sinter_state_parts(sinter_graph *graph, const char *name, sinter_dtype dtype,
                                           const sinter_shape *shapes, size_t count, sinter_value *out_parts);
/* Writes value, of the same dtype and rank and nowhere larger, into the region of the state that begins at starts: an
 * i64 value of one element for each dimension, computed by the graph or constant; SINTER_NO_VALUE, and what is missing
 * at the end, is 0. A start is moved so that the region lies inside the state. state is the state's newest value: what
 * sinter_state gave or the last write returned. Returns the state's value after the write. The write happens in place and
 * touches nothing but the region. What reads the value before the write is computed before it; reading it and depending
 * on the write is UNSUPPORTED when the graph is compiled. */
SINTER_API sinter_value sinter_state_write(sinter_graph *graph, sinter_value state, sinter_value value,
                                           const sinter_value *starts, size_t start_count);

/* The dtype of a value, or SINTER_DTYPE_NONE when it is invalid. */
SINTER_API sinter_dtype sinter_value_dtype(const sinter_graph *graph, sinter_value value);
/* The rank of a value, or -1 when it is invalid. */
SINTER_API int sinter_value_rank(const sinter_graph *graph, sinter_value value);
/* One dimension of a value: a number, a name (compare with SINTER_DIM, ask sinter_dim_name), or what sinter_dim_add and its like make
 * of them. SINTER_DIM_INVALID: the value is, axis is not 0 to rank - 1, or the size is something that those cannot make (a
 * minimum): sinter_value_dim_string prints it. */
SINTER_API sinter_dim sinter_value_dim(const sinter_graph *graph, sinter_value value, int axis);
/* One dimension of a value as text ("batch", "64", "batch*seq") into buffer, always
 * terminated. Returns the number of bytes the whole text needs without the terminator. */
SINTER_API size_t sinter_value_dim_string(const sinter_graph *graph, sinter_value value, int axis, char *buffer,
                                          size_t size_bytes);

/* Number of operators (nodes) in the graph. */
SINTER_API size_t sinter_graph_operator_count(const sinter_graph *graph);
/* Number of inputs / outputs (states are neither), and the i-th one's name and value. NULL, or an invalid value,
 * when index is out of range. */
SINTER_API size_t sinter_graph_input_count(const sinter_graph *graph);
SINTER_API const char *sinter_graph_input_name(const sinter_graph *graph, size_t index);
SINTER_API sinter_value sinter_graph_input_value(const sinter_graph *graph, size_t index);
SINTER_API size_t sinter_graph_output_count(const sinter_graph *graph);
SINTER_API const char *sinter_graph_output_name(const sinter_graph *graph, size_t index);
SINTER_API sinter_value sinter_graph_output_value(const sinter_graph *graph, size_t index);

/* The name of the output that says how much of output number index is meant, and along which axis (out_axis may be NULL); NULL
 * where all of it is, or index is out of range. */
SINTER_API const char *sinter_graph_output_extent(const sinter_graph *graph, size_t index, int *out_axis);

/* Describes other's whole computation once more in graph: own preprocessing in front of an ONNX model, own postprocessing behind
 * it, two models in one plan. Input names[i] of other is values[i] of graph, for i < count; what is not named becomes an
 * input of graph, and a state a state, with its name. Dimensions of other's inputs become those of the values that are given
 * for them (a "batch" may become n, or 8); dimensions of one name that are left are one dimension. out_outputs has room for
 * sinter_graph_output_count(other) values, which are other's outputs in their order and no outputs of graph until sinter_output
 * names them so; NULL where other has none. other stays the caller's and is only read; constants are shared, not copied.
 *
 * Keeps and returns graph's first error, like every builder: INVALID_ARGUMENT for other being graph or NULL, a name that is
 * no input of other or comes twice, a state's name, a value that is not graph's, and an input or state of other whose name graph has;
 * DTYPE and SHAPE where a value does not fit its input; other's own error where it has one. */
SINTER_API SINTER_MUST_USE sinter_status sinter_graph_append(sinter_graph *graph, const sinter_graph *other,
                                                             const char *const *names, const sinter_value *values,
                                                             size_t count, sinter_value *out_outputs);

/* The graph as text, one line per node; the caller frees it with sinter_free. NULL when
 * memory is out. */
SINTER_API char *sinter_graph_to_string(const sinter_graph *graph);

#ifdef __cplusplus
}
#endif

#include <sinter/ops.h> /* one builder per operator, generated from the operator table */

#endif
