/* What is known of PoCL alone: that its threads build one after another, that it compiles a kernel for a size of
 * work-groups when it first runs, and how its cache lies. Whatever is not as expected leaves things as they are for any
 * driver. */
#ifndef SNI_KERNEL_POCL_H
#define SNI_KERNEL_POCL_H

#include <stdbool.h>

#include "kernel/program.h"

/* Does the driver build faster in several processes than in one? */
bool sni_pocl_builds_apart(const sni_caps *caps);
/* For a process that does nothing else: makes PoCL compile a built program for the work-groups that it requires, and lets
 * the binary hold that instead of a second, slower form. cache_dir is PoCL's cache, this process's own. false: the kernel
 * is not one that this is known for, or something was not as expected. */
bool sni_pocl_specialise(sni_program *program, const char *cache_dir);
/* Forgets what PoCL's cache holds; sni_pocl_specialise looks for the only kernel of its name. */
void sni_pocl_clean(const char *cache_dir);
/* Is the kernel of the last sni_pocl_specialise still running? Then the process has to end. */
bool sni_pocl_is_running(void);

#endif
