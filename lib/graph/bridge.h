/* What libsinter hands to libsinter-onnx.
 *
 * libsinter hides its internal functions, and the importer, a library of its own, needs some of
 * them: a model's shape arithmetic becomes expressions, which the public builders do not take. One
 * exported table of pointers carries those functions, so that the exported names stay the public
 * interface plus this one. The table is private to the two libraries: they come from one build, and
 * the importer refuses a table of another size. */
#ifndef SNI_GRAPH_BRIDGE_H
#define SNI_GRAPH_BRIDGE_H

#include "base/file.h"
#include "base/hash.h"
#include "base/str.h"
#include "graph/graph.h"
#include "graph/reference.h"
#include "op/rule.h"

/* One row per function that crosses over, in any order; lib/onnx/link.h has a #define for each. */
#define SNI_BRIDGE_LIST(X)                                                                                             \
    X(sni_fail)                                                                                                        \
    X(sni_fail_in)                                                                                                     \
    X(sni_out_of_memory)                                                                                               \
    X(sni_malloc)                                                                                                      \
    X(sni_calloc)                                                                                                      \
    X(sni_realloc)                                                                                                     \
    X(sni_free)                                                                                                        \
    X(sni_strdup)                                                                                                      \
    X(sni_grow)                                                                                                        \
    X(sni_mul_i64)                                                                                                     \
    X(sni_add_i64)                                                                                                     \
    X(sni_mul_size)                                                                                                    \
    X(sni_arena_create)                                                                                                \
    X(sni_arena_release)                                                                                               \
    X(sni_arena_alloc)                                                                                                 \
    X(sni_arena_strdup)                                                                                                \
    X(sni_arena_copy)                                                                                                  \
    X(sni_str_append)                                                                                                  \
    X(sni_str_append_n)                                                                                                \
    X(sni_str_vprintf)                                                                                                 \
    X(sni_str_printf)                                                                                                  \
    X(sni_str_text)                                                                                                    \
    X(sni_str_deinit)                                                                                                  \
    X(sni_file_map)                                                                                                    \
    X(sni_file_unmap)                                                                                                  \
    X(sni_hash64_of)                                                                                                   \
    X(sni_dtype_class_of)                                                                                              \
    X(sni_dtype_lowest)                                                                                                \
    X(sni_dtype_is_real)                                                                                               \
    X(sni_dtype_load)                                                                                                  \
    X(sni_dtype_store)                                                                                                 \
    X(sni_op_find)                                                                                                     \
    X(sni_blob_copy)                                                                                                   \
    X(sni_blob_borrow)                                                                                                 \
    X(sni_blob_release)                                                                                                \
    X(sni_blob_data)                                                                                                   \
    X(sni_blob_size)                                                                                                   \
    X(sni_graph_add)                                                                                                   \
    X(sni_graph_add1)                                                                                                  \
    X(sni_graph_add_constant)                                                                                          \
    X(sni_graph_add_input)                                                                                             \
    X(sni_graph_make_state)                                                                                            \
    X(sni_graph_add_check)                                                                                             \
    X(sni_sym_le)                                                                                                      \
    X(sni_graph_add_known)                                                                                             \
    X(sni_graph_set_name)                                                                                              \
    X(sni_graph_fail)                                                                                                  \
    X(sni_graph_value)                                                                                                 \
    X(sni_attr_int)                                                                                                    \
    X(sni_attr_float)                                                                                                  \
    X(sni_attr_exprs)                                                                                                  \
    X(sni_attr_ints)                                                                                                   \
    X(sni_sym_is)                                                                                                      \
    X(sni_sym_const)                                                                                                   \
    X(sni_sym_dim)                                                                                                     \
    X(sni_sym_add)                                                                                                     \
    X(sni_sym_sub)                                                                                                     \
    X(sni_sym_mul)                                                                                                     \
    X(sni_sym_div)                                                                                                     \
    X(sni_sym_mod)                                                                                                     \
    X(sni_sym_ceil_div)                                                                                                \
    X(sni_sym_min)                                                                                                     \
    X(sni_sym_max)                                                                                                     \
    X(sni_sym_lt)                                                                                                      \
    X(sni_sym_mul_i)                                                                                                   \
    X(sni_sym_add_i)                                                                                                   \
    X(sni_sym_is_const)                                                                                                \
    X(sni_sym_known_nonneg)                                                                                            \
    X(sni_sym_defined_count)                                                                                           \
    X(sni_sym_print)                                                                                                   \
    X(sni_reference_node)                                                                                              \
    X(sni_ref_tensor_create)                                                                                           \
    X(sni_ref_tensor_load)                                                                                             \
    X(sni_ref_tensor_store)                                                                                            \
    X(sni_ref_tensor_release)

typedef struct sni_bridge_table {
    size_t size_bytes; /* of this struct in the library that filled it */
#define SNI_BRIDGE_FIELD(name) __typeof__(name) *name;
    SNI_BRIDGE_LIST(SNI_BRIDGE_FIELD)
#undef SNI_BRIDGE_FIELD
} sni_bridge_table;

/* The only internal name that libsinter exports. Constant; any thread. */
extern SINTER_API const sni_bridge_table sinter_private_bridge;

#endif
