/* Costs that are kept from one process to the next. */
#include "runtime/kept_costs.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/line.h"
#include "base/str.h"

#define FORMAT 1

/* What is measured, and how it stands in the file: as whole numbers, a thousand to the unit. */
static const struct {
    const char *name;
    size_t offset;
} measured[] = {
    {"launch_ns", offsetof(sni_costs, launch_ns)},
    {"bytes_per_ns", offsetof(sni_costs, bytes_per_ns)},
    {"f32_ops_per_ns", offsetof(sni_costs, f32_ops_per_ns)},
};
enum { COUNT = sizeof measured / sizeof *measured };
#define LEAST 0.001
#define MOST 1e9 /* launches of a second, petabytes a second: neither is measured right */

static double *field(sni_costs *costs, int i) {
    return (double *)(void *)((char *)costs + measured[i].offset);
}

static sinter_status take_line(void *context, const char *line, size_t length) {
    sni_costs *costs = context, read = *costs;
    int64_t format, number;
    if (!sni_line_get_number(line, length, "format", &format) || format != FORMAT) return SINTER_OK;
    for (int i = 0; i < COUNT; ++i) {
        if (!sni_line_get_number(line, length, measured[i].name, &number)) continue;
        double value = (double)number / 1000;
        if (value < LEAST || value > MOST) return SINTER_OK;
        *field(&read, i) = value;
    }
    *costs = read;
    return SINTER_OK;
}

static void print_path(const sni_caps *caps, const char *dir, sni_str *out) {
    sni_str_printf(out, "%s/%s.costs", dir, caps->tuning_key);
}

sinter_status sni_costs_find(const sni_caps *caps, const char *dir, sni_costs *out_costs) {
    size_t damaged;
    sni_str path = SNI_STR_INIT;
    sni_costs_derive(caps, out_costs);
    if (dir == NULL) return SINTER_OK;
    print_path(caps, dir, &path);
    sinter_status status =
        path.failed ? sni_out_of_memory("costs") : sni_line_each(sni_str_text(&path), take_line, out_costs, &damaged);
    sni_str_deinit(&path);
    return status;
}

sinter_status sni_costs_known(const sni_caps *caps, const char *dir, bool *out_known) {
    sni_costs derived, found;
    sni_costs_derive(caps, &derived);
    SNI_TRY(sni_costs_find(caps, dir, &found));
    *out_known = memcmp(&derived, &found, sizeof found) != 0;
    return SINTER_OK;
}

sinter_status sni_costs_keep(const sni_caps *caps, const char *dir, const sni_costs *costs) {
    sni_str path = SNI_STR_INIT, line = SNI_STR_INIT;
    sni_costs copy = *costs;
    SNI_TRY(sni_dir_create(dir));
    print_path(caps, dir, &path);
    sni_line_begin(&line);
    sni_line_number(&line, "format", FORMAT);
    for (int i = 0; i < COUNT; ++i) sni_line_number(&line, measured[i].name, (int64_t)(*field(&copy, i) * 1000 + 0.5));
    sni_line_end(&line);
    sinter_status status = path.failed ? sni_out_of_memory("costs") : sni_line_append(sni_str_text(&path), &line);
    sni_str_deinit(&path);
    sni_str_deinit(&line);
    return status;
}
