#include "conf/load.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "conf/normalise.h"
#include "conf/scalar.h"

namespace gladius::conf {

namespace {

bool ends_with(std::string_view s, std::string_view end) {
    return s.size() >= end.size() && s.substr(s.size() - end.size()) == end;
}

std::string_view format_of(std::string_view file) {
    if (ends_with(file, ".yml") || ends_with(file, ".yaml")) return "YAML";
    if (ends_with(file, ".toml")) return "TOML";
    return "JSON";
}

// errno as Go prints it.
std::string reason() {
    std::string text = std::strerror(errno);
    if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z') text[0] = static_cast<char>(text[0] + 32);
    return text;
}

LoadResult refused(const std::string& file, std::string message, std::string advice) {
    LoadResult r;
    r.diagnostics.add(Severity::error, Place{file, 0, 0, {}}, std::move(message), std::move(advice));
    return r;
}

const std::string* environment_value(const LoadOptions& o, std::string_view name) {
    for (const auto& [key, value] : o.environment) {
        if (key == name) return &value;
    }
    return nullptr;
}

// Root members from outside: KRAKEND_PORT=8081 is "port": "8081", and -p beats both.
std::vector<std::pair<std::string, Node>> overrides(Document& doc, const LoadOptions& o) {
    std::vector<std::pair<std::string, Node>> over;
    static constexpr std::string_view kPrefix = "KRAKEND_";
    for (const auto& [key, value] : o.environment) {
        if (key.compare(0, kPrefix.size(), kPrefix) != 0) continue;
        std::string name = to_lower(std::string_view(key).substr(kPrefix.size()));
        bool known = false;
        for (const Field& f : kServiceTable.fields)
            known = known || f.name == name;
        if (!known || (name == "port" && o.port != 0)) continue;
        over.emplace_back(std::move(name), doc.add_outside("environment variable " + key, value));
    }
    if (o.port != 0) over.emplace_back("port", doc.add_outside("option --port", std::to_string(o.port)));
    return over;
}

}  // namespace

LoadResult load_text(std::string file, std::string text, const LoadOptions& options) {
    std::string_view format = format_of(file);
    if (format != "JSON") {
        // Every JSON text is YAML: what begins with a brace can be read.
        size_t first = text.find_first_not_of(" \t\r\n");
        if (format == "TOML" || first == std::string::npos || text[first] != '{') {
            return refused(
                file,
                fmt::format("{} is not supported yet, and the name of this file says that it is {}", format, format),
                "convert it to JSON and give it a name that ends in .json");
        }
    }
    const std::string* fc = environment_value(options, "FC_ENABLE");
    if (fc && !fc->empty() && text.find("{{") != std::string::npos) {
        return refused(file, "FC_ENABLE asks for flexible configuration ({{ ... }}), which is not supported yet",
                       "render the file with the reference (FC_OUT=out.json krakend check -c ...) and use the result, "
                       "without FC_ENABLE");
    }
    LoadResult r;
    std::shared_ptr<Document> doc = parse_json(std::move(file), std::move(text), r.diagnostics, options.limits);
    if (!doc) return r;
    auto service = std::make_shared<Service>();
    service->document = doc;
    std::vector<std::pair<std::string, Node>> over = overrides(*doc, options);
    service->node = doc->root();
    Reader reader(r.diagnostics);
    reader.read(service->node, kServiceTable, service.get(), over);
    if (options.debug) service->debug_endpoint = true;
    normalise(*service, {options.allow_unsupported, options.namespaces}, r.diagnostics);
    r.diagnostics.sort();
    r.service = std::move(service);
    return r;
}

LoadResult load_file(const std::string& path, const LoadOptions& options) {
    std::FILE* f = std::fopen(path.c_str(), "rb");
    if (!f)
        return refused(path, fmt::format("open {}: {}", path, reason()), "give the path of the configuration with -c");
    std::string text;
    char block[65536];
    size_t n = 0;
    errno = 0;
    while ((n = std::fread(block, 1, sizeof block, f)) > 0) {
        text.append(block, n);
        if (text.size() > options.limits.max_bytes) break;  // load_text says the sentence
    }
    bool failed = std::ferror(f) != 0;
    std::string why = failed ? reason() : std::string();
    std::fclose(f);
    if (failed) return refused(path, fmt::format("read {}: {}", path, why), "give the path of a file");
    return load_text(path, std::move(text), options);
}

}  // namespace gladius::conf
