// Purpose: the xml renderer: data as XML, as clbanning/mxj writes it for KrakenD (ledger 4.5). One key at the top is
// the root element, else <doc>; names ascending, "-name" is an attribute, "#text" the text, an array repeats its
// element, nothing (null, "", []) is an empty element. Names are written as they are. Owner: the caller's Output;
// scratch memory is the arena's. Thread: one worker. Errors: false, and nothing is written: an attribute whose value is
// null, an object or an array (the reference then answers with an empty body). No recursion; memory grows with the
// depth.
#pragma once
#include "base/arena.h"
#include "json/node.h"
#include "json/output.h"

namespace gladius::encodings {

// The root of `doc` is an object or null; all of it was kept, its members are ascending and unique (json::emit made
// it).
bool write_xml(const json::Document& doc, Arena& arena, json::Output& out);

}  // namespace gladius::encodings
