/* The commands of `sinter`.
 *
 * A new command is one file and one row: tools/<name>.c defines
 *
 *     int tool_<name>(int argc, char **argv);
 *
 * where argv[0] is the command's name and the rest are its arguments, and tools/commands.inc gets a
 * row COMMAND(name, usage, summary, help). Nothing else changes: --help, `sinter help NAME`
 * and `sinter NAME --help` are printed from the row, and the row declares the function. The return
 * value is the exit code. Options are read with tools/options.h. */
#ifndef TOOLS_COMMAND_H
#define TOOLS_COMMAND_H

#include <stdio.h>

#include <sinter/status.h>

enum { TOOL_DONE = 0, TOOL_FAILED = 1, TOOL_USAGE = 2 };

#define COMMAND(name, usage, summary, help) int tool_##name(int argc, char **argv);
#include "commands.inc"
#undef COMMAND

/* Prints "sinter: <what>: <sinter_last_error>" to standard error ("sinter: <last error>" when what
 * is NULL, and the status's own text when there is no last error); returns TOOL_FAILED. */
int tool_fail(sinter_status status, const char *what);
/* Prints "sinter: <formatted>" and where to find help to standard error; returns TOOL_USAGE. */
int tool_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Flushes standard output: TOOL_FAILED with a message when something could not be written (a full
 * disk, a closed pipe), else code. main does this for every command. */
int tool_flush(int code);

#endif
