/* Attributes of the operators that more than their own row reads: position, name, kind and preset, declared once.
 *
 * A list is SNI_ATTRS_<ROW>(X) with X(id, "name", KIND, preset) for each attribute. The row prints it with
 * SNI_ATTR_SPEC; shape rules, decompositions, passes and the importer use the positions SNI_<id>. */
#ifndef SNI_OP_ATTRS_H
#define SNI_OP_ATTRS_H

#define SNI_ATTR_POSITION(id, name, kind, preset) SNI_##id,
#define SNI_ATTR_SPEC(id, name, kind, preset) {name, SNI_ATTR_##kind, preset},

/* cumsum, cumprod, cummax, cummin: exclusive leaves out the element itself, reverse starts at the end. */
#define SNI_ATTRS_SCAN(X)                                                                          \
    X(SCAN_AXIS, "axis", INT, 0)                                                                   \
    X(SCAN_EXCLUSIVE, "exclusive", INT, 0)                                                         \
    X(SCAN_REVERSE, "reverse", INT, 0)
enum { SNI_ATTRS_SCAN(SNI_ATTR_POSITION) };

#endif
