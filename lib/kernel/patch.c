/* Rewriting a program's PTX. The text is the driver's, so every place that is changed is looked for, and a text in which one
 * is missing is refused. */
#include "kernel/patch.h"

#include <string.h>

#include "base/str.h"

/* A slot of four maps of 128 bytes for each multiprocessor (cl/gemm/wgmma_ring.cl). */
#define MAPS ".global .align 128 .b8 sn_maps[131072];\n"

static const char TARGET[] = ".target sm_90", SIZE[] = ".address_size 64", MARK[] = "//@";

bool sni_patch_wanted(const char *source) {
    return strstr(source, SNI_PATCH_MARK) != NULL;
}

static bool starts(const char *at, const char *end, const char *with) {
    size_t length = strlen(with);
    return (size_t)(end - at) >= length && memcmp(at, with, length) == 0;
}

typedef struct counts {
    int targets, sizes, marks;
} counts;

/* Appends a line without its newline. */
static void patch_line(sni_str *out, const char *at, const char *end, counts *found) {
    if (starts(at, end, TARGET)) {
        const char *after = at + sizeof TARGET - 1;
        bool plain = after == end || *after == ',' || *after == ' ' || *after == '\r';
        sni_str_append(out, TARGET);
        if (plain) sni_str_append(out, "a");
        found->targets += plain;
        at = after;
    }
    while (at < end) {
        if (starts(at, end, MARK)) {
            at += sizeof MARK - 1;
            ++found->marks;
        } else {
            sni_str_append_n(out, at++, 1);
        }
    }
}

sinter_status sni_patch_ptx(const unsigned char *binary, size_t size_bytes, char **out_text, size_t *out_length) {
    const char *text = (const char *)binary, *end = text + size_bytes;
    const char *nul = memchr(text, 0, size_bytes);
    counts found = {0, 0, 0};
    sni_str out = SNI_STR_INIT;
    *out_text = NULL;
    if (nul != NULL) end = nul;
    for (const char *at = text; at < end;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline != NULL ? newline : end;
        patch_line(&out, at, stop, &found);
        sni_str_append(&out, "\n");
        if (starts(at, stop, SIZE)) {
            sni_str_append(&out, MAPS);
            ++found.sizes;
        }
        at = newline != NULL ? newline + 1 : end;
    }
    *out_length = out.length;
    bool failed = out.failed, right = found.targets == 1 && found.sizes == 1 && found.marks > 0;
    if (right && !failed) *out_text = sni_str_take(&out);
    sni_str_deinit(&out);
    if (!right)
        return sni_fail(
            SINTER_UNSUPPORTED,
            "the driver's binary is no PTX for sm_90 that could be patched (%d targets, %d address sizes, %d "
            "marked instructions)",
            found.targets, found.sizes, found.marks);
    return *out_text != NULL ? SINTER_OK : sni_out_of_memory("a kernel's PTX");
}
