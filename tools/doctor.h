/* What the checks of `sinter doctor` share. A check is one function and one row of doctor_checks.
 */
#ifndef TOOLS_DOCTOR_H
#define TOOLS_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>

#include "device/device.h"
#include "kernel/kernel.h"
#include "memory/buffer.h"

typedef struct doctor {
    sni_device *device;
    const sni_caps *caps;
    sni_kernel_cache *cache; /* in memory only: nothing that a disk has hides a compiler's bug */
    sni_pool *pool;
    char detail[400]; /* one line about the last check */
} doctor;

typedef enum doctor_result { DOCTOR_OK, DOCTOR_FAIL, DOCTOR_SKIP } doctor_result;

typedef struct doctor_check {
    const char *name;
    doctor_result (*run)(doctor *d);
} doctor_check;

/* Ends with a NULL name. */
extern const doctor_check doctor_checks[];

/* Sets the detail; returns result. */
doctor_result doctor_say(doctor *d, doctor_result result, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* FAIL with the first line of the last error. */
doctor_result doctor_fail(doctor *d, const char *what);

/* Host memory that becomes one buffer argument: copied to the device before the launch, and back
 * after. */
typedef struct doctor_array {
    void *data;
    size_t size_bytes;
} doctor_array;

/* Builds text's kernel `f`, passes the arrays as its arguments (then local_bytes of local memory
 * when not 0) and runs it over one dimension; local 0: the driver chooses. */
sinter_status doctor_compute(doctor *d, const char *text, const doctor_array *arrays, int count, size_t local_bytes,
                             size_t global, size_t local);

/* The math functions of cl/common against libm. */
doctor_result doctor_check_math(doctor *d);
doctor_result doctor_check_math_f64(doctor *d);
/* Quotients and square roots of f32 are rounded correctly: what is quantised with them depends on it. */
doctor_result doctor_check_division(doctor *d);

#endif
