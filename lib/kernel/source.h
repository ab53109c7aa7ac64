/* Source assembly: from text with #include to text that a driver compiles alone. */
#ifndef SNI_KERNEL_SOURCE_H
#define SNI_KERNEL_SOURCE_H

#include "base/status.h"
#include "kernel/embedded.h"

/* Resolves every #include of text from files (a table ended by a NULL name). The result carries
 * #line directives, so that a driver's messages name file and line as they were written; of file
 * (NULL: "kernel") only the last part of the path is used, because the result is hashed and a cache
 * must not depend on where a source tree lies. A file is inserted each time it is included, unless
 * it holds #pragma once. INVALID_ARGUMENT names an unknown file, or the chain of a cycle. sni_free.
 */
sinter_status sni_source_assemble(const sni_embedded_file *files, const char *text, const char *file, char **out_text);

#endif
