// Purpose: what may be the name of an element or attribute. Source: XML 1.0, fourth edition, appendix B, as Go's
// encoding/xml takes it. Owner: static. Thread: any. Lifetime: none. Errors: none.
#pragma once
#include <string_view>

namespace gladius::encodings {

bool is_xml_name(std::string_view s);

}  // namespace gladius::encodings
