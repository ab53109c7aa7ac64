/* What SINTER_DUMP shows of a plan: groups, and each step's program, schedule and kernel. Does nothing without it. */
#ifndef SNI_PLAN_DUMP_H
#define SNI_PLAN_DUMP_H

#include "base/dump.h"
#include "plan/plan.h"

void sni_dump_groups(const sinter_plan *plan, const sni_group *groups, size_t count);
void sni_dump_step(const sinter_plan *plan, const sni_step *step);

#endif
