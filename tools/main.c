/* `sinter`: finds the command in the table and runs it. */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sinter/runtime.h>

#include "command.h"
#include "progress.h"

typedef struct command {
    const char *name, *usage, *summary, *help;
    int (*run)(int argc, char **argv);
} command;

static const command commands[] = {
#define COMMAND(name, usage, summary, help) {#name, usage, summary, help, tool_##name},
#include "commands.inc"
#undef COMMAND
};
enum { COMMAND_COUNT = (int)(sizeof commands / sizeof commands[0]) };

/* The command that is running, for messages. */
static const command *current;

static const command *find_command(const char *name) {
    for (int i = 0; i < COMMAND_COUNT; ++i)
        if (!strcmp(commands[i].name, name)) return &commands[i];
    return NULL;
}

static void print_help(FILE *out) {
    fputs("usage: sinter COMMAND [ARGUMENT]...\n\n", out);
    for (int i = 0; i < COMMAND_COUNT; ++i) fprintf(out, "  %-12s %s\n", commands[i].name, commands[i].summary);
    fputs("\n"
          "`sinter help COMMAND` says more. SEL selects a device: an index of `sinter devices`, "
          "cpu,\n"
          "gpu, a vendor, part of a name, or platform:device; without it SINTER_DEVICE counts, and\n"
          "without that the best device is taken. Other settings: SINTER_CACHE_DIR,\n"
          "SINTER_CACHE_MAX_BYTES, SINTER_LOG, SINTER_DISABLE_FUSION, SINTER_PRECISION, SINTER_DUMP.\n"
          "Exit codes: 0 done, 1 failed, 2 wrong usage.\n",
          out);
}

static void print_command_help(FILE *out, const command *about) {
    fprintf(out, "usage: sinter %s%s%s\n\n%s\n", about->name, about->usage[0] ? " " : "", about->usage, about->summary);
    if (about->help[0]) fprintf(out, "\n%s", about->help);
}

int tool_fail(sinter_status status, const char *what) {
    const char *text = sinter_last_error();
    if (!text[0]) text = sinter_status_string(status);
    tool_progress_hide();
    fflush(stdout);
    fprintf(stderr, "sinter: %s%s%s\n", what ? what : "", what ? ": " : "", text);
    return TOOL_FAILED;
}

int tool_usage(const char *format, ...) {
    va_list args;
    va_start(args, format);
    tool_progress_hide();
    fflush(stdout);
    fputs("sinter: ", stderr);
    vfprintf(stderr, format, args);
    va_end(args);
    if (current)
        fprintf(stderr, "\nusage: sinter %s%s%s\n", current->name, current->usage[0] ? " " : "", current->usage);
    else
        fputs("\nsee `sinter --help`\n", stderr);
    return TOOL_USAGE;
}

int tool_flush(int code) {
    bool failed = fflush(stdout) != 0;
    if (!failed && !ferror(stdout)) return code;
    fprintf(stderr, "sinter: standard output: %s\n", strerror(errno));
    return code == TOOL_DONE ? TOOL_FAILED : code;
}

static bool wants_help(int argc, char **argv) {
    for (int i = 1; i < argc; ++i) {
        if (!strcmp(argv[i], "--")) return false;
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) return true;
    }
    return false;
}

static int help(int argc, char **argv) {
    if (argc > 2) return tool_usage("help takes one command");
    if (argc < 2) {
        print_help(stdout);
        return TOOL_DONE;
    }
    const command *about = find_command(argv[1]);
    if (!about) return tool_usage("unknown command '%s'", argv[1]);
    print_command_help(stdout, about);
    return TOOL_DONE;
}

static int run(int argc, char **argv) {
    if (argc < 2) {
        print_help(stderr);
        return TOOL_USAGE;
    }
    const char *name = argv[1];
    if (!strcmp(name, "--help") || !strcmp(name, "-h")) return help(1, argv);
    if (!strcmp(name, "help")) return help(argc - 1, argv + 1);
    if (!strcmp(name, "--version")) {
        puts("sinter " SINTER_VERSION_STRING);
        return TOOL_DONE;
    }
    const command *chosen = find_command(name);
    if (!chosen) return tool_usage("unknown command '%s'", name);
    if (wants_help(argc - 1, argv + 1)) {
        print_command_help(stdout, chosen);
        return TOOL_DONE;
    }
    current = chosen;
    return chosen->run(argc - 1, argv + 1);
}

/* What a user of the program should know without asking for a log. */
static void print_warning(void *context, int level, const char *line) {
    (void)context;
    if (level > 1) return;
    tool_progress_hide();
    fprintf(stderr, "sinter: %s: %s\n", level == 0 ? "error" : "warning", line);
}

int main(int argc, char **argv) {
    if (!getenv("SINTER_LOG")) sinter_log_set(print_warning, NULL);
    int code = run(argc, argv);
    tool_progress_end();
    return tool_flush(code);
}
