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

int tool_ops(int argc, char **argv) {
    int code = tool_options_parse(argc, argv, NULL, NULL);
    if (code != TOOL_DONE) return code;
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
