/* The page of `explain` without its data; generated from the files of page/. Between the two stands the JSON of a plan. */
#ifndef SNI_PLAN_PAGE_H
#define SNI_PLAN_PAGE_H

extern const char sni_page_before[];
extern const char sni_page_after[];

#endif
