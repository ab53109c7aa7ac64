/* `sinter devices`: what the machine has. */
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>

#include <sinter/runtime.h>

#include "command.h"
#include "options.h"

static json_t *device_json(const sinter_device_info *info, size_t index) {
    return json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:b, s:s, s:s}", "index",
                     (json_int_t)index, "platform", info->platform, "name", info->name, "vendor", info->vendor,
                     "driver", info->driver, "type", info->type, "opencl_c", info->opencl_c, "compute_units",
                     (json_int_t)info->compute_units, "global_bytes", (json_int_t)info->global_bytes, "max_alloc_bytes",
                     (json_int_t)info->max_alloc_bytes, "local_bytes", (json_int_t)info->local_bytes, "max_work_group",
                     (json_int_t)info->max_work_group, "subgroup_size", (json_int_t)info->subgroup_size,
                     "f16_arithmetic", info->has_f16, "f64", info->has_f64, "identity", info->identity, "tuning_key",
                     info->tuning_key);
}

/* Drivers' texts may be no UTF-8, which JSON has to be; such bytes become '?'. */
static void make_ascii(char *text) {
    for (; *text; ++text)
        if ((unsigned char)*text >= 0x80) *text = '?';
}

static int print_json(sinter_device_info *infos, size_t count) {
    json_t *list = json_array();
    for (size_t i = 0; list && i < count; ++i) {
        make_ascii(infos[i].platform);
        make_ascii(infos[i].name);
        make_ascii(infos[i].vendor);
        make_ascii(infos[i].driver);
        make_ascii(infos[i].opencl_c);
        if (json_array_append_new(list, device_json(&infos[i], i))) {
            json_decref(list);
            list = NULL;
        }
    }
    int code = list && json_dumpf(list, stdout, JSON_INDENT(2)) == 0 ? TOOL_DONE : TOOL_FAILED;
    json_decref(list);
    putchar('\n');
    if (code != TOOL_DONE) fputs("sinter: the list cannot be written\n", stderr);
    return code;
}

static double mebibytes(uint64_t bytes) {
    return (double)bytes / (1 << 20);
}

static void print_text(const sinter_device_info *infos, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        const sinter_device_info *info = &infos[i];
        printf("%zu: %s\n", i, info->name);
        printf("   %s, %s, driver %s, %s\n", info->type, info->platform, info->driver, info->opencl_c);
        printf("   %u compute units, %.0f MiB (%.0f MiB at once), %.0f KiB local, work-groups of "
               "%llu\n",
               (unsigned)info->compute_units, mebibytes(info->global_bytes), mebibytes(info->max_alloc_bytes),
               (double)info->local_bytes / 1024, (unsigned long long)info->max_work_group);
        printf("   f16 arithmetic: %s, f64: %s, subgroups of: ", info->has_f16 ? "yes" : "no",
               info->has_f64 ? "yes" : "no");
        if (info->subgroup_size)
            printf("%u\n", (unsigned)info->subgroup_size);
        else
            puts("unknown");
        printf("   identity %s, tuning key %s\n", info->identity, info->tuning_key);
    }
}

int tool_devices(int argc, char **argv) {
    bool json = false;
    const tool_option options[] = {{"--json", TOOL_OPTION_FLAG, &json}, {NULL}};
    int code = tool_options_parse(argc, argv, options, NULL);
    if (code != TOOL_DONE) return code;
    size_t count = 0, again = 0;
    sinter_status status = sinter_devices_list(NULL, 0, &count);
    if (status != SINTER_OK) return tool_fail(status, "devices");
    sinter_device_info *infos = calloc(count ? count : 1, sizeof *infos);
    if (!infos) return tool_fail(SINTER_OUT_OF_MEMORY, "devices");
    status = sinter_devices_list(infos, count, &again);
    if (again < count) count = again;
    if (status != SINTER_OK)
        code = tool_fail(status, "devices");
    else if (json)
        code = print_json(infos, count);
    else
        print_text(infos, count);
    free(infos);
    if (code == TOOL_DONE && count == 0 && !json)
        fputs("no OpenCL device; the package pocl-opencl-icd runs on the CPU, a GPU needs its "
              "vendor's "
              "OpenCL driver\n",
              stdout);
    return code;
}
