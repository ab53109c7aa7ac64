/* An explanation as a page that needs nothing else: the JSON between the two halves of lib/plan/page. Its strings hold no
 * <, so nothing in them ends the element that they stand in. */
#include "plan/explain.h"
#include "plan/page.h"

void sni_explain_html(const sni_explain *explain, sni_str *out) {
    sni_str_append(out, sni_page_before);
    sni_explain_json(explain, out);
    sni_str_append(out, sni_page_after);
}
