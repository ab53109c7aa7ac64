/* Inside lib/kernel: programs and their cache. */
#ifndef SNI_KERNEL_PROGRAM_H
#define SNI_KERNEL_PROGRAM_H

#include <CL/cl.h>

#include <uthash.h>

#include "base/thread.h"
#include "device/device.h"
#include "kernel/disk.h"
#include "kernel/kernel.h"
#include "kernel/key.h"
#include "kernel/signature.h"

typedef enum sni_program_state { SNI_PROGRAM_NEW, SNI_PROGRAM_READY, SNI_PROGRAM_FAILED } sni_program_state;

struct sni_program {
    int references; /* atomic; one is the cache's while the program is in its table */
    sni_kernel_cache *cache;
    sni_kernel_key key;
    const char *source; /* in key.text */
    char *entry, *options;
    bool tell_warnings;
    sni_mutex building; /* held by the thread that builds; others wait for it */
    /* Set under the mutex, read-only once state has left NEW. */
    sni_program_state state;
    sinter_status failure;
    char *failure_text;
    cl_program handle;
    sni_signature signature;
    int unsaved;      /* atomic: built from source and not on disk yet */
    bool built_apart; /* another process has built it for this one, so loading it counts as compiling */
    UT_hash_handle hh;
};

struct sni_kernel_cache {
    int references; /* atomic: the owner and every program */
    sni_device *device;
    sni_disk *disk;  /* NULL: memory only */
    sni_mutex mutex; /* of what follows; never held while a driver builds */
    sni_program *table;
    unsigned most_programs; /* beyond it those that nobody holds are dropped, oldest first */
    sni_kernel_cache_stats stats;
};

/* Builds what the program describes from the disk or from source, and counts it. */
sinter_status sni_program_realize(sni_program *program);
/* Saves the binary if that is still to be done. The device must be idle. */
void sni_program_save(sni_program *program);

/* As sni_program_build, for a source whose includes are resolved and options that are complete: what a process was given
 * that builds for another one. */
sinter_status sni_program_build_assembled(sni_kernel_cache *cache, const char *assembled, const char *entry,
                                          const char *options, sni_program **out_program);
/* The described program when neither memory nor disk has it, else NULL. The caller releases it. */
sinter_status sni_program_describe_missing(sni_kernel_cache *cache, const sni_program_source *source,
                                           sni_program **out_program);
/* Puts a described program, which another process has put on the disk, into the table. */
sinter_status sni_program_take_built(sni_program *candidate);

#endif
