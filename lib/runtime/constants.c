/* The table of constants: what was uploaded, by what it holds and how it was prepared. It counts nobody's buffer: a constant
 * lives as long as somebody uses it, and one that is still alive is found. */
#include "runtime/constants.h"

#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/thread.h"
#include "memory/mem.h"
#include "runtime/runtime.h"

#define HASH_NONFATAL_OOM 1
#define uthash_malloc(size) sni_malloc(size)
#define uthash_free(memory, size) sni_free(memory)
#include <uthash.h>

/* No padding, as the key is hashed as bytes. */
typedef struct constant_key {
    sni_hash128 content, preparation;
    uint64_t size_bytes;
} constant_key;

typedef struct constant {
    constant_key key;
    sni_constants *constants;
    int users;           /* threads that look at the row, and buffers that will forget themselves */
    sni_mem *mem;        /* NULL: none, or it is being uploaded */
    sni_mutex uploading; /* held by the thread that uploads; others wait for it, not for the table */
    UT_hash_handle hh;
} constant;

struct sni_constants {
    int references;  /* atomic: the runtime, and one for every buffer in the table or dying */
    sni_mutex mutex; /* of the table and of the rows' users and mem */
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

/* ---- rows; called with the table's mutex held ---- */

static constant *add_row(sni_constants *constants, const constant_key *key) {
    constant *row = sni_calloc(1, sizeof *row);
    if (!row) return NULL;
    row->key = *key;
    row->constants = constants;
    HASH_ADD(hh, constants->table, key, sizeof row->key, row);
    /* Without memory uthash leaves the row out and clears its table pointer. */
    if (!row->hh.tbl) {
        sni_free(row);
        return NULL;
    }
    sni_mutex_init(&row->uploading);
    return row;
}

static void drop_user(constant *row) {
    if (--row->users > 0) return;
    HASH_DEL(row->constants->table, row);
    sni_mutex_deinit(&row->uploading);
    sni_free(row);
}

/* ---- */

/* A buffer's last user is gone. Its row may hold a newer buffer already. */
static void forget(void *context, sni_mem *mem) {
    constant *row = context;
    sni_constants *constants = row->constants;
    sni_mutex_lock(&constants->mutex);
    if (row->mem == mem) row->mem = NULL;
    drop_user(row);
    sni_mutex_unlock(&constants->mutex);
    sni_constants_release(constants);
}

static sinter_status write_new(sinter_runtime *runtime, const void *data, size_t size_bytes, sni_mem **out_mem) {
    sni_mem *mem = NULL;
    SNI_TRY(sni_mem_acquire(runtime->pool, size_bytes, &mem));
    sinter_status status = sni_mem_write(mem, 0, data, size_bytes, true);
    if (status == SINTER_OK)
        *out_mem = mem;
    else
        sni_mem_release(mem);
    return status;
}

static sinter_status upload(sinter_runtime *runtime, const void *data, size_t size_bytes,
                            const sni_preparation *preparation, sni_mem **out_mem) {
    if (!preparation) return write_new(runtime, data, size_bytes, out_mem);
    void *prepared = sni_malloc(preparation->result_bytes);
    if (!prepared) return sni_out_of_memory("a prepared constant");
    sinter_status status = preparation->prepare(preparation, data, size_bytes, prepared);
    if (status == SINTER_OK) status = write_new(runtime, prepared, preparation->result_bytes, out_mem);
    sni_free(prepared);
    return status;
}

/* The row's buffer if it is alive, counted for the caller. */
static sni_mem *take_alive(constant *row) {
    sni_mutex_lock(&row->constants->mutex);
    sni_mem *mem = row->mem && sni_mem_try_retain(row->mem) ? row->mem : NULL;
    sni_mutex_unlock(&row->constants->mutex);
    return mem;
}

static void enter(constant *row, sni_mem *mem) {
    sni_constants *constants = row->constants;
    sni_mutex_lock(&constants->mutex);
    row->mem = mem;
    ++row->users;
    mem->on_last = forget;
    mem->on_last_context = row;
    sni_mutex_unlock(&constants->mutex);
    __atomic_add_fetch(&constants->references, 1, __ATOMIC_RELAXED);
}

static constant_key key_of(sni_hash128 content, size_t size_bytes, const sni_preparation *preparation) {
    constant_key key = {.content = content, .size_bytes = size_bytes};
    if (!preparation) return key;
    sni_hash128 name = sni_hash128_of(preparation->name, strlen(preparation->name));
    key.preparation =
        sni_hash128_of(preparation->numbers, (size_t)preparation->number_count * sizeof *preparation->numbers);
    key.preparation.low ^= name.low + 0x9e3779b97f4a7c15u;
    key.preparation.high += name.high;
    return key;
}

sinter_status sni_runtime_constant(sinter_runtime *runtime, sni_hash128 content, const void *data, size_t size_bytes,
                                   const sni_preparation *preparation, sni_mem **out_mem) {
    *out_mem = NULL;
    sni_constants *constants = runtime->constants;
    constant_key key = key_of(content, size_bytes, preparation);
    constant *row = NULL;
    sni_mutex_lock(&constants->mutex);
    HASH_FIND(hh, constants->table, &key, sizeof key, row);
    if (!row) row = add_row(constants, &key);
    if (row) ++row->users;
    sni_mutex_unlock(&constants->mutex);
    if (!row) return sni_out_of_memory("a row in the table of constants");
    sinter_status status = SINTER_OK;
    sni_mutex_lock(&row->uploading);
    *out_mem = take_alive(row);
    if (!*out_mem) {
        status = upload(runtime, data, size_bytes, preparation, out_mem);
        if (status == SINTER_OK) enter(row, *out_mem);
    }
    sni_mutex_unlock(&row->uploading);
    sni_mutex_lock(&constants->mutex);
    drop_user(row);
    sni_mutex_unlock(&constants->mutex);
    return status;
}
