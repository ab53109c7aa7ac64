/* Values at coordinates that a program has statements for already. */
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "loop/build.h"

static uint64_t hash_of(const sni_memo *m) {
    uint32_t key[2] = {m->value, m->guard};
    return sni_hash64_of(m->coords, (size_t)m->rank * sizeof *m->coords, sni_hash64_of(key, sizeof key, 0));
}

static bool equal(const sni_memo *a, const sni_memo *b) {
    return a->value == b->value && a->guard == b->guard &&
           memcmp(a->coords, b->coords, (size_t)a->rank * sizeof *a->coords) == 0;
}

int sni_memos_find(const sni_builder *b, const sni_memo *key) {
    size_t at = 0;
    uint64_t hash = hash_of(key);
    for (int64_t i = sni_index_next(&b->memo_index, hash, &at); i >= 0; i = sni_index_next(&b->memo_index, hash, &at))
        if (equal(&b->memos[i], key)) return b->memos[i].stmt;
    return -1;
}

bool sni_memos_add(sni_builder *b, const sni_memo *memo) {
    if (!SNI_RESERVE(b->memos, b->memo_capacity, b->memo_count + 1)) return false;
    if (!sni_index_add(&b->memo_index, hash_of(memo), b->memo_count)) return false;
    b->memos[b->memo_count++] = *memo;
    return true;
}

void sni_memos_deinit(sni_builder *b) {
    sni_free(b->memos);
    sni_index_deinit(&b->memo_index);
}
