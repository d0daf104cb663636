// Purpose: loading a text in a test and looking for what was said about it.
// Thread: test. Errors: none.
#pragma once
#include <string>

#include "conf/load.h"

namespace gladius::conf {

inline LoadResult load(std::string text, const LoadOptions& options = {}) {
    return load_text("krakend.json", std::move(text), options);
}

// A configuration with this inside one endpoint object (and a good backend), or beside the endpoints.
inline std::string with_endpoint(const std::string& members, const std::string& root = {}) {
    return "{\"version\":3," + root + "\"endpoints\":[{" + members + "}]}";
}
inline std::string with_backend(const std::string& backend, const std::string& endpoint = "\"endpoint\":\"/a\"") {
    return with_endpoint(endpoint + ",\"backend\":[{" + backend + "}]");
}
inline const char* kGoodBackend = "\"backend\":[{\"host\":[\"http://h.test\"],\"url_pattern\":\"/x\"}]";

inline std::string text_of(const LoadResult& r) {
    return r.diagnostics.text();
}

inline bool said(const LoadResult& r, Severity s, std::string_view part) {
    for (const Diagnostic& d : r.diagnostics.all()) {
        if (d.severity == s && format(d).find(part) != std::string::npos) return true;
    }
    return false;
}

}  // namespace gladius::conf
