/* The source says itself how large its types are on this device: with a kernel behind it that stores their sizeof. */
#include "runtime/struct_sizes.h"

#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "memory/buffer.h"

#define ENTRY "sinter_sizes_of_arguments"
enum { MOST_ARGS = 64 }; /* that are structs, of one kernel */

static bool is_asked(const sni_launch *launch, int index) {
    return sni_launch_arg_is_of_unknown_size(launch, index) && sni_launch_arg_type(launch, index)[0] != 0;
}

/* Runs the kernel, which has one argument, and reads what it stored. */
static sinter_status run(sinter_runtime *runtime, sni_program *program, uint64_t *out, size_t size_bytes) {
    sni_mem *mem = NULL;
    sni_launch *launch = NULL;
    size_t one = 1;
    sinter_status status = sni_mem_acquire(runtime->pool, size_bytes, &mem);
    if (status == SINTER_OK) status = sni_launch_create(program, &launch);
    if (status == SINTER_OK) status = sni_launch_set_mem(launch, 0, mem);
    if (status == SINTER_OK) status = sni_launch_enqueue(launch, 1, &one, &one, false, NULL);
    if (status == SINTER_OK) status = sni_mem_read(mem, 0, out, size_bytes, true);
    sni_launch_release(launch);
    sni_mem_release(mem);
    return status;
}

static sinter_status ask(sinter_runtime *runtime, const sni_program_source *source, const char *text, uint64_t *out,
                         size_t count) {
    sni_program_source with = *source;
    sni_program *program = NULL;
    with.text = text;
    with.entry = ENTRY;
    with.tell_warnings = false; /* they were told when the caller's kernel was built */
    sinter_status status = sni_program_build(runtime->cache, &with, &program);
    if (status == SINTER_OK) status = run(runtime, program, out, count * sizeof *out);
    sni_program_release(program);
    return status;
}

void sni_struct_sizes(sinter_runtime *runtime, const sni_program_source *source, const sni_launch *launch,
                      unsigned *sizes) {
    int args = sni_launch_arg_count(launch), asked[MOST_ARGS], count = 0;
    uint64_t found[MOST_ARGS] = {0};
    sni_str text = SNI_STR_INIT;
    memset(sizes, 0, (size_t)args * sizeof *sizes);
    sni_str_printf(&text, "%s\n__kernel void " ENTRY "(__global ulong *sinter_sizes) {\n", source->text);
    for (int i = 0; i < args && count < MOST_ARGS; ++i) {
        if (!is_asked(launch, i)) continue;
        sni_str_printf(&text, "    sinter_sizes[%d] = sizeof(%s);\n", count, sni_launch_arg_type(launch, i));
        asked[count++] = i;
    }
    sni_str_append(&text, "}\n");
    /* A driver may print a type's name as the source cannot write it. The size is then the driver's to check. */
    if (count > 0 && !text.failed && ask(runtime, source, sni_str_text(&text), found, (size_t)count) == SINTER_OK)
        for (int k = 0; k < count; ++k) sizes[asked[k]] = (unsigned)found[k];
    else if (count > 0)
        sni_log(SNI_LOG_DEBUG, "kernel '%s': the sizes of its structs are not known: %s", source->entry,
                sinter_last_error());
    sni_str_deinit(&text);
}
