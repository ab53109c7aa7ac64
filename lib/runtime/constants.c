/* The table holds no reference of its own: a constant leaves it when its last user releases it. A
 * user that asks at that very moment finds a buffer with no references, and replaces it. */
#include "runtime/constants.h"

#include "base/alloc.h"
#include "base/thread.h"
#include "memory/mem.h"
#include "runtime/runtime.h"

#define HASH_NONFATAL_OOM 1
#define uthash_malloc(size) sni_malloc(size)
#define uthash_free(memory, size) sni_free(memory)
#include <uthash.h>

/* Two constants of one address but another size are different ones: an empty blob may share its
 * address with the next. No padding, as the key is hashed as bytes. */
typedef struct constant_key {
    const void *address;
    size_t size_bytes;
} constant_key;

typedef struct constant {
    constant_key key;
    sni_mem *mem;
    UT_hash_handle hh;
} constant;

struct sni_constants {
    int references; /* atomic: the runtime, and one for every buffer in the table or dying */
    sni_mutex mutex;
    constant *table;
};

sinter_status sni_constants_create(sni_constants **out_constants) {
    *out_constants = NULL;
    sni_constants *constants = sni_calloc(1, sizeof *constants);
    if (!constants) return sni_out_of_memory("the table of constants");
    constants->references = 1;
    sni_mutex_init(&constants->mutex);
    *out_constants = constants;
    return SINTER_OK;
}

void sni_constants_release(sni_constants *constants) {
    if (!constants || __atomic_sub_fetch(&constants->references, 1, __ATOMIC_ACQ_REL) > 0) return;
    sni_mutex_deinit(&constants->mutex);
    sni_free(constants);
}

/* A buffer's last user is gone. Its row may hold a newer buffer already. */
static void forget(void *context, sni_mem *mem) {
    sni_constants *constants = context;
    sni_mutex_lock(&constants->mutex);
    constant *row, *next;
    HASH_ITER(hh, constants->table, row, next) {
        if (row->mem != mem) continue;
        HASH_DEL(constants->table, row);
        sni_free(row);
        break;
    }
    sni_mutex_unlock(&constants->mutex);
    sni_constants_release(constants);
}

static sinter_status upload(sinter_runtime *runtime, const void *data, size_t size_bytes,
                            sni_mem **out_mem) {
    sni_mem *mem = NULL;
    SNI_TRY(sni_mem_acquire(runtime->pool, size_bytes, &mem));
    sinter_status status = sni_mem_write(mem, 0, data, size_bytes, true);
    if (status == SINTER_OK)
        *out_mem = mem;
    else
        sni_mem_release(mem);
    return status;
}

static constant *add_row(sni_constants *constants, constant_key key) {
    constant *row = sni_calloc(1, sizeof *row);
    if (!row) return NULL;
    row->key = key;
    HASH_ADD(hh, constants->table, key, sizeof row->key, row);
    /* Without memory uthash leaves the row out and clears its table pointer. */
    if (row->hh.tbl) return row;
    sni_free(row);
    return NULL;
}

/* With the table's mutex held, so that two threads upload one constant once. */
static sinter_status find_or_upload(sinter_runtime *runtime, constant_key key, const void *data,
                                    sni_mem **out_mem) {
    sni_constants *constants = runtime->constants;
    constant *row = NULL;
    HASH_FIND(hh, constants->table, &key, sizeof key, row);
    if (row && sni_mem_try_retain(row->mem)) {
        *out_mem = row->mem;
        return SINTER_OK;
    }
    sni_mem *mem = NULL;
    SNI_TRY(upload(runtime, data, key.size_bytes, &mem));
    if (!row) row = add_row(constants, key);
    if (!row) {
        sni_mem_release(mem);
        return sni_out_of_memory("a row in the table of constants");
    }
    row->mem = mem;
    mem->on_last = forget;
    mem->on_last_context = constants;
    __atomic_add_fetch(&constants->references, 1, __ATOMIC_RELAXED);
    *out_mem = mem;
    return SINTER_OK;
}

sinter_status sni_runtime_constant(sinter_runtime *runtime, const void *key, const void *data,
                                   size_t size_bytes, sni_mem **out_mem) {
    *out_mem = NULL;
    constant_key full_key = {key, size_bytes};
    sni_mutex_lock(&runtime->constants->mutex);
    sinter_status status = find_or_upload(runtime, full_key, data, out_mem);
    sni_mutex_unlock(&runtime->constants->mutex);
    return status;
}
