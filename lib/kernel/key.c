/* The only place that builds the key of a kernel. */
#include "kernel/key.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"

/* Each field stands with its length, so that no two different keys have one text. */
static void append_field(sni_str *text, const char *name, const char *value) {
    sni_str_printf(text, "%s %zu:%s\n", name, strlen(value), value);
}

sinter_status sni_kernel_key_make(const sni_caps *caps, const char *assembled, const char *entry, const char *options,
                                  sni_kernel_key *out_key) {
    *out_key = (sni_kernel_key){.text = NULL};
    sni_str text = SNI_STR_INIT;
    sni_str_printf(&text, "sinter kernel, format %d\n", SNI_KERNEL_FORMAT);
    /* The identity covers the platform's and the driver's versions in full; the names are for
     * people. */
    append_field(&text, "identity", caps->identity);
    append_field(&text, "platform", caps->platform);
    append_field(&text, "device", caps->name);
    append_field(&text, "version", caps->device_version);
    append_field(&text, "driver", caps->driver);
    /* The environment decides which form of a kernel PoCL runs (kernel/pocl.c). */
    if (getenv("POCL_WORK_GROUP_SPECIALIZATION"))
        append_field(&text, "specialisation", getenv("POCL_WORK_GROUP_SPECIALIZATION"));
    append_field(&text, "entry", entry);
    append_field(&text, "options", options);
    size_t source_length = strlen(assembled);
    sni_str_printf(&text, "source %zu:", source_length);
    sni_str_append_n(&text, assembled, source_length);
    size_t length = text.length;
    char *taken = sni_str_take(&text);
    sni_str_deinit(&text);
    if (!taken) return sni_out_of_memory("a kernel's key");
    *out_key = (sni_kernel_key){.hash = sni_hash128_of(taken, length),
                                .text = taken,
                                .length = length,
                                .source_offset = length - source_length};
    return SINTER_OK;
}

void sni_kernel_key_deinit(sni_kernel_key *key) {
    sni_free(key->text);
    key->text = NULL;
}

bool sni_kernel_key_equal(const sni_kernel_key *a, const sni_kernel_key *b) {
    return a->length == b->length && !memcmp(a->text, b->text, a->length);
}
