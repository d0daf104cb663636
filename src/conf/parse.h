// Purpose: JSON text -> Document, and a sentence for every way in which a text is no JSON.
// Thread: control thread. Errors: as diagnostics; the text is bounded (bytes, depth, values), the parser does not
// recurse and takes linear time. What is accepted is what Go's encoding/json accepts; the first words of a syntax error
// are its words, because tools grep for them (ledger 1, section 2.3); then comes what it means in this file.
#pragma once
#include <memory>
#include <string>

#include "conf/diagnostic.h"
#include "conf/node.h"

namespace gladius::conf {

struct ParseLimits {
    size_t max_bytes = 64u << 20;
    uint32_t max_depth = 512;
    uint32_t max_nodes = 4'000'000;
};

// nullptr when the text cannot be read; the reason is then in `diagnostics`. A root that is no object is an error too.
std::shared_ptr<Document> parse_json(std::string file, std::string text, Diagnostics& diagnostics,
                                     const ParseLimits& limits = {});

}  // namespace gladius::conf
