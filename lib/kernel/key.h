/* The key of a kernel: everything that decides what its binary is. */
#ifndef SNI_KERNEL_KEY_H
#define SNI_KERNEL_KEY_H

#include <stdbool.h>

#include "base/hash.h"
#include "base/status.h"
#include "device/caps.h"

/* Part of every key: raise it when the layout of an entry or the meaning of a key changes, or when
 * the library builds programs in another way. */
#define SNI_KERNEL_FORMAT 1

typedef struct sni_kernel_key {
    sni_hash128 hash; /* of text */
    char *text;       /* terminated */
    size_t length;
    size_t source_offset; /* where in text the assembled source begins; it goes to the end */
} sni_kernel_key;

/* OUT_OF_MEMORY. options are the complete ones, as the driver gets them. */
sinter_status sni_kernel_key_make(const sni_caps *caps, const char *assembled, const char *entry, const char *options,
                                  sni_kernel_key *out_key);
void sni_kernel_key_deinit(sni_kernel_key *key);
bool sni_kernel_key_equal(const sni_kernel_key *a, const sni_kernel_key *b);

#endif
