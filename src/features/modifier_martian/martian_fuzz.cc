// A configuration of modifier/martian, then a request line, headers and an answer's headers, each on a line of its own:
// the whole way from text to changed drafts, and to a target that a request line can hold. No crash, and what is set is
// bounded by what was configured.
#include <cstdint>
#include <string>

#include "base/assert.h"
#include "conf/parse.h"
#include "features/modifier_martian/build.h"

using namespace gladius;
using namespace gladius::features;

namespace {

std::string_view next_line(std::string_view& rest) {
    size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    return line;
}

// static.Modifier would read whatever the fuzzer names.
bool reads_files(const martian::Modifier& m) {
    if (m.kind == martian::Kind::static_modifier) return true;
    for (const martian::Modifier& child : m.children)
        if (reads_files(child)) return true;
    return false;
}

template <class Headers>
void add_line(Headers& headers, std::string_view line) {
    size_t colon = line.find(':');
    if (colon != std::string_view::npos) headers.add(line.substr(0, colon), line.substr(colon + 1));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string_view all(reinterpret_cast<const char*>(data), size);
    std::string_view lines = all;
    std::string text = "{\"m\":" + std::string(next_line(lines)) + "}";
    conf::Diagnostics diagnostics;
    std::shared_ptr<conf::Document> document = conf::parse_json("f.json", text, diagnostics);
    if (!document || !document->root().find("m")) return 0;
    martian::Built built = martian::build(document->root().find("m"));
    if (!built.program) {
        GL_CHECK(built.remarks.size() == 1);
        return 0;
    }
    if (reads_files(built.program->root)) return 0;
    Arena arena;
    engine::RequestDraft request(arena);
    request.url = engine::DraftUrl::parse(next_line(lines), arena);
    request.method = "GET";
    request.host = request.url.host;
    engine::AnswerDraft answer(arena, request);
    answer.charge = [](void*, uint64_t n) { return n < 1u << 20; };
    bool of_answer = false;
    for (int i = 0; i < 64 && !lines.empty(); ++i) {
        std::string_view line = next_line(lines);
        if (line.empty()) of_answer = true;
        if (of_answer)
            add_line(answer.headers, line);
        else
            add_line(request.headers, line);
    }
    run(*built.program, request);
    if (!request.failed) {
        GL_CHECK(!request.url.target(arena).empty());
        run(*built.program, answer);
    }
    size_t steps = built.program->request.size() + built.program->answer.size();
    GL_CHECK(request.headers.all().size() <= 64 + steps);
    GL_CHECK(answer.headers.all().size() <= 64 + 4 * steps);
    GL_CHECK(answer.body.size() <= (1u << 20) + text.size());
    return 0;
}
