/* Choosing a device by SEL. */
#ifndef SNI_DEVICE_SELECT_H
#define SNI_DEVICE_SELECT_H

#include "device/device.h"

/* The position in a non-empty list of what selection names; NULL or "": SINTER_DEVICE, and without
 * it the first. platforms in the driver's order, for the "platform:device" form. NO_DEVICE lists
 * what there is. */
sinter_status sni_device_select(const char *selection, const sni_device_entry *list, size_t count,
                                const cl_platform_id *platforms, size_t platform_count, size_t *out_index);
/* NO_DEVICE: with the packages that help, or, where failures is not NULL and not "", with what installed drivers answered (a line
 * each, "\n  " before it). */
sinter_status sni_device_fail_without(size_t platform_count, const char *failures);

#endif
