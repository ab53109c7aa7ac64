/* Source assembly, keys, numbered build logs: no device. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "kernel/buildlog.h"
#include "kernel/key.h"
#include "kernel/source.h"

static const sni_embedded_file files[] = {{"common/a.cl", "int a1;\nint a2;"},
                                          {"common/once.cl", "#pragma once\nint once;\n"},
                                          {"common/nest.cl", "int before;\n#include \"common/a.cl\"\nint after;\n"},
                                          {"loop/x.cl", "#include \"loop/y.cl\"\n"},
                                          {"loop/y.cl", "int y;\n#include \"loop/x.cl\"\n"},
                                          {"loop/self.cl", "#include \"loop/self.cl\"\n"},
                                          {"bad/inner.cl", "int fine;\n\n#include \"bad/nothing.cl\"\n"},
                                          {NULL, NULL}};

static char *assemble(const char *text, const char *file) {
    char *out = NULL;
    ck_assert_msg(sni_source_assemble(files, text, file, &out) == SINTER_OK, "%s", sinter_last_error());
    return out;
}

static void expect(const char *text, const char *file, const char *expected) {
    char *out = assemble(text, file);
    ck_assert_str_eq(out, expected);
    sni_free(out);
}

static size_t count_of(const char *text, const char *word) {
    size_t count = 0;
    for (; (text = strstr(text, word)); ++text) ++count;
    return count;
}

START_TEST(plain_text_keeps_its_lines) {
    expect("int x;\n", NULL, "#line 1 \"kernel\"\nint x;\n");
    expect("int x;", "f.cl", "#line 1 \"f.cl\"\nint x;\n");
    expect("", NULL, "#line 1 \"kernel\"\n");
    expect("\r\nx\r\n", NULL, "#line 1 \"kernel\"\n\r\nx\r\n");
}
END_TEST

START_TEST(include_with_line_numbers) {
    expect("int p;\n#include \"common/a.cl\"\nint q;\n", "main.cl",
           "#line 1 \"main.cl\"\nint p;\n"
           "#line 1 \"common/a.cl\"\nint a1;\nint a2;\n"
           "#line 3 \"main.cl\"\nint q;\n");
    expect("#include \"common/nest.cl\"\nint q;\n", NULL,
           "#line 1 \"kernel\"\n"
           "#line 1 \"common/nest.cl\"\nint before;\n"
           "#line 1 \"common/a.cl\"\nint a1;\nint a2;\n"
           "#line 3 \"common/nest.cl\"\nint after;\n"
           "#line 2 \"kernel\"\nint q;\n");
}
END_TEST

START_TEST(spelling_of_include) {
    char *out = assemble("  #  include  <common/a.cl> // why\n", NULL);
    ck_assert_ptr_nonnull(strstr(out, "int a1;"));
    sni_free(out);
    out = assemble("#included \"x\"\n#define include 1\n", NULL);
    ck_assert_ptr_nonnull(strstr(out, "#included"));
    sni_free(out);
    ck_assert_int_eq(sni_source_assemble(files, "#include MACRO\n", NULL, &out), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sni_source_assemble(files, "#include \"common/a.cl\n", NULL, &out), SINTER_INVALID_ARGUMENT);
    ck_assert_int_eq(sni_source_assemble(files, "#include \"\"\n", NULL, &out), SINTER_INVALID_ARGUMENT);
    ck_assert_ptr_null(out);
}
END_TEST

START_TEST(comments_and_literals_hide_includes) {
    char *out = assemble("/* a\n#include \"nothing.cl\"\n*/ int x; // /*\nint y; /* */\n"
                         "char s[] = \"/*\";\n#include \"common/a.cl\"\n",
                         NULL);
    ck_assert_ptr_nonnull(strstr(out, "#include \"nothing.cl\""));
    ck_assert_ptr_nonnull(strstr(out, "int a1;"));
    ck_assert_ptr_nonnull(strstr(out, "#line 7 \"kernel\""));
    sni_free(out);
}
END_TEST

START_TEST(repeated_and_once) {
    char *out = assemble("#include \"common/a.cl\"\n#include \"common/a.cl\"\n"
                         "#include \"common/once.cl\"\n#include \"common/once.cl\"\nint z;\n",
                         NULL);
    ck_assert_uint_eq(count_of(out, "int a1;"), 2);
    ck_assert_uint_eq(count_of(out, "int once;"), 1);
    ck_assert_ptr_null(strstr(out, "#pragma once"));
    ck_assert_ptr_nonnull(strstr(out, "#line 5 \"kernel\"\nint z;"));
    sni_free(out);
    /* Marks are of one assembly. */
    out = assemble("#include \"common/once.cl\"\n", NULL);
    ck_assert_uint_eq(count_of(out, "int once;"), 1);
    sni_free(out);
}
END_TEST

START_TEST(missing_file_is_named) {
    char *out = NULL;
    ck_assert_int_eq(sni_source_assemble(files, "int x;\n#include \"no/such.cl\"\n", "k.cl", &out),
                     SINTER_INVALID_ARGUMENT);
    ck_assert_ptr_null(out);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "no/such.cl"));
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "k.cl:2"));
    ck_assert_int_eq(sni_source_assemble(files, "#include \"bad/inner.cl\"\n", "k.cl", &out), SINTER_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "bad/inner.cl:3"));
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "bad/nothing.cl"));
}
END_TEST

START_TEST(cycles_are_refused) {
    char *out = NULL;
    ck_assert_int_eq(sni_source_assemble(files, "#include \"loop/x.cl\"\n", NULL, &out), SINTER_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "loop/x.cl -> loop/y.cl -> loop/x.cl"));
    ck_assert_int_eq(sni_source_assemble(files, "#include \"loop/self.cl\"\n", NULL, &out), SINTER_INVALID_ARGUMENT);
    ck_assert_ptr_null(out);
}
END_TEST

/* Where a source tree lies must not change the key. */
START_TEST(directories_of_the_file_are_left_out) {
    expect("x\n", "/home/someone/src/f.cl", "#line 1 \"f.cl\"\nx\n");
    expect("x\n", "a\"b\\c\n", "#line 1 \"a_b_c_\"\nx\n");
    expect("x\n", "", "#line 1 \"kernel\"\nx\n");
}
END_TEST

/* Every embedded file must assemble alone or say what it lacks; none may include a file that is not
 * there. */
START_TEST(the_library_files_resolve) {
    int count = 0;
    for (const sni_embedded_file *file = sni_embedded_files; file->name; ++file, ++count) {
        sni_str text = SNI_STR_INIT;
        sni_str_printf(&text, "#include \"%s\"\n", file->name);
        char *out = NULL;
        ck_assert_msg(sni_source_assemble(sni_embedded_files, sni_str_text(&text), NULL, &out) == SINTER_OK, "%s: %s",
                      file->name, sinter_last_error());
        sni_free(out);
        sni_str_deinit(&text);
    }
    ck_assert_int_gt(count, 0);
}
END_TEST

START_TEST(assembly_survives_memory_running_out) {
    for (int nth = 1;; ++nth) {
        char *out = NULL;
        sni_alloc_fail_at(nth);
        sinter_status status = sni_source_assemble(files, "#include \"common/nest.cl\"\nint q;\n", "k", &out);
        sni_alloc_fail_at(0);
        if (status == SINTER_OK) {
            sni_free(out);
            ck_assert_int_gt(nth, 1);
            break;
        }
        ck_assert_int_eq(status, SINTER_OUT_OF_MEMORY);
        ck_assert_ptr_null(out);
        ck_assert_int_lt(nth, 100);
    }
}
END_TEST

/* Changing any input changes the key; the same inputs give the same one. */
START_TEST(key_holds_every_input) {
    sni_caps caps = {0}, changed;
    strcpy(caps.identity, "0123456789abcdef0123456789abcdef");
    strcpy(caps.platform, "P");
    strcpy(caps.driver, "1.0");
    sni_kernel_key base, same, other;
    ck_assert_int_eq(sni_kernel_key_make(&caps, "src", "f", "-DA", &base), SINTER_OK);
    ck_assert_int_eq(sni_kernel_key_make(&caps, "src", "f", "-DA", &same), SINTER_OK);
    ck_assert(sni_kernel_key_equal(&base, &same));
    ck_assert(base.hash.low == same.hash.low && base.hash.high == same.hash.high);
    ck_assert_str_eq(base.text + base.source_offset, "src");
    sni_kernel_key_deinit(&same);
    for (int i = 0; i < 6; ++i) {
        changed = caps;
        if (i == 3) changed.identity[5] = 'f';
        if (i == 4) strcpy(changed.driver, "1.1");
        if (i == 5) strcpy(changed.platform, "Q");
        ck_assert_int_eq(
            sni_kernel_key_make(&changed, i == 0 ? "srd" : "src", i == 1 ? "g" : "f", i == 2 ? "-DB" : "-DA", &other),
            SINTER_OK);
        ck_assert(!sni_kernel_key_equal(&base, &other));
        ck_assert(base.hash.low != other.hash.low || base.hash.high != other.hash.high);
        sni_kernel_key_deinit(&other);
    }
    /* Text that moves from one field to the next is another key. */
    ck_assert_int_eq(sni_kernel_key_make(&caps, "src", "f\noptions 3:-DA", "-DA", &other), SINTER_OK);
    ck_assert(!sni_kernel_key_equal(&base, &other));
    sni_kernel_key_deinit(&other);
    sni_kernel_key_deinit(&base);
}
END_TEST

static char *log_text(const char *assembled, const char *log) {
    sni_str out = SNI_STR_INIT;
    sni_buildlog_append(&out, assembled, log);
    char *text = sni_str_take(&out);
    sni_str_deinit(&out);
    ck_assert_ptr_nonnull(text);
    return text;
}

START_TEST(short_source_is_shown_whole) {
    char *text =
        log_text("#line 1 \"my kernel.cl\"\nint a;\nint b\nint c;\n", "my kernel.cl:2:6: error: expected ';'\n");
    ck_assert_ptr_nonnull(strstr(text, "expected ';'"));
    ck_assert_ptr_nonnull(strstr(text, "  my kernel.cl:1 | int a;\n"));
    ck_assert_ptr_nonnull(strstr(text, "> my kernel.cl:2 | int b\n"));
    ck_assert_ptr_nonnull(strstr(text, "  my kernel.cl:3 | int c;\n"));
    ck_assert_ptr_null(strstr(text, "#line"));
    sni_free(text);
}
END_TEST

static char *long_source(int lines) {
    sni_str out = SNI_STR_INIT;
    sni_str_append(&out, "#line 1 \"k\"\n");
    for (int i = 1; i <= lines; ++i) sni_str_printf(&out, "int v%d;\n", i);
    return sni_str_take(&out);
}

START_TEST(long_source_is_shown_around_errors) {
    char *source = long_source(500);
    char *text = log_text(source, "error: k:100:3: bad\nand k:400: worse\n");
    ck_assert_ptr_nonnull(strstr(text, "> k:100 | int v100;"));
    ck_assert_ptr_nonnull(strstr(text, "  k:97 | int v97;"));
    ck_assert_ptr_nonnull(strstr(text, "> k:400 | int v400;"));
    ck_assert_ptr_nonnull(strstr(text, "..."));
    ck_assert_ptr_null(strstr(text, "int v200;"));
    ck_assert_ptr_null(strstr(text, "> k:3 |")); /* a column is no line */
    sni_free(text);
    /* A log without a place shows the beginning, and not without end. */
    text = log_text(source, "something is wrong");
    ck_assert_ptr_nonnull(strstr(text, "  k:1 | int v1;"));
    ck_assert_ptr_null(strstr(text, "int v450;"));
    sni_free(text);
    sni_free(source);
}
END_TEST

/* Oclgrind counts the lines of the whole text and calls it input.cl. */
START_TEST(unknown_names_count_physical_lines) {
    char *text =
        log_text("#line 1 \"k\"\nint a;\n#line 1 \"b.cl\"\nint b;\nint bad\n", "input.cl:5:4: error: expected ';'\n");
    ck_assert_ptr_nonnull(strstr(text, "> b.cl:2 | int bad"));
    ck_assert_ptr_nonnull(strstr(text, "  b.cl:1 | int b;"));
    sni_free(text);
}
END_TEST

START_TEST(odd_logs_do_no_harm) {
    static const char *const logs[] = {
        "", ":", ":::", ":1", ":99999999999999999999:", "k:0:", "::1:2:3:", "12:34", "\n\n"};
    for (size_t i = 0; i < sizeof logs / sizeof logs[0]; ++i) {
        sni_free(log_text("#line 1 \"k\"\nint a;\n", logs[i]));
        sni_free(log_text("", logs[i]));
        sni_free(log_text("#line 5 \"\nno end\n#line\n#line 3\n", logs[i]));
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("kernel source");
    TCase *cases = tcase_create("source");
    tcase_add_test(cases, plain_text_keeps_its_lines);
    tcase_add_test(cases, include_with_line_numbers);
    tcase_add_test(cases, spelling_of_include);
    tcase_add_test(cases, comments_and_literals_hide_includes);
    tcase_add_test(cases, repeated_and_once);
    tcase_add_test(cases, missing_file_is_named);
    tcase_add_test(cases, cycles_are_refused);
    tcase_add_test(cases, directories_of_the_file_are_left_out);
    tcase_add_test(cases, the_library_files_resolve);
    tcase_add_test(cases, assembly_survives_memory_running_out);
    tcase_add_test(cases, key_holds_every_input);
    tcase_add_test(cases, short_source_is_shown_whole);
    tcase_add_test(cases, long_source_is_shown_around_errors);
    tcase_add_test(cases, unknown_names_count_physical_lines);
    tcase_add_test(cases, odd_logs_do_no_harm);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
