#include "base/hash.h"

#include <xxhash.h>

sni_hash128 sni_hash128_of(const void *data, size_t size_bytes) {
    XXH128_hash_t hash = XXH3_128bits(data ? data : "", data ? size_bytes : 0);
    return (sni_hash128){hash.low64, hash.high64};
}

uint64_t sni_hash64_of(const void *data, size_t size_bytes, uint64_t seed) {
    return XXH3_64bits_withSeed(data ? data : "", data ? size_bytes : 0, seed);
}

void sni_hash128_hex(sni_hash128 hash, char out[33]) {
    static const char DIGITS[] = "0123456789abcdef";
    for (int i = 0; i < 16; ++i) {
        int shift = 60 - 4 * i;
        out[i] = DIGITS[hash.high >> shift & 15];
        out[16 + i] = DIGITS[hash.low >> shift & 15];
    }
    out[32] = 0;
}
