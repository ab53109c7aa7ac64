/* Generated kernels against the interpreter: hand-built programs of every kind, with every strategy that takes them,
 * also those of the other class of device, for sizes that are odd, 1, 0 and large. */
#include "check_main.h"

#include <math.h>
#include <unistd.h>

#include "base/alloc.h"
#include "codegen/strategies.h"
#include "device_run.h"
#include "interpret.h"

enum { CANARY = 64 };

static test_device device;
static int kernels_run;
static size_t candidates_every; /* not 0: one of so many candidates of a strategy is run beside its rule's choice */

/* ---- Running ---------------------------------------------------------------------------------- */

static double tolerance_of(const builder *b, sinter_dtype dtype) {
    double f32 = b->tolerance > 0 ? b->tolerance : 2e-5;
    switch (dtype) {
    case SINTER_F16:
        return f32 + 1.0 / 1024;
    case SINTER_BF16:
        return f32 + 1.0 / 128;
    case SINTER_F64:
        return 1e-12;
    default:
        return f32;
    }
}

static void compare(const builder *b, int n, const void *got, const char *strategy, const char *label) {
    sinter_dtype dtype = b->buffers[n].dtype;
    int64_t count = evaluate(b, b->buffers[n].count);
    for (int64_t i = 0; i < count; ++i) {
        double f = 0, wanted_f = 0;
        int64_t v = 0, wanted = 0;
        sni_dtype_load(dtype, got, i, &f, &v);
        sni_dtype_load(dtype, b->data[n], i, &wanted_f, &wanted);
        bool same = sni_dtype_is_real(dtype) ? f == wanted_f || (f != f && wanted_f != wanted_f) ||
                                                   fabs(f - wanted_f) <= tolerance_of(b, dtype) * (fabs(wanted_f) + 1)
                                             : v == wanted;
        ck_assert_msg(same, "%s, %s: buffer %d (%s) [%lld of %lld]: %.9g / %lld, not %.9g / %lld", label, strategy, n,
                      sinter_dtype_name(dtype), (long long)i, (long long)count, f, (long long)v, wanted_f,
                      (long long)wanted);
    }
}

static void set_arguments(const builder *b, const sni_kspec *spec, sni_launch *launch, sni_mem *const *mems,
                          bool wide) {
    for (int i = 0; i < spec->arg_count; ++i) {
        const sni_karg *arg = &spec->args[i];
        if (arg->kind == SNI_KARG_BUFFER) {
            must(sni_launch_set_mem(launch, i, mems[arg->buffer]));
        } else if (arg->kind == SNI_KARG_OFFSET) {
            static const uint64_t start = 0;
            must(sni_launch_set_scalar(launch, i, &start, sizeof start));
        } else if (arg->kind == SNI_KARG_INDEX) {
            int64_t value = evaluate(b, arg->expr);
            int32_t narrow = (int32_t)value;
            must(sni_launch_set_scalar(launch, i, wide ? (void *)&value : (void *)&narrow, wide ? 8 : 4));
        } else {
            must(sni_launch_set_local(launch, i, arg->local_bytes));
        }
    }
}

static void launch_spec(const builder *b, const sni_kspec *spec, sni_mem *const *mems, bool wide) {
    sni_program *program = build_kernel(&device, spec->source, spec->entry, wide ? "-DSN_IDX64" : spec->options);
    sni_launch *launch;
    must(sni_launch_create(program, &launch));
    set_arguments(b, spec, launch, mems, wide);
    size_t global[3];
    bool nothing = false;
    for (int d = 0; d < spec->dims; ++d) {
        global[d] = (size_t)evaluate(b, spec->global[d]);
        nothing |= global[d] == 0;
    }
    if (!nothing)
        must(sni_launch_enqueue(launch, spec->dims, global, spec->local[0] != 0 ? spec->local : NULL, false, NULL));
    must(sni_queue_finish(device.device));
    ++kernels_run;
    sni_launch_release(launch);
    sni_program_release(program);
}

/* Runs a generated kernel and compares every output; what lies behind an output must stay as it was. */
static void run_spec(const builder *b, const sni_kspec *spec, const char *label, bool wide) {
    sni_mem *mems[MAX_BUFFERS] = {NULL};
    size_t bytes[MAX_BUFFERS];
    for (int n = 0; n < b->loop.buffer_count; ++n) {
        bytes[n] = (size_t)evaluate(b, b->buffers[n].count) * sinter_dtype_size(b->buffers[n].dtype);
        bool out = b->buffers[n].is_output;
        mems[n] = device_memory(&device, out ? NULL : b->data[n], bytes[n] + (out ? CANARY : 0), 0xee);
    }
    if (b->in_place_of > 0) {
        sni_mem_release(mems[b->in_place]);
        mems[b->in_place] = sni_mem_retain(mems[b->in_place_of]);
        must(sni_mem_write(mems[b->in_place], 0, b->data[b->in_place], bytes[b->in_place], true));
    }
    launch_spec(b, spec, mems, wide);
    for (int n = 0; n < b->loop.buffer_count; ++n) {
        if (b->buffers[n].is_output) {
            uint8_t *got = malloc(bytes[n] + CANARY);
            must(sni_mem_read(mems[n], 0, got, bytes[n] + CANARY, true));
            compare(b, n, got, spec->strategy, label);
            for (int i = 0; i < CANARY; ++i)
                ck_assert_msg(got[bytes[n] + (size_t)i] == 0xee, "%s, %s: wrote past buffer %d", label, spec->strategy,
                              n);
            free(got);
        }
        sni_mem_release(mems[n]);
    }
}

/* What a rule chooses can be written down and read again: a record may hold it. */
static void check_round_trip(const sni_schedule *schedule) {
    sni_str text = SNI_STR_INIT;
    sni_schedule read;
    sni_codegen_print_schedule(schedule, &text);
    must(sni_codegen_parse_schedule(schedule->strategy, sni_str_text(&text), &read));
    ck_assert(sni_schedule_equal(schedule, &read));
    sni_str_deinit(&text);
}

/* Every candidate around the rule's choice is generated, some are run. */
static void run_candidates(const builder *b, const sni_caps *caps, const sni_schedule *rule, const char *label) {
    sni_candidates list = {.items = NULL};
    must(sni_candidates_around(&list, &b->loop, caps, rule, 1000));
    ck_assert(sni_schedule_equal(&list.items[0], rule));
    for (size_t i = 0; i < list.count; ++i) {
        sni_kspec spec;
        must(sni_codegen_as(&b->loop, caps, &list.items[i], b->arena, &spec));
        if (i > 0 && i % candidates_every == 0) run_spec(b, &spec, label, false);
    }
    sni_candidates_deinit(&list);
}

/* Runs a program under every strategy that takes it for either class of device. */
static void run_all(builder *b, const char *label, bool wild) {
    const char *broken = sni_loop_verify(&b->loop);
    ck_assert_msg(broken == NULL, "%s: %s", label, broken);
    fill(b, wild);
    interpret(b);
    for (int class = 0; class < 2; ++class) {
        sni_caps caps = device.device->caps;
        caps.device_class = class == 0 ? SNI_DEVICE_CPU : SNI_DEVICE_GPU;
        for (size_t i = 0; i < sni_strategy_count(); ++i) {
            const sni_strategy *strategy = sni_strategy_at(i);
            sni_str why = SNI_STR_INIT;
            bool takes = strategy->accepts(&b->loop, &caps, &why);
            ck_assert_msg(takes || why.length > 0, "%s refuses without a word", strategy->name);
            sni_str_deinit(&why);
            if (!takes || (class == 1 && strcmp(strategy->name, "plain") == 0)) continue;
            sni_kspec spec;
            must(sni_codegen(&b->loop, &caps, strategy->name, b->arena, &spec));
            if (getenv("SINTER_TEST_VERBOSE") != NULL) fprintf(stderr, "%s: %s\n", label, strategy->name);
            run_spec(b, &spec, label, false);
            check_round_trip(&spec.schedule);
            if (candidates_every > 0) run_candidates(b, &caps, &spec.schedule, label);
            if (getenv("SINTER_TEST_IDX64") != NULL) run_spec(b, &spec, label, true);
        }
    }
}

static void finish(builder *b, const char *label, bool wild) {
    run_all(b, label, wild);
    builder_deinit(b);
}

static bool usable(sinter_dtype dtype) {
    return dtype != SINTER_F64 || device.device->caps.has_f64;
}

static const int64_t lengths[] = {1, 0, 7, 64, 1003};
enum { LENGTHS = sizeof lengths / sizeof *lengths };

/* ---- Elementwise ------------------------------------------------------------------------------ */

/* y[i, j] = gelu(x[i, j] * w[j] + c[i]) */
static void broadcast_chain(sinter_dtype dtype, int64_t rows, int64_t columns) {
    builder b;
    builder_init(&b);
    sni_expr m = dim(&b, "m", rows), n = dim(&b, "n", columns);
    sni_expr i = axis(&b, m, false), j = axis(&b, n, false);
    int x = load(&b, buffer(&b, dtype, times(&b, m, n), false), at2(&b, i, n, j), SNI_NO_EXPR);
    int w = load(&b, buffer(&b, dtype, n, false), j, SNI_NO_EXPR);
    int c = load(&b, buffer(&b, dtype, m, false), i, SNI_NO_EXPR);
    int y = op(&b, "gelu", op(&b, "add", op(&b, "mul", x, w, -1), c, -1), -1, -1);
    output(&b, times(&b, m, n), at2(&b, i, n, j), y);
    finish(&b, "broadcast chain", false);
}

START_TEST(elementwise_broadcast) {
    static const sinter_dtype dtypes[] = {SINTER_F32, SINTER_F16, SINTER_BF16, SINTER_F64};
    for (int d = 0; d < 4; ++d)
        for (int n = 0; n < LENGTHS; ++n)
            if (usable(dtypes[d])) broadcast_chain(dtypes[d], 5, lengths[n]);
    broadcast_chain(SINTER_F32, 0, 9);
    broadcast_chain(SINTER_F32, 300, 257);
}
END_TEST

/* Numbers of every dtype: arithmetic that wraps, comparisons, where, bool operators. */
static void numbers(sinter_dtype dtype, int64_t length) {
    builder b;
    builder_init(&b);
    sni_expr n = dim(&b, "n", length), i = axis(&b, n, false);
    int x = load(&b, buffer(&b, dtype, n, false), i, SNI_NO_EXPR),
        y = load(&b, buffer(&b, dtype, n, false), i, SNI_NO_EXPR);
    int flag = load(&b, buffer(&b, SINTER_BOOL, n, false), i, SNI_NO_EXPR);
    int three = constant(&b, dtype, 3), less = op(&b, "lt", x, y, -1);
    output(&b, n, i, op(&b, "add", op(&b, "mul", x, y, -1), three, -1));
    output(&b, n, i, less);
    output(&b, n, i,
           op(&b, "xor", op(&b, "and", flag, less, -1), op(&b, "not", op(&b, "eq", x, three, -1), -1, -1), -1));
    output(&b, n, i, op(&b, "where", flag, op(&b, "sub", x, y, -1), op(&b, "neg", x, -1, -1)));
    output(&b, n, i, op(&b, "div", x, op(&b, "max", y, three, -1), -1));
    output(&b, n, i, op(&b, "mod", x, three, -1));
    output(&b, n, i, op(&b, "sign", op(&b, "clip", x, op(&b, "neg", three, -1, -1), y), -1, -1));
    finish(&b, sinter_dtype_name(dtype), sni_dtype_class_of(dtype) == SNI_CLASS_INT);
}

/* Mesa 22.3's llvmpipe narrows minima, maxima and signs of 8-bit values to 8-bit vectors and then crashes in LLVM;
 * the code is right, and nothing can be caught in a crashed process. */
static bool crashes_driver(sinter_dtype dtype) {
    return strstr(device.device->caps.platform, "rusticl") != NULL && sinter_dtype_size(dtype) == 1;
}

START_TEST(elementwise_numbers) {
    for (int d = SINTER_F32; d < SINTER_DTYPE_COUNT; ++d)
        if (d != SINTER_BOOL && usable((sinter_dtype)d) && !crashes_driver((sinter_dtype)d))
            numbers((sinter_dtype)d, 131);
}
END_TEST

/* From one dtype to all others, with special values. */
START_TEST(casts) {
    for (int d = SINTER_F32; d < SINTER_DTYPE_COUNT; ++d) {
        if (!usable((sinter_dtype)d)) continue;
        builder b;
        builder_init(&b);
        sni_expr n = dim(&b, "n", 97), i = axis(&b, n, false);
        int x = load(&b, buffer(&b, (sinter_dtype)d, n, false), i, SNI_NO_EXPR);
        for (int t = SINTER_F32; t < SINTER_DTYPE_COUNT; ++t)
            if (usable((sinter_dtype)t)) output(&b, n, i, cast(&b, x, (sinter_dtype)t));
        /* Through 16 bits and back: the rounding must not get lost inside a kernel. */
        output(&b, n, i, cast(&b, cast(&b, x, SINTER_F16), SINTER_F32));
        output(&b, n, i, cast(&b, cast(&b, x, SINTER_BF16), SINTER_F32));
        finish(&b, "casts", true);
    }
}
END_TEST

/* Every elementwise row of the table in f32, and those of integers in i32; seven rows a kernel. */
START_TEST(every_operator) {
    static const sinter_dtype dtypes[] = {SINTER_F32, SINTER_I32};
    for (int d = 0; d < 2; ++d)
        for (size_t first = 0; first < sni_op_count();) {
            builder b;
            builder_init(&b);
            sni_expr n = dim(&b, "n", 77), i = axis(&b, n, false);
            int x = load(&b, buffer(&b, dtypes[d], n, false), i, SNI_NO_EXPR),
                y = load(&b, buffer(&b, dtypes[d], n, false), i, SNI_NO_EXPR);
            int flag = load(&b, buffer(&b, SINTER_BOOL, n, false), i, SNI_NO_EXPR);
            int used = 0;
            for (; first < sni_op_count() && used < 7; ++first) {
                const sni_op *row = sni_op_at(first);
                sni_dtype_class class = sni_dtype_class_of(dtypes[d]);
                if (row->kind != SNI_OP_ELEMENTWISE || (row->classes & class) == 0 || strcmp(row->name, "where") == 0)
                    continue;
                int arity = row->max_inputs;
                output(&b, n, i, op(&b, row->name, x, arity > 1 ? y : -1, arity > 2 ? x : -1));
                ++used;
            }
            output(&b, n, i, flag);
            finish(&b, "operators", false);
        }
}
END_TEST

/* Transposed, reversed and strided reads; a floor division of what may be negative. */
START_TEST(index_maps) {
    for (int k = 0; k < LENGTHS; ++k) {
        builder b;
        builder_init(&b);
        sni_sym *sym = b.loop.sym;
        sni_expr m = dim(&b, "m", 6), n = dim(&b, "n", lengths[k]), i = axis(&b, m, false), j = axis(&b, n, false);
        sni_expr total = times(&b, m, n), last = sni_sym_add_i(sym, sni_sym_sub(sym, n, j), -1);
        int x = buffer(&b, SINTER_F32, total, false),
            wide = buffer(&b, SINTER_I32, sni_sym_mul_i(sym, total, 2), false);
        output(&b, total, at2(&b, i, n, j), load(&b, x, at2(&b, j, m, i), SNI_NO_EXPR));
        output(&b, total, at2(&b, i, n, j), load(&b, x, at2(&b, i, n, last), SNI_NO_EXPR));
        output(&b, total, at2(&b, i, n, j), load(&b, wide, sni_sym_mul_i(sym, at2(&b, i, n, j), 2), SNI_NO_EXPR));
        output(&b, total, at2(&b, j, m, i), load(&b, x, at2(&b, i, n, j), SNI_NO_EXPR));
        /* Oclgrind 21.10 does not know LLVM's freeze, which divisions with remainders turn into. */
        bool divides = strstr(device.device->caps.platform, "Oclgrind") == NULL;
        sni_expr shifted = sni_sym_add_i(sym, j, -4);
        if (divides)
            output(&b, total, at2(&b, i, n, j),
                   cast(&b, index_of(&b, sni_sym_div(sym, shifted, number(&b, 3))), SINTER_F32));
        if (divides) output(&b, total, at2(&b, i, n, j), index_of(&b, sni_sym_mod(sym, shifted, number(&b, 3))));
        finish(&b, "index maps", false);
    }
}
END_TEST

/* Padding and a causal mask: guards that change from lane to lane. */
START_TEST(guards) {
    for (int k = 0; k < LENGTHS; ++k) {
        builder b;
        builder_init(&b);
        sni_sym *sym = b.loop.sym;
        sni_expr m = dim(&b, "m", 9), n = dim(&b, "n", lengths[k]), i = axis(&b, m, false),
                 j = axis(&b, sni_sym_add_i(sym, n, 4), false);
        sni_expr columns = sni_sym_add_i(sym, n, 4), total = times(&b, m, columns), source = sni_sym_add_i(sym, j, -2);
        sni_expr inside = sni_sym_and(sym, sni_sym_le(sym, number(&b, 0), source), sni_sym_lt(sym, source, n));
        int x = buffer(&b, SINTER_F16, times(&b, m, n), false);
        int padded = load(&b, x, at2(&b, i, n, source), inside);
        int filled = select_by(&b, inside, padded, constant(&b, SINTER_F16, -1.5));
        output(&b, total, at2(&b, i, columns, j), filled);
        int wide = cast(&b, padded, SINTER_F32), low = constant(&b, SINTER_F32, -INFINITY);
        output(&b, total, at2(&b, i, columns, j), select_by(&b, sni_sym_le(sym, j, i), wide, low));
        sni_expr odd = sni_sym_eq(sym, sni_sym_mod(sym, j, number(&b, 2)), number(&b, 1));
        output(&b, total, at2(&b, i, columns, j), select_by(&b, sni_sym_and(sym, odd, inside), wide, low));
        int every_other = load(&b, x, at2(&b, i, n, source), sni_sym_and(sym, odd, inside));
        output(&b, total, at2(&b, i, columns, j), every_other);
        finish(&b, "guards", false);
    }
}
END_TEST

/* Rows chosen by an index, and elements chosen by an index in every lane; negative ones count from the end. */
START_TEST(gathers) {
    for (int k = 0; k < LENGTHS; ++k) {
        builder b;
        builder_init(&b);
        sni_sym *sym = b.loop.sym;
        sni_expr m = dim(&b, "m", 11), n = dim(&b, "n", lengths[k]), i = axis(&b, m, false), j = axis(&b, n, false);
        int table = buffer(&b, SINTER_BF16, times(&b, number(&b, 13), n), false),
            list = buffer(&b, SINTER_I64, m, false);
        int columns = buffer(&b, SINTER_I32, n, false);
        sni_expr row = sni_sym_value(sym, load(&b, list, i, SNI_NO_EXPR), SNI_NO_EXPR, SNI_NO_EXPR);
        row = sni_sym_mod(sym, row, number(&b, 13));
        sni_expr column = sni_sym_value(sym, load(&b, columns, j, SNI_NO_EXPR), SNI_NO_EXPR, SNI_NO_EXPR);
        column = sni_sym_max(sym, sni_sym_min(sym, column, sni_sym_add_i(sym, n, -1)), number(&b, 0));
        output(&b, times(&b, m, n), at2(&b, i, n, j), load(&b, table, at2(&b, row, n, j), SNI_NO_EXPR));
        output(&b, times(&b, m, n), at2(&b, i, n, j), load(&b, table, at2(&b, row, n, column), SNI_NO_EXPR));
        b.loop.uses_i64 = false; /* as the index loads' exception wants it */
        finish(&b, "gathers", false);
    }
}
END_TEST

/* y[j, b, i] = relu(x[i, b, j]) * w[j] + z[j, b, i] + v[i]: tiles of x, and of nothing else. guarded: x is padded. */
static void transposed(sinter_dtype dtype, int64_t m, int64_t n, bool guarded) {
    builder b;
    builder_init(&b);
    sni_sym *sym = b.loop.sym;
    sni_expr rows = dim(&b, "m", m), planes = dim(&b, "b", 3), columns = dim(&b, "n", n);
    sni_expr j = axis(&b, columns, false), p = axis(&b, planes, false), i = axis(&b, rows, false);
    sni_expr total = times(&b, times(&b, rows, planes), columns), to = at2(&b, at2(&b, j, planes, p), rows, i);
    sni_expr x_at = at2(&b, at2(&b, i, planes, p), columns, j), guard = SNI_NO_EXPR;
    if (guarded) {
        x_at = sni_sym_add_i(sym, x_at, -1);
        guard = sni_sym_lt(sym, number(&b, 0), j);
    }
    int x = load(&b, buffer(&b, dtype, total, false), x_at, guard);
    int w = load(&b, buffer(&b, dtype, columns, false), j, SNI_NO_EXPR),
        v = load(&b, buffer(&b, dtype, rows, false), i, SNI_NO_EXPR);
    int z = load(&b, buffer(&b, dtype, total, false), to, SNI_NO_EXPR);
    int y = op(&b, "add", op(&b, "add", op(&b, "mul", op(&b, "relu", x, -1, -1), w, -1), z, -1), v, -1);
    output(&b, total, to, y);
    if (dtype == SINTER_F32) output(&b, total, to, op(&b, "neg", x, -1, -1));
    finish(&b, "transposed", false);
}

START_TEST(transposes) {
    static const sinter_dtype dtypes[] = {SINTER_F32, SINTER_BF16, SINTER_I64, SINTER_I8};
    static const int64_t sizes[][2] = {{1, 1}, {7, 70}, {64, 32}, {65, 33}, {0, 5}, {40, 9}, {130, 145}};
    for (int d = 0; d < 4; ++d)
        for (int k = 0; k < 7; ++k)
            if (!crashes_driver(dtypes[d]) && (d == 0 || k == 1 || k == 3))
                transposed(dtypes[d], sizes[k][0], sizes[k][1], d == 0 && k % 2 == 1);
    candidates_every = 9;
    transposed(SINTER_F16, 40, 25, true);
    candidates_every = 0;
}
END_TEST

/* ---- Rows ------------------------------------------------------------------------------------- */

static int scaled(builder *b, int x, sni_expr count) {
    return op(b, "div", x, cast(b, index_of(b, count), b->stmts[x].dtype), -1);
}

/* softmax and log-softmax of a scaled input, several dtypes */
static void softmax(sinter_dtype dtype, int64_t rows, int64_t columns) {
    builder b;
    builder_init(&b);
    sni_expr m = dim(&b, "m", rows), n = dim(&b, "n", columns), i = axis(&b, m, false), j = axis(&b, n, true);
    int x = cast(&b, load(&b, buffer(&b, dtype, times(&b, m, n), false), at2(&b, i, n, j), SNI_NO_EXPR),
                 dtype == SINTER_F64 ? SINTER_F64 : SINTER_F32);
    int top = reduce(&b, SNI_COMBINE_MAX, x), centred = op(&b, "sub", x, top, -1), e = op(&b, "exp", centred, -1, -1);
    int sum = reduce(&b, SNI_COMBINE_SUM, e);
    output(&b, times(&b, m, n), at2(&b, i, n, j), cast(&b, op(&b, "div", e, sum, -1), dtype));
    output(&b, times(&b, m, n), at2(&b, i, n, j),
           cast(&b, op(&b, "sub", centred, op(&b, "log", sum, -1, -1), -1), dtype));
    output(&b, m, i, top);
    finish(&b, "softmax", false);
}

START_TEST(row_softmax) {
    static const sinter_dtype dtypes[] = {SINTER_F32, SINTER_F16, SINTER_BF16, SINTER_F64};
    for (int d = 0; d < 4; ++d)
        for (int n = 0; n < LENGTHS; ++n)
            if (usable(dtypes[d])) softmax(dtypes[d], 5, lengths[n]);
    softmax(SINTER_F32, 67, 33);
    softmax(SINTER_F32, 0, 33);
}
END_TEST

/* One output, for which the exponentials may wait; also where the input was. */
START_TEST(row_softmax_alone) {
    for (int in_place = 0; in_place < 2; ++in_place)
        for (int k = 0; k < LENGTHS; ++k) {
            builder b;
            builder_init(&b);
            sni_expr m = dim(&b, "m", 9), n = dim(&b, "n", lengths[k]), i = axis(&b, m, false), j = axis(&b, n, true);
            int from = buffer(&b, SINTER_F32, times(&b, m, n), false);
            int x = load(&b, from, at2(&b, i, n, j), SNI_NO_EXPR);
            int e = op(&b, "exp", op(&b, "sub", x, reduce(&b, SNI_COMBINE_MAX, x), -1), -1, -1);
            output(&b, times(&b, m, n), at2(&b, i, n, j), op(&b, "div", e, reduce(&b, SNI_COMBINE_SUM, e), -1));
            if (in_place && lengths[k] > 0) {
                b.in_place = from;
                b.in_place_of = b.loop.buffer_count - 1;
                b.buffers[b.in_place].may_alias = b.buffers[b.in_place_of].may_alias = true;
            }
            finish(&b, "softmax alone", false);
        }
}
END_TEST

/* layer norm: mean, variance, scale and bias; the mean and the sum of squares also go out. */
START_TEST(row_layer_norm) {
    for (int k = 0; k < LENGTHS; ++k) {
        if (lengths[k] == 0) continue;
        builder b;
        builder_init(&b);
        sni_expr m = dim(&b, "m", 19), n = dim(&b, "n", lengths[k]), i = axis(&b, m, false), j = axis(&b, n, true);
        sni_expr total = times(&b, m, n), at = at2(&b, i, n, j);
        int x = load(&b, buffer(&b, SINTER_F32, total, false), at, SNI_NO_EXPR);
        int w = load(&b, buffer(&b, SINTER_F32, n, false), j, SNI_NO_EXPR),
            c = load(&b, buffer(&b, SINTER_F32, n, false), j, SNI_NO_EXPR);
        int mean = scaled(&b, reduce(&b, SNI_COMBINE_SUM, x), n), centred = op(&b, "sub", x, mean, -1);
        int squares = reduce(&b, SNI_COMBINE_SUM, op(&b, "mul", centred, centred, -1));
        int deviation =
            op(&b, "rsqrt", op(&b, "add", scaled(&b, squares, n), constant(&b, SINTER_F32, 1e-5), -1), -1, -1);
        int y = op(&b, "add", op(&b, "mul", op(&b, "mul", centred, deviation, -1), w, -1), c, -1);
        output(&b, total, at, y);
        output(&b, m, i, mean);
        output(&b, m, i, squares);
        b.tolerance = 1e-4;
        finish(&b, "layer norm", false);
    }
}
END_TEST

/* Every combiner in several dtypes over a row, a column, and everything. form 0: rows, 1: columns, 2: all */
static void combiners(sinter_dtype dtype, int form, int64_t length) {
    builder b;
    builder_init(&b);
    sni_expr m = dim(&b, "m", 6), n = dim(&b, "n", length), i, j;
    if (form == 1) {
        j = axis(&b, n, false);
        i = axis(&b, m, true);
    } else {
        i = axis(&b, m, form == 2);
        j = axis(&b, n, true);
    }
    int x = load(&b, buffer(&b, dtype, times(&b, m, n), false), at2(&b, i, n, j), SNI_NO_EXPR);
    sni_expr at = form == 0 ? i : form == 1 ? j : number(&b, 0), count = form == 0 ? m : form == 1 ? n : number(&b, 1);
    for (int c = SNI_COMBINE_SUM; c <= SNI_COMBINE_MIN; ++c) output(&b, count, at, reduce(&b, (sni_combiner)c, x));
    b.tolerance = 1e-4;
    finish(&b, "combiners", dtype != SINTER_F32 && dtype != SINTER_F64);
}

START_TEST(reductions) {
    static const sinter_dtype dtypes[] = {SINTER_F32, SINTER_F64, SINTER_I8, SINTER_I32, SINTER_I64};
    for (int d = 0; d < 5; ++d)
        for (int form = 0; form < 3; ++form)
            for (int k = 0; k < LENGTHS; ++k)
                if (usable(dtypes[d]) && !crashes_driver(dtypes[d])) combiners(dtypes[d], form, lengths[k]);
}
END_TEST

/* NaN and infinities win or lose as they must. */
START_TEST(reductions_of_nan) {
    for (int form = 0; form < 2; ++form) {
        builder b;
        builder_init(&b);
        sni_expr m = dim(&b, "m", 40), n = dim(&b, "n", 50), i = axis(&b, form ? n : m, false),
                 j = axis(&b, form ? m : n, true);
        int x = load(&b, buffer(&b, SINTER_F32, times(&b, m, n), false), form ? at2(&b, j, n, i) : at2(&b, i, n, j),
                     SNI_NO_EXPR);
        output(&b, form ? n : m, i, reduce(&b, SNI_COMBINE_MAX, x));
        output(&b, form ? n : m, i, reduce(&b, SNI_COMBINE_MIN, x));
        finish(&b, "reductions of NaN", true);
    }
}
END_TEST

/* Statistics of channels: inner axes batch, height * width; then a normalised store inside the row. */
START_TEST(several_inner_axes) {
    builder b;
    builder_init(&b);
    sni_expr batch = dim(&b, "batch", 3), c = dim(&b, "c", 5), hw = dim(&b, "hw", 35);
    sni_expr k = axis(&b, c, false), i = axis(&b, batch, true), j = axis(&b, hw, true);
    sni_expr count = times(&b, batch, hw), total = times(&b, count, c),
             at = plus(&b, times(&b, plus(&b, times(&b, i, c), k), hw), j);
    int x = load(&b, buffer(&b, SINTER_F32, total, false), at, SNI_NO_EXPR);
    int mean = scaled(&b, reduce(&b, SNI_COMBINE_SUM, x), count),
        square = scaled(&b, reduce(&b, SNI_COMBINE_SUM, op(&b, "mul", x, x, -1)), count);
    output(&b, c, k, mean);
    output(&b, c, k, square);
    output(&b, total, at, op(&b, "mul", op(&b, "sub", x, mean, -1), op(&b, "rsqrt", square, -1, -1), -1));
    finish(&b, "several inner axes", false);
}
END_TEST

/* max and average pooling, 3 x 3, stride 1 and 2, padded: lanes along the picture's width. */
static void pooling(int64_t width, int stride, bool known) {
    builder b;
    builder_init(&b);
    sni_sym *sym = b.loop.sym;
    sni_expr c = dim(&b, "c", 3), h = dim(&b, "h", 8), w = known ? number(&b, width) : dim(&b, "w", width);
    sni_expr oh = sni_sym_ceil_div(sym, h, number(&b, stride)), ow = sni_sym_ceil_div(sym, w, number(&b, stride));
    sni_expr k = axis(&b, c, false), y = axis(&b, oh, false), x = axis(&b, ow, false);
    sni_expr r = axis(&b, number(&b, 3), true), s = axis(&b, number(&b, 3), true);
    sni_expr iy = sni_sym_add_i(sym, plus(&b, sni_sym_mul_i(sym, y, stride), r), -1);
    sni_expr ix = sni_sym_add_i(sym, plus(&b, sni_sym_mul_i(sym, x, stride), s), -1);
    sni_expr inside = sni_sym_and(sym, sni_sym_and(sym, sni_sym_le(sym, number(&b, 0), iy), sni_sym_lt(sym, iy, h)),
                                  sni_sym_and(sym, sni_sym_le(sym, number(&b, 0), ix), sni_sym_lt(sym, ix, w)));
    sni_expr from = plus(&b, times(&b, plus(&b, times(&b, k, h), iy), w), ix),
             to = plus(&b, times(&b, plus(&b, times(&b, k, oh), y), ow), x);
    int v = load(&b, buffer(&b, SINTER_F32, times(&b, times(&b, c, h), w), false), from, inside);
    int weights = load(&b, buffer(&b, SINTER_F32, number(&b, 27), false),
                       plus(&b, times(&b, plus(&b, times(&b, k, number(&b, 3)), r), number(&b, 3)), s), SNI_NO_EXPR);
    sni_expr count = times(&b, times(&b, c, oh), ow);
    output(&b, count, to, reduce(&b, SNI_COMBINE_MAX, select_by(&b, inside, v, constant(&b, SINTER_F32, -INFINITY))));
    output(&b, count, to, op(&b, "relu", reduce(&b, SNI_COMBINE_SUM, op(&b, "mul", v, weights, -1)), -1, -1));
    finish(&b, "pooling", false);
}

START_TEST(windows) {
    pooling(50, 1, false);
    pooling(50, 2, false);
    pooling(5, 1, false);
    pooling(1, 2, false);
    /* A known width decides on lanes: all of one vector, some and a rest. */
    for (int width = 2; width <= 30; width += 4) pooling(width, 1, true);
}
END_TEST

/* A product of matrices without a template, with a bias and an activation behind it. */
START_TEST(contraction) {
    for (int k = 0; k < LENGTHS; ++k) {
        builder b;
        builder_init(&b);
        sni_expr m = dim(&b, "m", 5), n = dim(&b, "n", lengths[k] < 100 ? lengths[k] : 130), depth = dim(&b, "k", 37);
        sni_expr i = axis(&b, m, false), j = axis(&b, n, false), l = axis(&b, depth, true);
        int x = load(&b, buffer(&b, SINTER_F32, times(&b, m, depth), false), at2(&b, i, depth, l), SNI_NO_EXPR);
        int w = load(&b, buffer(&b, SINTER_F32, times(&b, depth, n), false), at2(&b, l, n, j), SNI_NO_EXPR);
        int c = load(&b, buffer(&b, SINTER_F32, n, false), j, SNI_NO_EXPR);
        int sum = reduce(&b, SNI_COMBINE_SUM, op(&b, "mul", x, w, -1));
        output(&b, times(&b, m, n), at2(&b, i, n, j), op(&b, "silu", op(&b, "add", sum, c, -1), -1, -1));
        b.tolerance = 1e-4;
        finish(&b, "contraction", false);
    }
}
END_TEST

/* ---- Properties ------------------------------------------------------------------------------- */

static const char *row_source(builder *b, int64_t rows, int64_t columns) {
    builder_init(b);
    sni_expr m = dim(b, "m", rows), n = dim(b, "n", columns), i = axis(b, m, false), j = axis(b, n, true);
    int x = load(b, buffer(b, SINTER_F32, times(b, m, n), false), at2(b, i, n, j), SNI_NO_EXPR);
    output(b, m, i, reduce(b, SNI_COMBINE_SUM, x));
    sni_kspec spec;
    must(sni_codegen(&b->loop, &device.device->caps, NULL, b->arena, &spec));
    ck_assert_str_ne(spec.strategy, "plain");
    return spec.source;
}

static const char *constant_source(builder *b, int64_t length) {
    builder_init(b);
    sni_expr n = number(b, length), i = axis(b, n, false);
    int x = load(b, buffer(b, SINTER_F32, n, false), i, SNI_NO_EXPR);
    output(b, n, i, op(b, "exp", x, -1, -1));
    sni_kspec spec;
    must(sni_codegen(&b->loop, &device.device->caps, NULL, b->arena, &spec));
    return spec.source;
}

START_TEST(text_does_not_depend_on_sizes) {
    builder a, b;
    ck_assert_str_eq(row_source(&a, 5, 1000), row_source(&b, 77, 3));
    builder_deinit(&a);
    builder_deinit(&b);
    ck_assert_str_eq(constant_source(&a, 300001), constant_source(&b, 123457));
    builder_deinit(&a);
    builder_deinit(&b);
}
END_TEST

START_TEST(refusals_have_words) {
    builder b;
    builder_init(&b);
    sni_expr n = dim(&b, "n", 8), i = axis(&b, n, false);
    int x = load(&b, buffer(&b, SINTER_F64, n, false), i, SNI_NO_EXPR);
    output(&b, n, i, op(&b, "exp", x, -1, -1));
    sni_caps caps = device.device->caps;
    sni_kspec spec;
    caps.has_f64 = false;
    ck_assert_int_eq(sni_codegen(&b.loop, &caps, NULL, b.arena, &spec), SINTER_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "f64"));
    caps.has_f64 = true;
    ck_assert_int_eq(sni_codegen(&b.loop, &caps, "no such one", b.arena, &spec), SINTER_INVALID_ARGUMENT);
    caps.device_class = SNI_DEVICE_CPU;
    ck_assert_int_eq(sni_codegen(&b.loop, &caps, "gpu_row", b.arena, &spec), SINTER_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "gpu_row"));
    builder_deinit(&b);
}
END_TEST

/* The n-th allocation fails, for every n until none does: an error each time, never a crash. */
START_TEST(memory_runs_out) {
    static const char *const names[] = {"cpu_row", "cpu_column",    "gpu_row",      "gpu_column",
                                        "plain",   "cpu_transpose", "gpu_transpose"};
    for (int k = 0; k < 7; ++k) {
        builder b;
        builder_init(&b);
        bool column = strstr(names[k], "column") != NULL, transpose = strstr(names[k], "transpose") != NULL;
        sni_expr m = dim(&b, "m", 5), n = dim(&b, "n", 70), i = axis(&b, m, column), j;
        if (column) { /* the inner axes come last */
            b.loop.axis_count = 0;
            b.loop.inner = 0;
            j = axis(&b, n, false);
            i = axis(&b, m, true);
        } else {
            j = axis(&b, n, !transpose);
        }
        sni_expr from = transpose ? at2(&b, j, m, i) : at2(&b, i, n, j);
        int x = load(&b, buffer(&b, SINTER_F32, times(&b, m, n), false), from, SNI_NO_EXPR);
        if (transpose) output(&b, times(&b, m, n), at2(&b, i, n, j), x);
        int e = transpose ? -1 : op(&b, "exp", op(&b, "sub", x, reduce(&b, SNI_COMBINE_MAX, x), -1), -1, -1);
        if (!transpose)
            output(&b, times(&b, m, n), at2(&b, i, n, j), op(&b, "div", e, reduce(&b, SNI_COMBINE_SUM, e), -1));
        sni_caps caps = device.device->caps;
        caps.device_class = names[k][0] == 'g' ? SNI_DEVICE_GPU : SNI_DEVICE_CPU;
        sinter_status status = SINTER_INTERNAL;
        int failures = 0;
        for (int nth = 1; status != SINTER_OK && nth < 10000; ++nth) {
            sni_kspec spec;
            sni_arena *arena = sni_arena_create();
            sni_alloc_fail_at(nth);
            status = sni_codegen(&b.loop, &caps, names[k], arena, &spec);
            sni_alloc_fail_at(0);
            failures += status != SINTER_OK;
            sni_arena_release(arena);
        }
        ck_assert_msg(status == SINTER_OK, "%s: %s", names[k], sinter_last_error());
        ck_assert_int_gt(failures, 0);
        builder_deinit(&b);
    }
}
END_TEST

/* 64-bit indices: the same text with SN_IDX64. */
START_TEST(wide_indices) {
    setenv("SINTER_TEST_IDX64", "1", 1);
    broadcast_chain(SINTER_F32, 5, 133);
    softmax(SINTER_F16, 5, 133);
    pooling(50, 1, false);
    combiners(SINTER_I32, 1, 133);
    unsetenv("SINTER_TEST_IDX64");
}
END_TEST

/* Other schedules than the rules choose compute the same. Oclgrind takes seconds for a kernel: there the default ones are
 * enough. */
START_TEST(candidates) {
    if (strstr(device.device->caps.platform, "Oclgrind") != NULL) return;
    candidates_every = 17;
    broadcast_chain(SINTER_F32, 5, 1003);
    combiners(SINTER_F32, 1, 1003);
    softmax(SINTER_F16, 5, 1003);
    candidates_every = 0;
}
END_TEST

int main(void) {
    test_device_open(&device);
    const TTest *const tests[] = {
        elementwise_broadcast,
        elementwise_numbers,
        casts,
        every_operator,
        index_maps,
        guards,
        gathers,
        transposes,
        row_softmax,
        row_softmax_alone,
        row_layer_norm,
        reductions,
        reductions_of_nan,
        several_inner_axes,
        windows,
        contraction,
        text_does_not_depend_on_sizes,
        refusals_have_words,
        memory_runs_out,
        wide_indices,
        candidates,
    };
    int result = run_suite(suite_of("codegen", tests, sizeof tests / sizeof *tests));
    printf("%d launches\n", kernels_run);
    test_device_close(&device);
    return result;
}
