/* Declarations of every row of strategies.inc. */
#ifndef SNI_CODEGEN_STRATEGIES_H
#define SNI_CODEGEN_STRATEGIES_H

#include "codegen/codegen.h"

#define SNI_STRATEGY(name) extern const sni_strategy sni_strategy_##name;
#include "codegen/strategies.inc"
#undef SNI_STRATEGY

#endif
