/* Asking the driver, one question at a time: a query that fails gives the documented default. */
#ifndef SNI_DEVICE_QUERY_H
#define SNI_DEVICE_QUERY_H

#include "device/device.h"

#include "base/str.h"

/* Fills the capabilities of a device; never fails. */
void sni_caps_query(cl_platform_id platform, cl_device_id id, sni_caps *out_caps);
/* CL_DEVICE_TYPE, CL_DEVICE_TYPE_DEFAULT when the driver does not say. */
cl_device_type sni_device_type(cl_device_id id);
/* Is the device there, little-endian and able to compile? */
bool sni_device_usable(cl_device_id id);
/* Copies text without blanks at both ends; what does not fit is cut off. */
void sni_device_copy_text(char *out, size_t capacity, const char *text);
/* Is needle part of text, upper and lower case (ASCII) alike? */
bool sni_device_text_has(const char *text, const char *needle);

/* Every platform in the driver's order; the list may be empty. Free with sni_free. */
sinter_status sni_platform_list(cl_platform_id **out_platforms, size_t *out_count);
/* Appends what each platform answers when none has a usable device: "\n  NAME: CL_DEVICE_NOT_FOUND". */
void sni_platform_print_failures(const cl_platform_id *platforms, size_t count, sni_str *out);

#endif
