/* All devices of all platforms, in the order that an index selects. */
#include "device/query.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/forked.h"
#include "base/log.h"

#include <sinter/runtime.h>

enum { MOST_PLATFORMS = 256, MOST_DEVICES = 1024 };

/* CL_PLATFORM_NOT_FOUND_KHR: what the loader says when no driver is installed. */
enum { NO_PLATFORM = -1001 };

sinter_status sni_platform_list(cl_platform_id **out_platforms, size_t *out_count) {
    *out_platforms = NULL;
    *out_count = 0;
    cl_uint count = 0;
    cl_int error = clGetPlatformIDs(0, NULL, &count);
    if (error == NO_PLATFORM || (error == CL_SUCCESS && count == 0)) return SINTER_OK;
    if (error != CL_SUCCESS) return sni_cl_fail(error, "clGetPlatformIDs");
    if (count > MOST_PLATFORMS) count = MOST_PLATFORMS;
    cl_platform_id *platforms = sni_calloc(count, sizeof(cl_platform_id));
    if (!platforms) return sni_out_of_memory("the list of platforms");
    error = clGetPlatformIDs(count, platforms, NULL);
    if (error != CL_SUCCESS) {
        sni_free(platforms);
        return sni_cl_fail(error, "clGetPlatformIDs");
    }
    *out_platforms = platforms;
    *out_count = count;
    return SINTER_OK;
}

/* A growing list, with what the order is made of. */
typedef struct ranked {
    sni_device_entry entry;
    int rank;
    size_t position;
} ranked;

typedef struct ranked_list {
    ranked *items;
    size_t count, capacity;
} ranked_list;

static int rank_of(const sni_device_entry *entry) {
    cl_device_type type = sni_device_type(entry->id);
    int rank = 0;
    if (!(type & CL_DEVICE_TYPE_GPU)) rank = type & CL_DEVICE_TYPE_CPU ? 4 : 2;
    /* Clover is unmaintained and miscompiles: another driver of the same device goes first. */
    return rank + sni_device_text_has(entry->caps.platform, "clover");
}

static sinter_status append_devices(ranked_list *list, cl_platform_id platform) {
    cl_uint count = 0;
    cl_int error = clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, NULL, &count);
    /* A platform that fails is as good as one without devices; the others still work. */
    if (error != CL_SUCCESS || count == 0) return SINTER_OK;
    if (count > MOST_DEVICES) count = MOST_DEVICES;
    cl_device_id *ids = sni_calloc(count, sizeof(cl_device_id));
    if (!ids || !SNI_RESERVE(list->items, list->capacity, list->count + count)) {
        sni_free(ids);
        return sni_out_of_memory("the list of devices");
    }
    error = clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, count, ids, NULL);
    for (cl_uint i = 0; error == CL_SUCCESS && i < count; ++i) {
        ranked *item = &list->items[list->count];
        *item = (ranked){.entry = {.platform = platform, .id = ids[i]}};
        sni_caps_query(platform, ids[i], &item->entry.caps);
        if (!sni_device_usable(ids[i])) {
            sni_log(SNI_LOG_INFO, "device '%s' is left out: not available, without a compiler, or big-endian",
                    item->entry.caps.name);
            continue;
        }
        item->rank = rank_of(&item->entry);
        item->position = list->count++;
    }
    sni_free(ids);
    return SINTER_OK;
}

static int compare_ranked(const void *a, const void *b) {
    const ranked *left = a, *right = b;
    if (left->rank != right->rank) return left->rank < right->rank ? -1 : 1;
    return left->position < right->position ? -1 : left->position > right->position;
}

/* Hands the sorted entries over. */
static sinter_status finish_list(ranked_list *list, sni_device_entry **out_list, size_t *out_count) {
    if (list->count == 0) return SINTER_OK;
    qsort(list->items, list->count, sizeof *list->items, compare_ranked);
    sni_device_entry *entries = sni_calloc(list->count, sizeof *entries);
    if (!entries) return sni_out_of_memory("the list of devices");
    for (size_t i = 0; i < list->count; ++i) entries[i] = list->items[i].entry;
    *out_list = entries;
    *out_count = list->count;
    return SINTER_OK;
}

sinter_status sni_device_list(sni_device_entry **out_list, size_t *out_count) {
    *out_list = NULL;
    *out_count = 0;
    cl_platform_id *platforms = NULL;
    size_t platform_count = 0;
    SNI_TRY(sni_platform_list(&platforms, &platform_count));
    ranked_list list = {NULL, 0, 0};
    sinter_status status = SINTER_OK;
    for (size_t i = 0; i < platform_count && status == SINTER_OK; ++i) status = append_devices(&list, platforms[i]);
    if (status == SINTER_OK) status = finish_list(&list, out_list, out_count);
    sni_free(list.items);
    sni_free(platforms);
    return status;
}

static void print_platform(cl_platform_id platform, sni_str *out) {
    char name[128] = "a platform without a name";
    cl_device_id ids[8];
    cl_uint count = 0;
    (void)clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof name, name, NULL);
    cl_int error = clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 8, ids, &count);
    if (error != CL_SUCCESS || count == 0) {
        sni_str_printf(out, "\n  %s: clGetDeviceIDs says %s", name,
                       error == CL_SUCCESS ? "0 devices" : sni_cl_error_name(error));
        return;
    }
    for (cl_uint i = 0; i < count && i < 8; ++i) {
        char device[128] = "?";
        (void)clGetDeviceInfo(ids[i], CL_DEVICE_NAME, sizeof device, device, NULL);
        sni_str_printf(out, "\n  %s: '%s' is not available, has no compiler, or is big-endian", name, device);
    }
}

void sni_platform_print_failures(const cl_platform_id *platforms, size_t count, sni_str *out) {
    for (size_t i = 0; i < count; ++i) print_platform(platforms[i], out);
}

static const char *type_name(cl_device_type type) {
    if (type & CL_DEVICE_TYPE_GPU) return "gpu";
    return type & CL_DEVICE_TYPE_CPU ? "cpu" : "accelerator";
}

static void fill_info(const sni_device_entry *entry, sinter_device_info *info) {
    const sni_caps *caps = &entry->caps;
    *info = (sinter_device_info){
        .compute_units = caps->compute_units,
        .global_bytes = caps->global_bytes,
        .max_alloc_bytes = caps->max_alloc_bytes,
        .local_bytes = caps->local_bytes,
        .max_work_group = caps->max_work_group,
        .subgroup_size = caps->subgroup_size,
        .has_f16 = caps->has_f16_arithmetic,
        .has_f64 = caps->has_f64,
    };
    sni_device_copy_text(info->platform, sizeof info->platform, caps->platform);
    sni_device_copy_text(info->name, sizeof info->name, caps->name);
    sni_device_copy_text(info->vendor, sizeof info->vendor, caps->vendor);
    sni_device_copy_text(info->driver, sizeof info->driver, caps->driver);
    sni_device_copy_text(info->type, sizeof info->type, type_name(sni_device_type(entry->id)));
    sni_device_copy_text(info->opencl_c, sizeof info->opencl_c, caps->c_version);
    sni_device_copy_text(info->identity, sizeof info->identity, caps->identity);
    sni_device_copy_text(info->tuning_key, sizeof info->tuning_key, caps->tuning_key);
}

sinter_status sinter_devices_list(sinter_device_info *out_infos, size_t capacity, size_t *out_count) {
    if (!out_count || (!out_infos && capacity > 0))
        return sni_fail(SINTER_INVALID_ARGUMENT, "sinter_devices_list: an argument is NULL");
    *out_count = 0;
    sni_device_entry *entries = NULL;
    size_t count = 0;
    SNI_TRY_PROCESS();
    sni_fork_watch();
    SNI_TRY(sni_device_list(&entries, &count));
    for (size_t i = 0; i < count && i < capacity; ++i) fill_info(&entries[i], &out_infos[i]);
    sni_free(entries);
    *out_count = count;
    return SINTER_OK;
}
