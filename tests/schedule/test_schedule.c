/* Schedules as text, and against a table of parameters. */
#include "check_main.h"

#include "schedule/schedule.h"

enum { LOCAL, LANES, STAGES, PARAM_COUNT };

static const sni_param params[PARAM_COUNT] = {
    [LOCAL] = SNI_PARAM("local", "work-items of a work-group", 64, 128, 256),
    [LANES] = SNI_PARAM("lanes", "points of a work-item", 1, 2, 4),
    [STAGES] = SNI_PARAM("stages", "tiles in flight", 2, 3),
};

START_TEST(test_round_trip) {
    sni_schedule schedule = {.strategy = "gpu_column", .values = {128, 0, 3}}, read = {.strategy = "gpu_column"};
    sni_str text = SNI_STR_INIT;
    sni_schedule_print(&schedule, params, PARAM_COUNT, &text);
    ck_assert_str_eq(sni_str_text(&text), "local=128 stages=3");
    ck_assert_int_eq(sni_schedule_parse(sni_str_text(&text), params, PARAM_COUNT, &read), SINTER_OK);
    ck_assert(sni_schedule_equal(&schedule, &read));
    read.values[LANES] = 2;
    ck_assert(!sni_schedule_equal(&schedule, &read));
    sni_str_deinit(&text);
}
END_TEST

START_TEST(test_refused) {
    static const char *const texts[] = {
        "local",  "local=",      "local=100",       "local=-64",        "locals=64",
        "=64",    "local=64 64", "lanes=2 lanes=2", "local=64,lanes=2", "lanes=99999999999999999999",
        "lanes=0"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; ++i) {
        sni_schedule read = {.strategy = "s", .values = {64, 4, 2}}, before = read;
        ck_assert_msg(sni_schedule_parse(texts[i], params, PARAM_COUNT, &read) == SINTER_INVALID_ARGUMENT, "%s",
                      texts[i]);
        ck_assert(sni_schedule_equal(&read, &before));
    }
    sni_schedule empty = {.strategy = "s", .values = {64}};
    ck_assert_int_eq(sni_schedule_parse("  ", params, PARAM_COUNT, &empty), SINTER_OK);
    ck_assert_int_eq(empty.values[LOCAL], 0);
}
END_TEST

START_TEST(test_legal) {
    sni_schedule schedule = {.strategy = "s", .values = {64, 0, 2}};
    sni_str why = SNI_STR_INIT;
    ck_assert(sni_schedule_is_legal(&schedule, params, PARAM_COUNT, NULL));
    schedule.values[STAGES] = 5;
    ck_assert(!sni_schedule_is_legal(&schedule, params, PARAM_COUNT, &why));
    ck_assert_str_eq(sni_str_text(&why), "stages=5 is no value of the parameter");
    sni_str_deinit(&why);
    schedule.values[STAGES] = 2;
    schedule.values[PARAM_COUNT] = 1;
    ck_assert(!sni_schedule_is_legal(&schedule, params, PARAM_COUNT, NULL));
}
END_TEST

START_TEST(test_fill) {
    sni_schedule schedule = {.values = {64}};
    sni_schedule_fill(&schedule, LOCAL, 256);
    sni_schedule_fill(&schedule, LANES, 4);
    ck_assert_int_eq(schedule.values[LOCAL], 64);
    ck_assert_int_eq(schedule.values[LANES], 4);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {test_round_trip, test_refused, test_legal, test_fill};
    return run_suite(suite_of("schedule", tests, sizeof tests / sizeof *tests));
}
