/* Generates the builders of sinter/ops.h from the operator table.
 *
 *     sinter-gen-ops OPS.h BUILDERS.c
 *
 * Every row becomes one function: inputs in order, then attributes in order. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "op/op.h"

enum { NAME_BYTES = 32, MOST_INPUTS = 8 };

static const char HEADER_HEAD[] =
    "/* One builder per operator. Generated from the operator table: do not edit.\n"
    " *\n"
    " * Every builder returns the result as a value of graph, or an invalid value when an input is\n"
    " * invalid or does not fit; the graph keeps the first error (sinter_graph_status): SHAPE, DTYPE,\n"
    " * INVALID_ARGUMENT, OUT_OF_MEMORY, with the operator and the shapes. A shape given as an argument\n"
    " * is also how lists are given (axes, strides, ...): numbers, negative ones where they make sense,\n"
    " * or dimensions by name. An optional input is left out with SINTER_NO_VALUE. A graph belongs to\n"
    " * one thread at a time; nothing blocks. */\n"
    "#ifndef SINTER_OPS_H\n"
    "#define SINTER_OPS_H\n\n"
    "#include <sinter/graph.h>\n"
    "#include <sinter/status.h>\n"
    "#include <sinter/types.h>\n\n"
    "#ifdef __cplusplus\n"
    "extern \"C\" {\n"
    "#endif\n\n";

static const char HEADER_TAIL[] = "#ifdef __cplusplus\n"
                                  "}\n"
                                  "#endif\n"
                                  "#endif\n";

static const char SOURCE_HEAD[] = "/* Generated from the operator table: do not edit. */\n"
                                  "#include <sinter/graph.h>\n\n"
                                  "#include \"graph/graph.h\"\n\n";

/* Name of input number index: the row's own, or a letter (rows of elementwise.inc speak of a, b, c). */
static void input_name(const sni_op *op, int index, char name[NAME_BYTES]) {
    bool plain = op->max_inputs == 1 && op->kind != SNI_OP_ELEMENTWISE;
    const char *at = op->inputs ? op->inputs : plain ? "x" : "a b c d e f g h";
    for (int i = 0; i < index && at; i++) {
        at = strchr(at, ' ');
        if (at) at++;
    }
    int length = at ? (int)strcspn(at, " ") : 0;
    if (length == 0) {
        snprintf(name, NAME_BYTES, "input%d", index);
    } else {
        snprintf(name, NAME_BYTES, "%.*s", length, at);
    }
}

static const char *attr_type(sni_attr_kind kind) {
    return kind == SNI_ATTR_INT ? "int64_t" : kind == SNI_ATTR_FLOAT ? "double" : "sinter_shape";
}

static bool has_attr(const sni_op *op, int index) {
    return index < SNI_MAX_ATTRS && op->attrs[index].name != NULL;
}

static void print_parameter(FILE *out, const char *type, const char *name, int indent, int *column) {
    int length = (int)(strlen(type) + strlen(name)) + 3;
    if (*column + length > 98) {
        fprintf(out, ",\n%*s%s %s", indent, "", type, name);
        *column = indent + length - 2;
    } else {
        fprintf(out, ", %s %s", type, name);
        *column += length;
    }
}

/* prefix stands before the function ("SINTER_API " or nothing); long lines are broken. */
static void print_signature(FILE *out, const char *prefix, const sni_op *op) {
    char name[NAME_BYTES];
    int indent = fprintf(out, "%ssinter_value sinter_%s(", prefix, op->name);
    int column = indent + fprintf(out, "sinter_graph *graph");
    if (op->max_inputs < 0) {
        print_parameter(out, "const sinter_value", "*values", indent, &column);
        print_parameter(out, "size_t", "count", indent, &column);
    }
    for (int i = 0; i < op->max_inputs; i++) {
        input_name(op, i, name);
        print_parameter(out, "sinter_value", name, indent, &column);
    }
    for (int a = 0; has_attr(op, a); a++) {
        print_parameter(out, attr_type(op->attrs[a].kind), op->attrs[a].name, indent, &column);
    }
    fprintf(out, ")");
}

/* ---- comments ---- */

/* Words of text, wrapped at 96 columns; *column is where the line stands. */
static void print_wrapped(FILE *out, const char *text, int *column) {
    while (*text) {
        size_t length = strcspn(text, " ");
        if (*column + (int)length + 1 > 96) {
            fprintf(out, "\n *");
            *column = 2;
        }
        fprintf(out, " %.*s", (int)length, text);
        *column += (int)length + 1;
        text += length + strspn(text + length, " ");
    }
}

static void print_dtypes(FILE *out, const sni_op *op, int *column) {
    const char *classes = op->classes == SNI_CLASS_REAL     ? "real"
                          : op->classes == SNI_CLASS_INT    ? "integer"
                          : op->classes == SNI_CLASS_BOOL   ? "bool"
                          : op->classes == SNI_CLASS_NUMBER ? "real or integer"
                                                            : "of any dtype";
    char text[256];
    const char *result = op->result == SNI_RESULT_BOOL ? "a bool" : "of that dtype";
    if (op->max_inputs == 1) {
        snprintf(text, sizeof text, "The input is %s; the result is %s.", classes, result);
    } else {
        snprintf(text, sizeof text, "%s %s and have the same dtype; shapes broadcast; the result is %s.",
                 op->traits.selects ? "b and c are" : "All inputs are", classes, result);
    }
    print_wrapped(out, text, column);
}

static void print_presets(FILE *out, const sni_op *op, int *column) {
    char text[256] = "";
    for (int a = 0; has_attr(op, a); a++) {
        size_t used = strlen(text);
        /* A list has no usual content, and a dtype is no number to the reader. */
        if (op->attrs[a].kind == SNI_ATTR_EXPRS || strcmp(op->attrs[a].name, "dtype") == 0) continue;
        snprintf(text + used, sizeof text - used, "%s%s = %.12g", used ? ", " : "Usual: ", op->attrs[a].name,
                 op->attrs[a].preset);
    }
    if (text[0]) strncat(text, ".", sizeof text - strlen(text) - 1);
    print_wrapped(out, text, column);
}

static void print_optional(FILE *out, const sni_op *op, int *column) {
    char name[NAME_BYTES], text[256];
    for (int i = op->min_inputs; i < op->max_inputs; i++) {
        input_name(op, i, name);
        snprintf(text, sizeof text, "%s may be SINTER_NO_VALUE.", name);
        print_wrapped(out, text, column);
    }
}

/* "a kept in b..c", "alpha * a", "exp(x) over": names of code keep their case. */
static bool starts_formula(const char *text) {
    size_t length = strcspn(text, " (");
    return length == 1 || text[length] == '(' || (text[length] && strchr("*/+-", text[length + 1]));
}

static void print_comment(FILE *out, const sni_op *op) {
    char text[1024];
    int column = 2;
    fprintf(out, "/*");
    snprintf(text, sizeof text, "%s", op->doc ? op->doc : op->name);
    if (!starts_formula(text)) text[0] = (char)toupper((unsigned char)text[0]);
    size_t length = strlen(text);
    if (length + 1 < sizeof text && length > 0 && !strchr(".?!", text[length - 1])) {
        memcpy(text + length, ".", 2);
    }
    print_wrapped(out, text, &column);
    if (op->kind == SNI_OP_ELEMENTWISE) print_dtypes(out, op, &column);
    print_optional(out, op, &column);
    print_presets(out, op, &column);
    fprintf(out, " */\n");
}

/* ---- definitions ---- */

static void print_attrs(FILE *out, const sni_op *op) {
    fprintf(out, "    sni_attr attrs[SNI_MAX_ATTRS] = {{SNI_ATTR_NONE, 0, 0, 0, NULL}};\n");
    for (int a = 0; has_attr(op, a); a++) {
        const char *name = op->attrs[a].name;
        switch (op->attrs[a].kind) {
        case SNI_ATTR_INT:
            fprintf(out, "    attrs[%d] = sni_attr_int(%s);\n", a, name);
            break;
        case SNI_ATTR_FLOAT:
            fprintf(out, "    attrs[%d] = sni_attr_float(%s);\n", a, name);
            break;
        default:
            fprintf(out, "    attrs[%d] = sni_build_shape(graph, %s);\n", a, name);
            break;
        }
    }
}

static void print_definition(FILE *out, const sni_op *op) {
    char name[NAME_BYTES];
    bool variadic = op->max_inputs < 0;
    print_signature(out, "", op);
    fprintf(out, " {\n");
    if (!variadic && op->max_inputs > 0) {
        fprintf(out, "    const sinter_value ins[] = {");
        for (int i = 0; i < op->max_inputs; i++) {
            input_name(op, i, name);
            fprintf(out, "%s%s", i > 0 ? ", " : "", name);
        }
        fprintf(out, "};\n");
    }
    if (has_attr(op, 0)) print_attrs(out, op);
    const char *ins = variadic ? "values" : op->max_inputs > 0 ? "ins" : "NULL";
    fprintf(out, "    return sni_build_call(graph, \"%s\", ", op->name);
    if (variadic) {
        fprintf(out, "count");
    } else {
        fprintf(out, "%d", op->max_inputs);
    }
    fprintf(out, ", %s, %s);\n}\n\n", ins, has_attr(op, 0) ? "attrs" : "NULL");
}

/* ---- files ---- */

static bool close_file(FILE *file, const char *path) {
    bool ok = !ferror(file);
    ok = fclose(file) == 0 && ok;
    if (!ok) fprintf(stderr, "sinter-gen-ops: cannot write %s\n", path);
    return ok;
}

static bool write_header(const char *path) {
    FILE *out = fopen(path, "w");
    if (!out) {
        perror(path);
        return false;
    }
    fputs(HEADER_HEAD, out);
    for (size_t i = 0; i < sni_op_count(); i++) {
        const sni_op *op = sni_op_at(i);
        print_comment(out, op);
        print_signature(out, "SINTER_API ", op);
        fprintf(out, ";\n\n");
    }
    fputs(HEADER_TAIL, out);
    return close_file(out, path);
}

static bool write_source(const char *path) {
    FILE *out = fopen(path, "w");
    if (!out) {
        perror(path);
        return false;
    }
    fputs(SOURCE_HEAD, out);
    for (size_t i = 0; i < sni_op_count(); i++) print_definition(out, sni_op_at(i));
    return close_file(out, path);
}

/* What the builders rely on; a row that breaks it must not become a wrong builder. */
static bool check_rows(void) {
    for (size_t i = 0; i < sni_op_count(); i++) {
        const sni_op *op = sni_op_at(i);
        if (op->outputs == 1 && op->max_inputs <= MOST_INPUTS && sni_op_find(op->name) == op) continue;
        fprintf(stderr, "sinter-gen-ops: row %s: outputs, inputs or name do not suit a builder\n", op->name);
        return false;
    }
    return true;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: sinter-gen-ops OPS.h BUILDERS.c\n");
        return 2;
    }
    return check_rows() && write_header(argv[1]) && write_source(argv[2]) ? 0 : 1;
}
