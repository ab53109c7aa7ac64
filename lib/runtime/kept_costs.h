/* A device's costs: what was measured on it once, else what its capabilities suggest. */
#ifndef SNI_RUNTIME_KEPT_COSTS_H
#define SNI_RUNTIME_KEPT_COSTS_H

#include "base/status.h"
#include "device/costs.h"

/* Derives the costs, and replaces those that <dir>/<tuning key>.costs holds (the last line of it that is whole). dir NULL:
 * nothing is kept. Numbers that make no sense are passed over. OUT_OF_MEMORY. */
sinter_status sni_costs_find(const sni_caps *caps, const char *dir, sni_costs *out_costs);
/* Were they measured before? OUT_OF_MEMORY. */
sinter_status sni_costs_known(const sni_caps *caps, const char *dir, bool *out_known);
/* Writes the measured ones of costs to the file; dir is made when it is not there. IO, OUT_OF_MEMORY. */
sinter_status sni_costs_keep(const sni_caps *caps, const char *dir, const sni_costs *costs);

#endif
