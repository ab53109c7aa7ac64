#include "graph/bridge.h"

const sni_bridge_table sinter_private_bridge = {.size_bytes = sizeof(sni_bridge_table),
#define SNI_BRIDGE_ENTRY(name) .name = name,
                                                SNI_BRIDGE_LIST(SNI_BRIDGE_ENTRY)
#undef SNI_BRIDGE_ENTRY
};
