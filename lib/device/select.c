/* Choosing a device: an index, cpu, gpu, accelerator, a vendor, part of a name, or
 * platform:device, where each part is an index or part of a name. */
#include "device/select.h"

#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "device/query.h"

static int lower(int c) {
    return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

static bool starts_with(const char *text, const char *prefix) {
    for (; *prefix; ++text, ++prefix)
        if (lower(*text) != lower(*prefix)) return false;
    return true;
}

bool sni_device_text_has(const char *text, const char *needle) {
    do {
        if (starts_with(text, needle)) return true;
    } while (*text++);
    return false;
}

static bool same_text(const char *a, const char *b) {
    return strlen(a) == strlen(b) && starts_with(a, b);
}

/* Short names by which people call what calls itself otherwise. */
static const struct alias {
    const char *name, *text;
} aliases[] = {
    {"amd", "advanced micro devices"},
    {"pocl", "portable computing language"},
};

/* Is name part of text, or the alias of a part of it? */
static bool matches_text(const char *text, const char *name) {
    if (sni_device_text_has(text, name)) return true;
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; ++i)
        if (same_text(name, aliases[i].name) && sni_device_text_has(text, aliases[i].text)) return true;
    return false;
}

/* cpu, gpu, accelerator: the type that a word stands for; 0 for any other word. */
static cl_device_type type_of_word(const char *word) {
    if (same_text(word, "cpu")) return CL_DEVICE_TYPE_CPU;
    if (same_text(word, "gpu")) return CL_DEVICE_TYPE_GPU;
    return same_text(word, "accelerator") ? CL_DEVICE_TYPE_ACCELERATOR : 0;
}

/* Is the whole text a number, without sign? */
static bool is_index(const char *text, size_t *out_index) {
    size_t index = 0;
    if (!*text) return false;
    for (; *text; ++text) {
        if (*text < '0' || *text > '9') return false;
        if (index > SIZE_MAX / 10 - 1) return false;
        index = index * 10 + (size_t)(*text - '0');
    }
    *out_index = index;
    return true;
}

static bool select_by_type(const char *word, const sni_device_entry *list, size_t count, size_t *out_index) {
    cl_device_type type = type_of_word(word);
    for (size_t i = 0; type && i < count; ++i) {
        if (!(sni_device_type(list[i].id) & type)) continue;
        *out_index = i;
        return true;
    }
    return false;
}

static bool select_by_name(const char *name, const sni_device_entry *list, size_t count, size_t *out_index) {
    for (size_t i = 0; i < count; ++i) {
        const sni_caps *caps = &list[i].caps;
        if (!matches_text(caps->vendor, name) && !matches_text(caps->name, name) && !matches_text(caps->platform, name))
            continue;
        *out_index = i;
        return true;
    }
    return false;
}

/* Does the device part of platform:device fit the entry, which is the nth of its platform? */
static bool device_part_fits(const char *part, const sni_device_entry *entry, size_t nth) {
    size_t index = 0;
    if (!*part) return true;
    if (is_index(part, &index)) return index == nth;
    cl_device_type type = type_of_word(part);
    if (type) return (sni_device_type(entry->id) & type) != 0;
    return matches_text(entry->caps.name, part) || matches_text(entry->caps.vendor, part);
}

/* Which device of its platform, in the list's order. */
static size_t nth_of_platform(const sni_device_entry *list, size_t at) {
    size_t nth = 0;
    for (size_t i = 0; i < at; ++i) nth += list[i].platform == list[at].platform;
    return nth;
}

static bool select_by_pair(const char *selection, const sni_device_entry *list, size_t count,
                           const cl_platform_id *platforms, size_t platform_count, size_t *out_index) {
    const char *colon = strchr(selection, ':');
    char platform[128];
    if (!colon || (size_t)(colon - selection) >= sizeof platform) return false;
    memcpy(platform, selection, (size_t)(colon - selection));
    platform[colon - selection] = 0;
    size_t wanted = 0;
    bool by_index = is_index(platform, &wanted);
    for (size_t i = 0; i < count; ++i) {
        bool fits = by_index ? wanted < platform_count && platforms[wanted] == list[i].platform
                             : matches_text(list[i].caps.platform, platform);
        if (!fits || !device_part_fits(colon + 1, &list[i], nth_of_platform(list, i))) continue;
        *out_index = i;
        return true;
    }
    return false;
}

static sinter_status fail_unmatched(const char *selection, const sni_device_entry *list, size_t count) {
    sni_str text = SNI_STR_INIT;
    for (size_t i = 0; i < count; ++i)
        sni_str_printf(&text, "\n  %zu: %s (%s)", i, list[i].caps.name, list[i].caps.platform);
    sinter_status status =
        sni_fail(SINTER_NO_DEVICE, "no OpenCL device matches '%s'; there are:%s", selection, sni_str_text(&text));
    sni_str_deinit(&text);
    return status;
}

sinter_status sni_device_fail_without(size_t platform_count, const char *failures) {
    if (failures && *failures)
        return sni_fail(SINTER_NO_DEVICE,
                        "drivers are installed and none offers a usable device:%s\n  see whether the device is there, "
                        "not taken by another process, and this user may open it; `clinfo` asks the same",
                        failures);
    return sni_fail(SINTER_NO_DEVICE,
                    "%s; install a driver: the package pocl-opencl-icd runs on the CPU, a GPU needs its "
                    "vendor's OpenCL driver (NVIDIA: nvidia-opencl-icd, Intel: intel-opencl-icd, AMD: "
                    "rocm-opencl-icd, or mesa-opencl-icd with RUSTICL_ENABLE set)",
                    platform_count ? "the OpenCL platforms of this machine have no usable device"
                                   : "this machine has no OpenCL platform");
}

sinter_status sni_device_select(const char *selection, const sni_device_entry *list, size_t count,
                                const cl_platform_id *platforms, size_t platform_count, size_t *out_index) {
    *out_index = 0;
    if (count == 0) return sni_device_fail_without(platform_count, NULL);
    if (!selection || !*selection) selection = sni_env("SINTER_DEVICE");
    if (!selection) return SINTER_OK;
    size_t index = 0;
    if (is_index(selection, &index)) {
        if (index >= count) return fail_unmatched(selection, list, count);
        *out_index = index;
        return SINTER_OK;
    }
    if (type_of_word(selection))
        return select_by_type(selection, list, count, out_index) ? SINTER_OK : fail_unmatched(selection, list, count);
    if (select_by_pair(selection, list, count, platforms, platform_count, out_index) ||
        select_by_name(selection, list, count, out_index))
        return SINTER_OK;
    return fail_unmatched(selection, list, count);
}
