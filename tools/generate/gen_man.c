/* Writes sinter(1) from the program's table of commands: sinter-gen-man FILE. */
#include <stdio.h>
#include <string.h>

typedef struct command {
    const char *name, *usage, *summary, *help;
} command;

static const command commands[] = {
#define COMMAND(name, usage, summary, help) {#name, usage, summary, help},
#include "commands.inc"
#undef COMMAND
};

/* Text as troff prints it: a line that begins with a dot or quote is no request, a backslash and a minus are themselves. */
static void print_text(FILE *out, const char *text) {
    int start = 1;
    for (; *text; ++text) {
        if (start && (*text == '.' || *text == '\'')) fputs("\\&", out);
        if (*text == '\\')
            fputs("\\e", out);
        else if (*text == '-')
            fputs("\\-", out);
        else
            fputc(*text, out);
        start = *text == '\n';
    }
    if (!start) fputc('\n', out);
}

static void print_command(FILE *out, const command *c) {
    fprintf(out, ".SS sinter %s\n", c->name);
    print_text(out, c->summary);
    fputs(".PP\n.nf\n", out);
    fprintf(out, "sinter %s ", c->name);
    print_text(out, c->usage);
    if (!c->usage[0]) fputc('\n', out);
    if (c->help[0]) {
        fputc('\n', out);
        print_text(out, c->help);
    }
    fputs(".fi\n", out);
}

static void print_page(FILE *out) {
    fputs(".TH SINTER 1 \"\" \"Sinter\" \"User Commands\"\n.SH NAME\nsinter \\- run fused operator graphs on OpenCL "
          "devices\n"
          ".SH SYNOPSIS\n.B sinter\nCOMMAND [ARGUMENT]...\n.SH DESCRIPTION\n"
          "Runs, explains, measures and tunes ONNX models on an OpenCL device. SEL selects one: an index of\n"
          ".BR \"sinter devices\" ,\ncpu, gpu, a vendor, part of a name, or platform:device.\n.SH COMMANDS\n",
          out);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; ++i) print_command(out, &commands[i]);
    fputs(".SH ENVIRONMENT\n"
          ".TP\nSINTER_DEVICE\nThe device, where no option names one.\n"
          ".TP\nSINTER_CACHE_DIR, SINTER_CACHE_MAX_BYTES\nThe directory of the kernel cache, and its limit in bytes.\n"
          ".TP\nSINTER_LOG\nerror, warning, info or debug: lines up to that level go to standard error.\n"
          ".TP\nSINTER_PRECISION\nexact, default or fast: how exact sums of products of f32 are.\n"
          ".TP\nSINTER_DISABLE_FUSION\n1: one kernel for each operator.\n"
          ".TP\nSINTER_DUMP\nA directory into which every compile writes what its stages made.\n"
          ".SH EXIT STATUS\n0 done, 1 failed, 2 wrong usage.\n.SH SEE ALSO\n.BR sinter (3)\n",
          out);
}

int main(int argc, char **argv) {
    FILE *out = argc == 2 ? fopen(argv[1], "w") : NULL;
    if (!out) return fputs("usage: sinter-gen-man FILE, which must be writable\n", stderr), 1;
    print_page(out);
    int failed = ferror(out);
    return fclose(out) || failed;
}
