// Purpose: the rss decoder: a feed (RSS 0.9 to 2.0, Atom, JSON Feed) as data, as mmcdole/gofeed and krakend-rss make it
// (ledger 5.3): author, categories, copyright, custom, description, items, language, published, title, type, updated,
// and img_url when there is an image. Items and author keep their own order of fields and are opaque to filters.
// Owner: the arena. Thread: one worker. Errors: as KrakenD shows them, but for feeds in JSON with a field of the wrong
// type. No recursion; time is linear, memory in proportion to the feed. Not applied: xml:base (docs/differences.md).
#pragma once
#include <string_view>

#include "base/arena.h"
#include "json/node.h"

namespace gladius::encodings {

json::Value feed_to_data(std::string_view body, Arena& arena, std::string_view* error);

}  // namespace gladius::encodings
