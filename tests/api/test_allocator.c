/* A program's own allocator: the library takes nothing past it, and gives every block back to it. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"

/* In front of each block; aligned as malloc aligns. */
typedef struct header {
    _Alignas(16) uint64_t magic;
} header;
enum { MAGIC = 0x5eed };

/* Blocks are also given back after the test, when threads end: so what is wrong is counted. */
static atomic_long taken, given_back, wrong;

static void *take(void *context, size_t size) {
    wrong += context != &taken;
    wrong += size == 0;
    header *h = malloc(sizeof *h + size);
    if (!h) return NULL;
    h->magic = MAGIC;
    atomic_fetch_add(&taken, 1);
    return h + 1;
}

static void *take_again(void *context, void *memory, size_t size) {
    if (!memory) return take(context, size);
    header *old = (header *)memory - 1;
    wrong += old->magic != MAGIC;
    header *h = realloc(old, sizeof *h + size);
    return h ? h + 1 : NULL;
}

static void give_back(void *context, void *memory) {
    header *h = (header *)memory - 1;
    wrong += context != &taken;
    wrong += h->magic != MAGIC;
    h->magic = 0;
    free(h);
    atomic_fetch_add(&given_back, 1);
}

START_TEST(everything_comes_from_the_program) {
    sinter_allocator allocator = SINTER_ALLOCATOR_INIT;
    sinter_runtime *rt;
    float x[3] = {-1, 2, 3}, y[3];
    allocator.allocate = take;
    allocator.reallocate = take_again;
    allocator.release = give_back;
    allocator.context = &taken;
    must(sinter_allocator_set(&allocator));
    must(sinter_runtime_create(NULL, &rt));
    ck_assert_int_eq(sinter_allocator_set(&allocator), SINTER_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "before anything else"));
    allocator.release = NULL;
    ck_assert_int_eq(sinter_allocator_set(&allocator), SINTER_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "functions"));
    allocator.size_bytes = 0;
    ck_assert_int_eq(sinter_allocator_set(&allocator), SINTER_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(sinter_last_error(), "SINTER_ALLOCATOR_INIT"));
    ck_assert_int_eq(sinter_allocator_set(NULL), SINTER_INVALID_ARGUMENT);
    sinter_plan *plan = make_small(rt, 1);
    sinter_binding io[] = {SINTER_BIND_HOST("x", SINTER_F32, SINTER_SHAPE(3), x, sizeof x),
                           SINTER_BIND_HOST("y", SINTER_F32, SINTER_SCALAR, y, sizeof y)};
    must(sinter_plan_run(plan, io, 2));
    ck_assert_float_eq(y[2], 4);
    sinter_plan_release(plan);
    sinter_runtime_release(rt);
    ck_assert_int_eq(wrong, 0);
    ck_assert_int_gt(taken, 100);
    /* What stays are names of dimensions and the like, which live as long as the process. */
    ck_assert_int_lt(taken - given_back, 40);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {everything_comes_from_the_program};
    return run_suite(suite_of("allocator", tests, 1));
}
