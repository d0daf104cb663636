#include "json/scan.h"

#include "json/scan_fast.h"

namespace gladius::json {

Document* scan(std::string_view text, Arena& arena, uint32_t keep_depth, const Selection* selection,
               const Permit& permit) {
    return scan_fast(text, arena, keep_depth, selection, permit);
}

void deepen(Document& doc, uint32_t keep_depth, Arena& arena) {
    if (doc.keep_depth < keep_depth) doc = *scan({doc.text, doc.text_size}, arena, keep_depth);
}

}  // namespace gladius::json
