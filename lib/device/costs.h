/* What things cost on a device, as plain numbers: what the fuser weighs, and what ranks schedules. Derived from the
 * capabilities, or measured and then kept with the tuning records. No OpenCL in it. */
#ifndef SNI_DEVICE_COSTS_H
#define SNI_DEVICE_COSTS_H

#include "device/caps.h"

typedef struct sni_costs {
    double launch_ns;      /* one more kernel in a row of them */
    double bytes_per_ns;   /* read or written, of large buffers */
    double f32_ops_per_ns; /* simple f32 operations of all units together; rows of the operator table count in these */
    double tile;           /* rows, or columns, of a product for which one evaluation of an operand's element serves */
    double block;    /* columns of a nest's result that one work-group computes, and does what is before them once */
    double computed; /* part of a product's time by which an operand that is computed, not loaded, makes it longer */
    /* Simple operations for an element of a product's operand whose place is a quotient of coordinates of the sum and of
     * the result together. */
    double scattered;
    double symbolic_size; /* what a dimension with a name is taken for */
} sni_costs;

/* Fills *out with what the capabilities suggest. */
void sni_costs_derive(const sni_caps *caps, sni_costs *out);

#endif
