// Purpose: the xml decoder: an XML document as data, as clbanning/mxj makes it for KrakenD (ledger 5.3). All values are
// texts; attributes are "-name", text beside attributes or elements is "#text", repeated elements are an array, an
// empty element is "", prefixes of names are cut off, white space around texts too. Of several pieces of text
// (comments, CDATA sections and elements cut it) one is kept: the last one before the first element, else the last one.
// What follows the root element is not looked at.
// Owner: the arena. Thread: one worker. Errors: as KrakenD shows them; then the result is empty. No recursion; time
// is n log n in the number of names, memory in proportion to the document (about 100 bytes for an element).
#pragma once
#include <string_view>

#include "base/arena.h"

namespace gladius::encodings {

// The document as JSON, as Go prints it.
std::string_view xml_to_json(std::string_view body, Arena& arena, std::string_view* error);

}  // namespace gladius::encodings
