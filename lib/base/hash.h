/* Hashes (xxhash): 128 bits for content addresses, 64 for tables. */
#ifndef SNI_BASE_HASH_H
#define SNI_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

typedef struct sni_hash128 {
    uint64_t low, high;
} sni_hash128;

sni_hash128 sni_hash128_of(const void *data, size_t size_bytes);
uint64_t sni_hash64_of(const void *data, size_t size_bytes, uint64_t seed);
/* 32 lower-case hex digits and a terminator. */
void sni_hash128_hex(sni_hash128 hash, char out[33]);

#endif
