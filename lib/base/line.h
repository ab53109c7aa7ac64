/* Lines of the files that tuning keeps: each is one flat JSON object of texts and whole numbers that ends with a checksum.
 *
 * libsinter does not link a JSON library: what it reads here are lines that it wrote itself, and reading them with its own
 * allocations keeps every failure of memory under test. Any JSON reader takes the files. */
#ifndef SNI_BASE_LINE_H
#define SNI_BASE_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* Members are appended with a comma before all but the first; a text may hold no control characters. */
void sni_line_begin(sni_str *line);
void sni_line_text(sni_str *line, const char *name, const char *value);
void sni_line_number(sni_str *line, const char *name, int64_t value);
void sni_line_end(sni_str *line); /* the checksum and a newline */

/* Is this (without its newline) a whole line with a right checksum? */
bool sni_line_is_whole(const char *line, size_t length);
/* A member of a whole line: false when there is none of that name and kind, or its text does not fit in room. */
bool sni_line_get_text(const char *line, size_t length, const char *name, char *out, size_t room);
bool sni_line_get_number(const char *line, size_t length, const char *name, int64_t *out);

/* Appends a line to a file, which is made when it is not there. One write, so that processes that append at once do not
 * mix their lines; a line that another process left unfinished is ended first. IO. */
sinter_status sni_line_append(const char *path, const sni_str *line);
/* Calls visit for every whole line; *out_damaged counts the others (empty ones are none). A file that is not there has no
 * lines. OUT_OF_MEMORY, or what visit returns when that is not OK; a file that cannot be read is one damaged line. */
sinter_status sni_line_each(const char *path, sinter_status (*visit)(void *context, const char *line, size_t length),
                            void *context, size_t *out_damaged);

#endif
