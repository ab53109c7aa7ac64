/* Products by matrix instructions against sums in double: every row of the table that multiplies f16 or bf16, every tile,
 * every layout, edges, prologues and epilogues. A row that the device does not have is computed by plain code
 * from the same fragments, which tests everything but the instruction. Kernels of rows that are made for AMD are also
 * written for its compiler (SINTER_DUMP_KERNELS). */
#include "check_main.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"

#include "contract_run.h"
#include "device/instructions.h"
#include "kernel/embedded.h"
#include "kernel/source.h"
#include "runtime/probe.h"

static test_device test;
static bool wide;

/* Under Oclgrind a product takes seconds: SINTER_TEST_EVERY=N runs one of N. */
static bool passed_over(void) {
    static long number;
    const char *every = getenv("SINTER_TEST_EVERY");
    long n = every != NULL ? strtol(every, NULL, 10) : 1;
    return n > 1 && number++ % n != 0;
}

/* A device that has one row, and room and units for a certain tile. */
static sni_caps caps_of(int row, uint32_t units) {
    sni_caps caps = test.device->caps;
    caps.device_class = SNI_DEVICE_GPU;
    caps.emulate_instructions = (caps.instructions >> row & 1) == 0;
    caps.instructions = 1u << row;
    caps.compute_units = units;
    return caps;
}

static void run(const shape *s, int row, uint32_t units) {
    contraction p;
    sni_kspec spec;
    if (passed_over()) return;
    sni_caps caps = caps_of(row, units);
    ck_assert_msg(program_init(&p, s), "cannot build the program %s", s->label);
    sinter_status status = sni_codegen(&p.loop, &caps, "gpu_mma", p.arena, &spec);
    ck_assert_msg(status == SINTER_OK, "%s: %s", s->label, sinter_last_error());
    contraction_launch(&test, &p, &spec, wide);
    char message[256];
    bool ok = program_check(&p, message, sizeof message);
    if (!ok) fprintf(stderr, "%s\n", spec.source);
    ck_assert_msg(ok, "%s by %s: %s", s->label, spec.notes, message);
    program_deinit(&p);
}

static bool is_product_row(int row) {
    sinter_dtype dtype = sni_instruction_at(row)->dtype;
    return dtype == SINTER_F16 || dtype == SINTER_BF16;
}

static shape matmul(const char *label, sinter_dtype dtype, int64_t b, int64_t m, int64_t n, int64_t k) {
    shape s = {.label = label, .a = dtype, .b = dtype, .out = dtype, .sum = dtype};
    shape_axis(&s, 'b', b);
    shape_axis(&s, 'm', m);
    shape_axis(&s, 'n', n);
    shape_axis(&s, 'k', k);
    shape_layouts(&s, "bmk", "bkn", "bmn");
    return s;
}

/* ---- The table ---- */

/* Does a fragment of all lanes hold every element of an outer x inner matrix, as often as lanes repeat each other? */
static void check_fragment(const sni_instruction *row, const sni_fragment *f, int outer, int inner) {
    int *seen = calloc((size_t)(outer * inner), sizeof *seen);
    ck_assert_ptr_nonnull(seen);
    for (int lane = 0; lane < row->lanes; ++lane)
        for (int i = 0; i < f->count; ++i) {
            int at = f->outer(lane, i), to = f->inner(lane, i);
            ck_assert_msg(at >= 0 && at < outer && to >= 0 && to < inner, "%s: lane %d, element %d", row->name, lane,
                          i);
            ++seen[at * inner + to];
        }
    for (int i = 0; i < outer * inner; ++i) ck_assert_int_eq(seen[i], row->lanes * f->count / (outer * inner));
    free(seen);
}

/* Elements that share a word of a fragment are neighbours along k, in order: that is how words are read. */
static void check_words(const sni_instruction *row, const sni_fragment *f) {
    int together = 4 / (int)sinter_dtype_size(row->dtype);
    for (int lane = 0; lane < row->lanes; ++lane)
        for (int i = 0; i < f->count; ++i) {
            int first = i / together * together;
            ck_assert_int_eq(f->outer(lane, i), f->outer(lane, first));
            ck_assert_int_eq(f->inner(lane, i), f->inner(lane, first) + i - first);
            ck_assert_int_eq(f->inner(lane, first) % together, 0);
        }
}

START_TEST(test_table) {
    for (int r = 0; r < sni_instruction_count(); ++r) {
        const sni_instruction *row = sni_instruction_at(r);
        check_fragment(row, &row->a, row->m, row->k);
        check_fragment(row, &row->b, row->n, row->k);
        check_fragment(row, &row->sums, row->m, row->n);
        check_words(row, &row->a);
        check_words(row, &row->b);
    }
    ck_assert_ptr_null(sni_instruction_at(-1));
    ck_assert_ptr_null(sni_instruction_at(sni_instruction_count()));
}
END_TEST

/* Rows as the device computes them, or emulated: exact sums of small integers. A row that the device's compiler may know
 * need not be there, but what the probe finds must be found again. */
START_TEST(test_probe) {
    for (int r = 0; r < sni_instruction_count(); ++r) {
        const sni_instruction *row = sni_instruction_at(r);
        bool has = sni_instruction_possible(row, &test.device->caps) &&
                   sni_probe_instruction(test.cache, test.pool, row, false);
        if (sni_instruction_possible(row, &test.device->caps))
            printf("%s: %s\n", row->name, has ? "there" : "not there");
        if (row->use == SNI_USE_DEFAULT) ck_assert_int_eq(has, test.device->caps.instructions >> r & 1);
        ck_assert_msg(has || sni_probe_instruction(test.cache, test.pool, row, true), "%s emulated", row->name);
    }
}
END_TEST

static bool find_answers(void *context, const sni_dir_entry *entry) {
    if (strncmp(entry->name, "instructions-", 13) == 0) snprintf(context, 256, "%s", entry->name);
    return true;
}

static uint32_t answer_of(const char *dir, const char *path, const char *text) {
    sni_device device = *test.device;
    device.caps.has_amd_builtins = true;
    device.caps.subgroup_size = 0;
    if (text != NULL) must(sni_file_write_atomic(path, text, strlen(text)));
    sni_probe_instructions(&device, test.cache, test.pool, dir);
    return device.caps.instructions;
}

/* The answers are kept beside the kernel cache, asked for once, and not believed when damaged. A device is said to have
 * AMD's compiler; it does not know the instructions. */
START_TEST(test_answers) {
    char dir[] = "/tmp/sinter-answers-XXXXXX", name[256] = "", path[512];
    if (test.device->caps.has_inline_ptx || test.device->caps.has_amd_builtins) return;
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_uint_eq(answer_of(dir, NULL, NULL), 0);
    must(sni_dir_list(dir, find_answers, name));
    ck_assert_str_ne(name, "");
    snprintf(path, sizeof path, "%s/%s", dir, name);
    ck_assert_uint_eq(answer_of(dir, path, "00000010 00000000 ffffffef\n"), 0x10);
    ck_assert_uint_eq(answer_of(dir, path, "00000011 00000000 ffffffee\n"), 0x10); /* no AMD row is number 0 */
    ck_assert_uint_eq(answer_of(dir, path, "00000010 00000000 ffffffee\n"), 0);
    ck_assert_uint_eq(answer_of(dir, path, "junk"), 0);
    ck_assert(sni_file_remove(path));
    rmdir(dir);
}
END_TEST

/* ---- Products ---- */

/* Edges in every direction, elements of chunks past them, more k than stages. */
START_TEST(test_rows) {
    static const char *const a[] = {"bmk", "bkm"}, *const b[] = {"bkn", "bnk"};
    for (int r = 0; r < sni_instruction_count(); ++r) {
        if (!is_product_row(r)) continue;
        for (int i = r % 2; i < 4; i += 2) {
            shape s = matmul("edges", sni_instruction_at(r)->dtype, 2, 37, 45, 90 + i);
            shape_layouts(&s, a[i % 2], b[i / 2], i == 3 ? "bnm" : "bmn");
            s.bias = s.relu = i % 2;
            run(&s, r, 1);
        }
    }
}
END_TEST

/* Sizes that are whole chunks, known or found out at run time. */
START_TEST(test_whole_chunks) {
    static const char *const a[] = {"mk", "km"}, *const b[] = {"kn", "nk"};
    for (int r = 0; r < sni_instruction_count(); ++r) {
        if (!is_product_row(r)) continue;
        for (int i = 1 - r % 2; i < 4; i += 2) {
            shape s = matmul("whole chunks", sni_instruction_at(r)->dtype, 1, 40, 72, 136);
            shape_layouts(&s, a[i % 2], b[i / 2], "mn");
            s.symbolic = i == 1 || i == 2;
            s.residual = i == 2;
            run(&s, r, 1);
        }
    }
}
END_TEST

/* Every tile is chosen for some number of units and sizes. */
START_TEST(test_tiles) {
    static const int64_t sizes[][3] = {{128, 128, 64}, {130, 60, 40}, {64, 70, 200}, {30, 64, 64},
                                       {17, 31, 300},  {1, 200, 130}, {5, 1, 33},    {200, 260, 72}};
    static const uint32_t units[] = {1, 3, 64};
    for (int r = 0; r < 2; ++r)
        for (size_t i = (size_t)r; i < sizeof sizes / sizeof *sizes; i += 2) {
            shape s = matmul("tile", sni_instruction_at(r)->dtype, 1, sizes[i][0], sizes[i][1], sizes[i][2]);
            s.symbolic = i / 2 % 2;
            run(&s, r, units[i / 2 % 3]);
        }
}
END_TEST

START_TEST(test_empty) {
    static const int64_t sizes[][4] = {{1, 5, 9, 0}, {1, 0, 9, 4}, {0, 5, 9, 4}};
    for (size_t i = 0; i < 3; ++i) {
        shape s = matmul("empty", SINTER_F16, sizes[i][0], sizes[i][1], sizes[i][2], sizes[i][3]);
        s.bias = s.symbolic = true;
        run(&s, 0, 1);
    }
}
END_TEST

/* Prologues: 8-bit storage, rows by index, windows; several axes; indices of 64 bits. */
START_TEST(test_prologues) {
    shape s = matmul("8 bits", SINTER_BF16, 1, 33, 48, 96);
    s.a = SINTER_I8;
    run(&s, 1, 1);
    s = matmul("gather", SINTER_F16, 1, 26, 40, 48);
    s.gather = true;
    run(&s, 0, 1);
    s = matmul("widened", SINTER_BF16, 2, 21, 40, 72);
    s.sum = s.out = SINTER_F32;
    s.widened = s.bias = true;
    run(&s, 1, 1);
    shape w = {.label = "window", .a = SINTER_F16, .b = SINTER_F16, .out = SINTER_F16, .sum = SINTER_F16};
    w.is_window = w.relu = true;
    w.window = (window){2, 3, 9, 21, 7, 3, 1, 1, 1};
    run(&w, 0, 1);
    w.window_is_a = w.symbolic = true;
    run(&w, 0, 1);
    shape m = {.label = "axes", .a = SINTER_BF16, .b = SINTER_BF16, .out = SINTER_BF16, .sum = SINTER_BF16};
    shape_axis(&m, 'b', 2);
    shape_axis(&m, 'm', 3);
    shape_axis(&m, 'o', 8);
    shape_axis(&m, 'n', 5);
    shape_axis(&m, 'p', 16);
    shape_axis(&m, 'k', 4);
    shape_axis(&m, 'l', 24);
    shape_layouts(&m, "bmkol", "kblnp", "bmnop");
    run(&m, 1, 1);
    m.symbolic = wide = true;
    shape_layouts(&m, "klbmo", "nbpkl", "pbnmo");
    run(&m, 1, 1);
    wide = false;
}
END_TEST

/* What Oclgrind can run in seconds: the smallest tile, edges, a prologue, an epilogue. */
START_TEST(test_small) {
    shape s = matmul("small", SINTER_F16, 1, 5, 9, 20);
    s.bias = true;
    run(&s, 0, 1u << 20);
    shape_layouts(&s, "km", "nk", "mn");
    s.a = SINTER_I8;
    run(&s, 0, 1u << 20);
}
END_TEST

START_TEST(test_refusals) {
    static const struct {
        sinter_dtype a, b, sum;
        uint32_t instructions;
        const char *why;
        int64_t k; /* 0: a few; widened operands */
    } cases[] = {{SINTER_F32, SINTER_F32, SINTER_F32, ~0u, "exactly"},
                 {SINTER_F16, SINTER_BF16, SINTER_F32, ~0u, "one dtype"},
                 {SINTER_BF16, SINTER_BF16, SINTER_BF16, 0, "no matrix instruction"},
                 {SINTER_BF16, SINTER_BF16, SINTER_BF16, 1, "exactly"},
                 {SINTER_I32, SINTER_I32, SINTER_I32, ~0u, "integers"},
                 {SINTER_BF16, SINTER_BF16, SINTER_F32, ~0u, "not as exact", 1025}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        contraction p;
        sni_kspec spec;
        sni_caps caps = caps_of(0, 1);
        caps.instructions = cases[i].instructions;
        shape s = matmul("refused", cases[i].sum, 1, 4, 4, cases[i].k > 0 ? cases[i].k : 4);
        s.widened = cases[i].k > 0;
        s.a = cases[i].a;
        s.b = cases[i].b;
        ck_assert(program_init(&p, &s));
        ck_assert_int_eq(sni_codegen(&p.loop, &caps, "gpu_mma", p.arena, &spec), SINTER_UNSUPPORTED);
        ck_assert_msg(strstr(sinter_last_error(), cases[i].why) != NULL, "%s", sinter_last_error());
        program_deinit(&p);
    }
}
END_TEST

START_TEST(test_out_of_memory) {
    shape s = matmul("out of memory", SINTER_F16, 2, 9, 20, 33);
    s.symbolic = s.bias = s.relu = true;
    sinter_status status = SINTER_OUT_OF_MEMORY;
    for (int64_t nth = 1; status != SINTER_OK; ++nth) {
        contraction p;
        sni_kspec spec;
        sni_caps caps = caps_of(0, 1);
        ck_assert(program_init(&p, &s));
        sni_alloc_fail_at(nth);
        status = sni_codegen(&p.loop, &caps, "gpu_mma", p.arena, &spec);
        sni_alloc_fail_at(0);
        program_deinit(&p);
        ck_assert_int_lt(nth, 100000);
    }
}
END_TEST

/* ---- Kernels for devices that are not here ---- */

static void dump_for(int row, const shape *s, uint32_t units) {
    const sni_instruction *instruction = sni_instruction_at(row);
    contraction p;
    sni_kspec spec;
    char *text = NULL, name[96];
    sni_caps caps = caps_of(row, units);
    caps.emulate_instructions = false;
    caps.has_inline_ptx = instruction->needs == SNI_NEEDS_PTX;
    caps.has_amd_builtins = instruction->needs == SNI_NEEDS_AMD;
    caps.local_bytes = 48 << 10;
    caps.local_counts_twice = false;
    caps.max_work_group = caps.max_work_item[0] = 1024;
    ck_assert(program_init(&p, s));
    must(sni_codegen(&p.loop, &caps, "gpu_mma", p.arena, &spec));
    must(sni_source_assemble(sni_embedded_files, spec.source, "kernel", &text));
    ck_assert_ptr_nonnull(strstr(text, instruction->needs == SNI_NEEDS_PTX ? "mma.sync" : "__builtin_amdgcn"));
    snprintf(name, sizeof name, "gpu_mma_%s", instruction->name);
    dump_kernel(name, text, "");
    sni_free(text);
    program_deinit(&p);
}

/* A large tile with vector loads, and small ones with everything that can stand in a kernel. */
START_TEST(test_other_devices) {
    for (int r = 0; r < sni_instruction_count(); ++r) {
        if (!is_product_row(r)) continue;
        sinter_dtype dtype = sni_instruction_at(r)->dtype;
        shape s = matmul("plain", dtype, 1, 4096, 4096, 4096);
        shape_layouts(&s, "mk", "nk", "mn");
        dump_for(r, &s, 100);
        shape_layouts(&s, "km", "kn", "mn");
        s.symbolic = true;
        dump_for(r, &s, 1);
        s = matmul("small", dtype, 3, 40, 60, 100);
        s.bias = s.relu = s.residual = s.symbolic = true;
        s.a = SINTER_I8;
        dump_for(r, &s, 100);
    }
}
END_TEST

int main(void) {
    const TTest *const small[] = {test_small};
    const TTest *const tests[] = {test_table,        test_probe,    test_answers,       test_rows,
                                  test_whole_chunks, test_tiles,    test_empty,         test_prologues,
                                  test_small,        test_refusals, test_out_of_memory, test_other_devices};
    bool few = getenv("SINTER_TEST_SMALL") != NULL;
    test_device_open(&test);
    sni_probe_instructions(test.device, test.cache, test.pool, "");
    Suite *suite =
        few ? suite_of("codegen/mma", small, 1) : suite_of("codegen/mma", tests, sizeof tests / sizeof *tests);
    int result = run_suite(suite);
    test_device_close(&test);
    return result;
}
