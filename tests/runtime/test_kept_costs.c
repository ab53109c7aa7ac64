/* Costs that were measured are found again; nonsense and damage are passed over. */
#include "check_main.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sinter/runtime.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/line.h"
#include "runtime/kept_costs.h"
#include "runtime/runtime.h"
#include "tune/probe.h"

static char scratch[] = "/tmp/sinter-costs-XXXXXX";

static void must(sinter_status status) {
    ck_assert_msg(status == SINTER_OK, "%s", sinter_last_error());
}

static sni_caps some_caps(void) {
    return (sni_caps){
        .device_class = SNI_DEVICE_GPU, .compute_units = 10, .native_float_width = 1, .tuning_key = "abc"};
}

START_TEST(test_round_trip) {
    sni_caps caps = some_caps();
    sni_costs derived, kept, found;
    bool known;
    sni_costs_derive(&caps, &derived);
    must(sni_costs_find(&caps, NULL, &found));
    ck_assert_int_eq(memcmp(&derived, &found, sizeof found), 0);
    must(sni_costs_known(&caps, scratch, &known));
    ck_assert(!known);
    kept = derived;
    kept.launch_ns = 1234.5;
    kept.bytes_per_ns = 7.25;
    kept.tile = 99; /* is not measured, so it is not kept */
    must(sni_costs_keep(&caps, scratch, &kept));
    must(sni_costs_find(&caps, scratch, &found));
    must(sni_costs_known(&caps, scratch, &known));
    ck_assert(known);
    ck_assert(fabs(found.launch_ns - 1234.5) < 0.01 && fabs(found.bytes_per_ns - 7.25) < 0.01);
    ck_assert(found.tile == derived.tile);
    kept.launch_ns = 2000;
    must(sni_costs_keep(&caps, scratch, &kept));
    must(sni_costs_find(&caps, scratch, &found));
    ck_assert(fabs(found.launch_ns - 2000) < 0.01);
}
END_TEST

/* Whole lines that say what no device does, and lines that are cut short. */
START_TEST(test_nonsense) {
    sni_caps caps = some_caps();
    sni_costs derived, found;
    static const int64_t numbers[] = {0, -5, INT64_MAX};
    char path[256];
    strcpy(caps.tuning_key, "nonsense");
    snprintf(path, sizeof path, "%s/nonsense.costs", scratch);
    sni_costs_derive(&caps, &derived);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; ++i) {
        sni_str line = SNI_STR_INIT;
        sni_line_begin(&line);
        sni_line_number(&line, "format", 1);
        sni_line_number(&line, "bytes_per_ns", numbers[i]);
        sni_line_end(&line);
        must(sni_line_append(path, &line));
        sni_str_deinit(&line);
        must(sni_costs_find(&caps, scratch, &found));
        ck_assert_int_eq(memcmp(&derived, &found, sizeof found), 0);
    }
    must(sni_file_write_atomic(path, "{\"format\":1,\"launch_ns\":5", 25));
    must(sni_costs_find(&caps, scratch, &found));
    ck_assert_int_eq(memcmp(&derived, &found, sizeof found), 0);
}
END_TEST

/* On the device: every number is measured, positive, and what the next runtime of the same directory has. */
START_TEST(test_probe) {
    sinter_runtime_options options = SINTER_RUNTIME_OPTIONS_INIT;
    sinter_runtime *runtime;
    char dir[256];
    snprintf(dir, sizeof dir, "%s/cache", scratch);
    options.cache_dir = dir;
    must(sinter_runtime_create(&options, &runtime));
    sni_costs costs = {0};
    must(sni_costs_probe(runtime, &costs));
    ck_assert(costs.launch_ns > 0 && costs.bytes_per_ns > 0 && costs.f32_ops_per_ns > 0);
    must(sni_costs_keep(runtime->caps, runtime->tuning_dir, &costs));
    sinter_runtime_release(runtime);
    must(sinter_runtime_create(&options, &runtime));
    ck_assert(fabs(runtime->costs.launch_ns - costs.launch_ns) < 0.01);
    ck_assert(fabs(runtime->costs.bytes_per_ns - costs.bytes_per_ns) < 0.01);
    ck_assert(fabs(runtime->costs.f32_ops_per_ns - costs.f32_ops_per_ns) < 0.01);
    ck_assert(runtime->costs.tile > 0);
    sinter_runtime_release(runtime);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {test_round_trip, test_nonsense, test_probe};
    if (mkdtemp(scratch) == NULL) return EXIT_FAILURE;
    int result = run_suite(suite_of("runtime/kept_costs", tests, sizeof tests / sizeof *tests));
    char command[256];
    snprintf(command, sizeof command, "rm -r '%s'", scratch);
    return system(command) == 0 ? result : EXIT_FAILURE;
}
