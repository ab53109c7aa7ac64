/* Results that are asked for again and again: a proof about a nested expression asks for its parts' proofs many
 * times over, which without a memory takes time exponential in the nesting.
 *
 * Expressions never change, so an answer stays right; a newer answer takes an older one's place. */
#include "base/alloc.h"
#include "base/hash.h"
#include "sym/node.h"

enum { ENTRIES = 4096 }; /* a power of two */

static sni_memo_entry *entry_of(sni_sym *sym, sni_memo_op op, uint32_t a, uint32_t b) {
    if (sym->memo == NULL) sym->memo = sni_calloc(ENTRIES, sizeof *sym->memo);
    uint32_t key[3] = {(uint32_t)op, a, b};
    return sym->memo == NULL ? NULL : &sym->memo[sni_hash64_of(key, sizeof key, 0) & (ENTRIES - 1)];
}

bool sni_memo_find(sni_sym *sym, sni_memo_op op, uint32_t a, uint32_t b, uint32_t *out_result) {
    const sni_memo_entry *e = entry_of(sym, op, a, b);
    if (e == NULL || e->op != op || e->a != a || e->b != b) return false;
    *out_result = e->result;
    return true;
}

void sni_memo_keep(sni_sym *sym, sni_memo_op op, uint32_t a, uint32_t b, uint32_t result) {
    sni_memo_entry *e = entry_of(sym, op, a, b);
    if (e != NULL) *e = (sni_memo_entry){op, a, b, result};
}
