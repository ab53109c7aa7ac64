/* `sinter ops`: the operator table. */
#include <stdio.h>

#include "command.h"
#include "op/op.h"
#include "options.h"

static const char *kind_name(sni_op_kind kind) {
    switch (kind) {
    case SNI_OP_ELEMENTWISE:
        return "elementwise";
    case SNI_OP_CAST:
        return "cast";
    case SNI_OP_REDUCE:
        return "reduce";
    case SNI_OP_VIEW:
        return "view";
    case SNI_OP_IOTA:
        return "iota";
    case SNI_OP_CONTRACT:
        return "contract";
    case SNI_OP_SCAN:
        return "scan";
    case SNI_OP_STORE:
        return "store";
    case SNI_OP_COMPOSITE:
        return "composite";
    }
    return "?";
}

static const char *class_name(sni_dtype_class classes) {
    switch ((int)classes) {
    case SNI_CLASS_REAL:
        return "real";
    case SNI_CLASS_INT:
        return "int";
    case SNI_CLASS_BOOL:
        return "bool";
    case SNI_CLASS_NUMBER:
        return "number";
    case SNI_CLASS_ANY:
        return "any";
    default:
        return "mixed";
    }
}

static void print_inputs(const sni_op *op, char *out, size_t capacity) {
    if (op->max_inputs < 0)
        snprintf(out, capacity, "%d..", op->min_inputs);
    else if (op->max_inputs == op->min_inputs)
        snprintf(out, capacity, "%d", op->min_inputs);
    else
        snprintf(out, capacity, "%d..%d", op->min_inputs, op->max_inputs);
}

/* name=preset for numbers, name[] for lists. */
static void print_attrs(const sni_op *op) {
    for (int i = 0; i < SNI_MAX_ATTRS && op->attrs[i].name; ++i) {
        const sni_attr_spec *attr = &op->attrs[i];
        printf("%s%s", i ? ", " : " (", attr->name);
        if (attr->kind == SNI_ATTR_EXPRS)
            printf("[]");
        else
            printf("=%g", attr->preset);
    }
    if (op->attrs[0].name) putchar(')');
}

typedef struct kernel_function {
    const char *name;
    int parameters;
    const char *classes, *meaning;
} kernel_function;

static const kernel_function kernel_functions[] = {
#define FUNCTION(name, parameters, classes, meaning) {#name, parameters, classes, meaning},
#include "../cl/common/functions.inc"
#undef FUNCTION
};

/* What a hand-written kernel has of common/math.cl. */
static int print_kernel_functions(void) {
    puts("#include \"common/math.cl\" gives kernels sn_FUNCTION_TYPE; TYPE is one of those named, or it with 2, 4, 8 "
         "or 16:\n");
    for (size_t i = 0; i < sizeof kernel_functions / sizeof *kernel_functions; ++i) {
        const kernel_function *f = &kernel_functions[i];
        char call[48];
        snprintf(call, sizeof call, "sn_%s_TYPE(%s)", f->name, f->parameters == 1 ? "x" : "x, y");
        const char *types = f->classes[0] == 'f'   ? "float"
                            : f->classes[0] == 'i' ? "int long"
                            : f->classes[1]        ? "float double int long"
                                                   : "float double";
        printf("%-24s %-22s %s\n", call, types, f->meaning);
    }
    puts("\nDTYPE is f32, f16, bf16, f64, i8, u8, i16, u16, i32, u32, i64 or bool, p points to global memory of it; "
         "reals come as\n"
         "float (f64: double), integers as int (u32, i64: long), and are rounded to nearest even or wrapped when "
         "stored:\n\n"
         "sn_load_DTYPE(p, i)  sn_store_DTYPE(v, p, i)           one element\n"
         "sn_loadv_DTYPE(N, p, i)  sn_storev_DTYPE(N, v, p, i)   N elements from element i on; N is 2, 4, 8 or 16\n"
         "sn_aloadv_DTYPE, sn_astorev_DTYPE                      the same, p + i aligned to the vector");
    return TOOL_DONE;
}

int tool_ops(int argc, char **argv) {
    bool kernels = false;
    const tool_option options[] = {{"--kernel-functions", TOOL_OPTION_FLAG, &kernels}, {NULL, TOOL_OPTION_FLAG, NULL}};
    int code = tool_options_parse(argc, argv, options, NULL);
    if (code != TOOL_DONE) return code;
    if (kernels) return print_kernel_functions();
    printf("%-20s %-11s %-6s %-6s %s\n", "operator", "kind", "inputs", "dtypes", "meaning (attributes)");
    for (size_t i = 0; i < sni_op_count(); ++i) {
        const sni_op *op = sni_op_at(i);
        char inputs[32];
        print_inputs(op, inputs, sizeof inputs);
        printf("%-20s %-11s %-6s %-6s %s", op->name, kind_name(op->kind), inputs, class_name(op->classes),
               op->doc ? op->doc : "");
        print_attrs(op);
        putchar('\n');
    }
    printf("%zu operators\n", sni_op_count());
    return TOOL_DONE;
}
