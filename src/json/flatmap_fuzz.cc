// Input: lines "move from to", "append from to", "del path path", an empty line, and the body of a backend. The
// compiled program must give what the slow reference gives, however deep the document was kept.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "json/flatmap.h"
#include "json/flatmap_reference.h"
#include "json/scan.h"

namespace gladius::json {
namespace {

bool read(std::string_view text, std::vector<FlatmapOp>* ops, std::string* body) {
    for (;;) {
        size_t end = text.find('\n');
        if (end == std::string_view::npos) return false;
        std::string_view line = text.substr(0, end);
        text.remove_prefix(end + 1);
        if (line.empty()) break;
        size_t space = line.find(' ');
        FlatmapOp op{std::string(line.substr(0, space)), {}};
        while (space != std::string_view::npos) {
            line.remove_prefix(space + 1);
            space = line.find(' ');
            op.args.emplace_back(line.substr(0, space));
        }
        ops->push_back(op);
    }
    *body = text;
    return true;
}

void run(const std::vector<FlatmapOp>& ops, const std::string& body) {
    // The reference is recursive, and each append may double what is there.
    constexpr size_t kLevels = 1000;
    constexpr size_t kOps = 12;
    if (body.size() > kLevels || ops.size() > kOps) return;
    Arena arena;
    Document* whole = scan(body, arena);
    if (!whole->ok() || whole->nodes[0].kind != Kind::object) return;
    std::string wanted = flatmap_reference::apply(ops, *whole, 0);
    FlatmapProgram program = FlatmapProgram::compile(ops);
    for (uint32_t depth : {program.keep_depth(), uint32_t{0}, kKeepAll}) {
        Document* doc = scan(body, arena, depth);
        std::string got = flatmap_reference::printed(program.apply(Value::of(doc, 0), arena));
        if (got == wanted) continue;
        std::fprintf(stderr, "program   %s\nreference %s\n", got.c_str(), wanted.c_str());
        std::abort();
    }
}

}  // namespace
}  // namespace gladius::json

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::vector<gladius::json::FlatmapOp> ops;
    std::string body;
    if (gladius::json::read({reinterpret_cast<const char*>(data), size}, &ops, &body)) gladius::json::run(ops, body);
    return 0;
}
