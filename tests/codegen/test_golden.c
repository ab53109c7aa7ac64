/* Golden texts: the kernels of a dozen programs for devices of each class, so that a change of code generation is seen in
 * review. A text begins with what the kernel is made of: program, schedule, and how many places of it touch each buffer.
 *
 * SINTER_GOLDEN_UPDATE=1 writes the texts anew. */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "check_main.h"
#include "codegen/golden_programs.h"
#include "plan/plan.h"

#define ROOT SINTER_SOURCE_DIR "/tests/codegen/golden"

static sinter_runtime *g_runtime;

/* Without a kernel being built, only the runtime's capabilities matter. */
static void setup(void) {
    if (sinter_runtime_create(NULL, &g_runtime) != SINTER_OK) ck_abort_msg("%s", sinter_last_error());
}

static void teardown(void) {
    sinter_runtime_release(g_runtime);
}

static sni_caps caps_of(const golden_device *device) {
    sni_caps caps = device->caps;
    for (int i = 0; device->has_ptx_instructions && i < sni_instruction_count(); ++i)
        if (sni_instruction_at(i)->needs == SNI_NEEDS_PTX && sni_instruction_possible(sni_instruction_at(i), &caps))
            caps.instructions |= 1u << i;
    return caps;
}

static bool is_word(char c) {
    return isalnum((unsigned char)c) || c == '_';
}

/* Places of the text that name a buffer beside its declaration and the line that adds its offset. */
static int places_of(const char *source, const char *entry, int buffer) {
    char name[16], moved[32];
    snprintf(name, sizeof name, "b%d", buffer);
    snprintf(moved, sizeof moved, "b%d += ", buffer);
    const char *body = strstr(source, entry);
    for (const char *next = body; next && (next = strstr(next + 1, entry));) body = next;
    body = body ? strchr(body, '{') : NULL;
    int places = 0;
    for (const char *at = body; at && (at = strstr(at, name)); at += strlen(name))
        places += !is_word(at[-1]) && !is_word(at[strlen(name)]) && strncmp(at, moved, strlen(moved)) != 0;
    return places;
}

static void put_buffers(const sinter_plan *plan, const sni_step *step, const sni_kspec *spec, sni_str *out) {
    const sni_loop *loop = &step->loop;
    for (int b = 0; b < loop->buffer_count; ++b) {
        sni_str_printf(out, "b%d: ", b);
        sni_type_print(plan->graph->sym, &sni_graph_value(plan->graph, loop->buffers[b].value)->type, out);
        int places = places_of(spec->source, spec->entry, b);
        sni_str_printf(out, ", %s in %d place%s\n", loop->buffers[b].is_output ? "written" : "read", places,
                       places == 1 ? "" : "s");
    }
}

static void put_step(const sinter_plan *plan, sni_step *step, const sni_caps *caps, sni_str *out) {
    sni_kspec spec;
    if (step->kind != SNI_STEP_LAUNCH) {
        sni_str_printf(out, "/*\nstep %zu: %s\n*/\n", (size_t)(step - plan->steps) + 1, sni_step_kind_name(step->kind));
        return;
    }
    ck_assert_msg(sni_codegen(&step->loop, caps, NULL, plan->arena, &spec) == SINTER_OK, "%s", sinter_last_error());
    const sni_strategy *strategy = sni_strategy_find(spec.strategy);
    sni_str_printf(out, "/*\nstep %zu: %s ", (size_t)(step - plan->steps) + 1, spec.strategy);
    if (strategy) sni_schedule_print(&spec.schedule, strategy->params, strategy->param_count, out);
    sni_str_append(out, "\n");
    sni_loop_print(&step->loop, out);
    put_buffers(plan, step, &spec, out);
    sni_plan_print_geometry(step->loop.sym, &spec, out);
    sni_str_printf(out, "*/\n%s\n", spec.source);
}

static char *text_of(const golden_program *program, const golden_device *device) {
    sinter_graph *g;
    sinter_plan *plan;
    sni_caps caps = caps_of(device);
    const sni_caps *own = g_runtime->caps;
    sni_str out = SNI_STR_INIT;
    ck_assert_int_eq(sinter_graph_create(&g), SINTER_OK);
    program->build(g);
    g_runtime->caps = &caps;
    sni_costs_derive(&caps, &g_runtime->costs); /* not what was measured on the machine that the test runs on */
    sinter_status status = sni_plan_outline(g_runtime, g, &plan);
    ck_assert_msg(status == SINTER_OK, "%s for %s: %s", program->name, device->name, sinter_last_error());
    sni_str_printf(&out, "// %s: %zu launch%s\n", program->what, plan->step_count, plan->step_count == 1 ? "" : "es");
    for (size_t n = 0; n < plan->step_count; ++n) put_step(plan, &plan->steps[n], &caps, &out);
    g_runtime->caps = own;
    sinter_plan_release(plan);
    sinter_graph_release(g);
    return sni_str_take(&out);
}

static void print_difference(const char *path, const char *text) {
    char command[1024], now[] = "/tmp/sinter-golden-XXXXXX";
    int fd = mkstemp(now);
    if (fd < 0) return;
    close(fd);
    FILE *file = fopen(now, "wb");
    if (file) {
        fputs(text, file);
        fclose(file);
        snprintf(command, sizeof command, "diff -u --label golden --label now '%s' '%s' | head -n 60", path, now);
        fflush(stdout);
        if (system(command) == -1) puts("(diff is not installed)");
    }
    unlink(now);
}

static void compare(const golden_program *program, const golden_device *device) {
    char path[512], dir[400];
    char *text = text_of(program, device), *golden = NULL;
    size_t size = 0;
    ck_assert_ptr_nonnull(text);
    snprintf(dir, sizeof dir, "%s/%s", ROOT, device->name);
    snprintf(path, sizeof path, "%s/%s.cl", dir, program->name);
    const char *update = getenv("SINTER_GOLDEN_UPDATE");
    if (update && *update && strcmp(update, "0") != 0) {
        ck_assert_int_eq(sni_dir_create(dir), SINTER_OK);
        ck_assert_int_eq(sni_file_write_atomic(path, text, strlen(text)), SINTER_OK);
    }
    bool there = sni_file_read(path, 1 << 24, &golden, &size) == SINTER_OK;
    bool same = there && size == strlen(text) && memcmp(golden, text, size) == 0;
    if (!same) print_difference(there ? path : "/dev/null", text);
    sni_free(golden);
    sni_free(text);
    ck_assert_msg(
        same,
        "%s/%s.cl is not what is generated now. If the change above is meant, write the texts anew and commit "
        "them: SINTER_GOLDEN_UPDATE=1 build/dev/tests/test_golden",
        device->name, program->name);
}

/* A device whose only difference are matrix units is only asked for products. */
static bool belongs(const golden_program *program, const golden_device *device) {
    return program->is_product || !device->has_ptx_instructions;
}

START_TEST(kernels_are_the_golden_ones) {
    const golden_program *program = &golden_programs[_i % GOLDEN_PROGRAMS];
    const golden_device *device = &golden_devices[_i / GOLDEN_PROGRAMS];
    if (belongs(program, device)) compare(program, device);
}
END_TEST

/* What was generated once depends on nothing that came before. */
START_TEST(texts_are_the_same_again) {
    for (int d = 0; d < GOLDEN_DEVICES; ++d) {
        char *first = text_of(&golden_programs[_i], &golden_devices[d]),
             *second = text_of(&golden_programs[_i], &golden_devices[d]);
        ck_assert_str_eq(first, second);
        sni_free(first);
        sni_free(second);
    }
}
END_TEST

/* A text without a program would never be looked at again. */
START_TEST(every_golden_text_has_a_program) {
    for (int d = 0; d < GOLDEN_DEVICES; ++d) {
        char path[400];
        snprintf(path, sizeof path, "%s/%s", ROOT, golden_devices[d].name);
        DIR *dir = opendir(path);
        ck_assert_ptr_nonnull(dir);
        for (struct dirent *e; (e = readdir(dir));) {
            bool known = e->d_name[0] == '.';
            for (int p = 0; p < GOLDEN_PROGRAMS; ++p) {
                size_t length = strlen(golden_programs[p].name);
                known |= belongs(&golden_programs[p], &golden_devices[d]) &&
                         strncmp(e->d_name, golden_programs[p].name, length) == 0 &&
                         strcmp(e->d_name + length, ".cl") == 0;
            }
            ck_assert_msg(known, "%s/%s belongs to no program", golden_devices[d].name, e->d_name);
        }
        closedir(dir);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("golden");
    TCase *tc = tcase_create("golden");
    tcase_set_timeout(tc, 0);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, kernels_are_the_golden_ones, 0, GOLDEN_PROGRAMS * GOLDEN_DEVICES);
    tcase_add_loop_test(tc, texts_are_the_same_again, 0, GOLDEN_PROGRAMS);
    tcase_add_test(tc, every_golden_text_has_a_program);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
