// Input: lines "t path", "a path", "d path", "m old new", "g name", an empty line, and the body of a backend. The
// compiled program must give what the slow reference gives, however deep the document was kept.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "encodings/decode.h"
#include "json/emit.h"
#include "json/filter.h"
#include "json/filter_reference.h"
#include "json/scan.h"

namespace gladius::json {
namespace {

using encodings::decode;
using encodings::Decoded;
using encodings::Decoder;

struct Input {
    std::string target;
    std::vector<std::string> allow;
    std::vector<std::string> deny;
    std::vector<std::pair<std::string, std::string>> mapping;
    std::string group;
    std::string_view body;
};

bool read(std::string_view text, Input* in) {
    for (;;) {
        size_t end = text.find('\n');
        if (end == std::string_view::npos) return false;
        std::string_view line = text.substr(0, end);
        text.remove_prefix(end + 1);
        if (line.empty()) break;
        if (line.size() < 2 || line[1] != ' ') return false;
        std::string rest(line.substr(2));
        size_t space = rest.find(' ');
        switch (line[0]) {
            case 't':
                in->target = rest;
                break;
            case 'a':
                in->allow.push_back(rest);
                break;
            case 'd':
                in->deny.push_back(rest);
                break;
            case 'm':
                if (space == std::string::npos) return false;
                in->mapping.emplace_back(rest.substr(0, space), rest.substr(space + 1));
                break;
            case 'g':
                in->group = rest;
                break;
            default:
                return false;
        }
    }
    in->body = text;
    return true;
}

// Through arrays: the same, however deep it was kept. filter_walk_test.cc has a reference.
void run_walking(FilterSpec spec, std::string_view body) {
    spec.walk = true;
    FilterProgram program = FilterProgram::compile(spec);
    Arena arena;
    Decoded whole = decode(Decoder::safejson, body, arena, kKeepAll);
    Decoded less = decode(Decoder::safejson, body, arena, 1);
    std::string wanted = reference::printed(program.apply(whole.data, arena));
    std::string got = reference::printed(program.apply(less.data, arena));
    if (got == wanted) return;
    std::fprintf(stderr, "less  %s\nwhole %s\n", got.c_str(), wanted.c_str());
    std::abort();
}

void run(const Input& in) {
    FilterSpec spec{in.target, in.allow, in.deny, in.mapping, in.group};
    FilterProgram program = FilterProgram::compile(spec);
    Arena arena;
    std::string body(in.body);
    Document* doc = scan(body, arena);
    // The reference is recursive.
    constexpr size_t kLevels = 2000;
    if (!doc->ok() || body.size() > kLevels) return;
    run_walking(spec, body);
    if (doc->nodes[0].kind != Kind::object) return;
    std::string wanted = reference::apply(spec, reference::tree_of(*doc, 0));
    for (uint32_t depth : {program.keep_depth(), uint32_t{0}, kKeepAll}) {
        for (const Selection* selection : {static_cast<const Selection*>(nullptr), program.selection()}) {
            Decoded d = decode(Decoder::json, body, arena, depth, selection);
            std::string got = reference::printed(program.apply(d.data, arena));
            if (got == wanted) continue;
            std::fprintf(stderr, "program   %s\nreference %s\n", got.c_str(), wanted.c_str());
            std::abort();
        }
    }
    // Wrapped data have no reference, but must not go wrong.
    for (Decoder other : {Decoder::safejson, Decoder::string}) {
        Decoded d = decode(other, body, arena, program.keep_depth());
        reference::printed(program.apply(d.data, arena));
    }
}

}  // namespace
}  // namespace gladius::json

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    gladius::json::Input in;
    if (gladius::json::read({reinterpret_cast<const char*>(data), size}, &in)) gladius::json::run(in);
    return 0;
}
