/* How far a command is, as one line on standard error while it takes longer than a second.
 *
 *     tool_progress_begin("compiling");
 *     for (...) { tool_progress_step(done, total, "softmax"); ... }
 *     tool_progress_end();
 *
 * The line is only drawn where standard error is a terminal that can clear it (TERM is set and not "dumb"); elsewhere, and
 * in a child that a command forks, these functions do nothing. A thread draws, so that the time goes on within a step. The
 * calls belong to the command's thread, except tool_progress_hide, which any thread may call. */
#ifndef TOOLS_PROGRESS_H
#define TOOLS_PROGRESS_H

#include <stddef.h>

/* A part of the work begins; what is copied. One that was going on is over. */
void tool_progress_begin(const char *what);
/* done of total are over, item is next; total 0: unknown. item may be NULL. Draws again after tool_progress_hide. */
void tool_progress_step(size_t done, size_t total, const char *item);
/* Clears the line until the next step or part: something is going to be printed. */
void tool_progress_hide(void);
/* Clears the line; main does it after every command. */
void tool_progress_end(void);

/* A sinter_plan_options.progress function: steps of the part that is going on. */
int tool_progress_of_plan(void *context, size_t done, size_t total);

#endif
