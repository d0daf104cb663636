// Input: a body. Scanning any bytes must end well; what is accepted, printed and scanned again must print the same, by
// copying and the slow way and at any depth; every decoder and renderer must get along with it. The fast scanner must
// give the document of the reference; RapidJSON and simdjson are asked about the verdict, the numbers and the strings.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>
#include <simdjson.h>

#include "encodings/decode.h"
#include "encodings/render.h"
#include "json/emit.h"
#include "json/filter.h"
#include "json/scan.h"
#include "json/scan_compare.h"
#include "json/scan_fast.h"
#include "json/scan_ref.h"
#include "json/text.h"

namespace gladius::json {
namespace {

using encodings::decode;
using encodings::Decoded;
using encodings::Decoder;
using encodings::render;
using encodings::Renderer;

std::string printed(std::string_view text, uint32_t depth, Canonical canonical, bool* ok) {
    Arena arena;
    Document* doc = scan(text, arena, depth);
    *ok = doc->ok();
    if (!doc->ok()) return std::string(doc->error);
    ArenaOutput out(arena, 0);
    emit(Value::of(doc, 0), arena, out, canonical);
    return std::string(out.view());
}

void same(const std::string& a, const std::string& b) {
    if (a == b) return;
    std::fprintf(stderr, "%s\n%s\n", a.c_str(), b.c_str());
    std::abort();
}

void decode_and_render(std::string_view body) {
    for (Decoder d : {Decoder::json, Decoder::json_collection, Decoder::safejson, Decoder::string, Decoder::no_op}) {
        Arena arena;
        Decoded decoded = decode(d, body, arena);
        if (!decoded.ok()) continue;
        for (Renderer r : {Renderer::json, Renderer::json_collection, Renderer::string}) {
            ArenaOutput out(arena, estimate(decoded.data));
            render(r, &decoded.data, arena, out);
            // A raw text that is no UTF-8 is written as the escape \ufffd, which means a character when it is read.
            if (r != Renderer::json || d == Decoder::string) continue;
            bool ok = false;
            std::string again = printed(out.view(), kKeepAll, Canonical::copy, &ok);
            // A wrapper around an array can be the one level too many.
            if (ok || body.size() < kMaxDepth) same(again, std::string(out.view()));
        }
    }
}

const FilterProgram& some_filter() {
    static const std::vector<std::string> allow = {"a", "b.c", "k", "d.e.f"};
    static const FilterProgram program = FilterProgram::compile({.allow = allow});
    return program;
}

void fast_and_reference(std::string_view body) {
    for (simd::Level level : {simd::Level::sse42, simd::Level::avx2}) {
        if (level > simd::level()) continue;
        for (uint32_t depth : {0U, 1U, kKeepAll}) {
            for (const Selection* selection : {static_cast<const Selection*>(nullptr), some_filter().selection()}) {
                Arena arena;
                same(difference(*scan_ref(body, arena, depth, selection),
                                *scan_fast(body, arena, depth, selection, {}, level)),
                     "");
            }
        }
    }
}

// Holds RapidJSON's events against the nodes.
struct Witness {
    Document* doc;
    Arena arena;
    uint32_t next = 0;

    Node& node(Kind kind) {
        GL_CHECK(next < doc->node_count && doc->nodes[next].kind == kind);
        return doc->nodes[next++];
    }
    // RapidJSON repairs nothing.
    void same_text(std::string_view ours, std::string_view theirs) {
        GL_CHECK(simdjson::validate_utf8(ours.data(), ours.size()));
        GL_CHECK(ours == theirs || !simdjson::validate_utf8(theirs.data(), theirs.size()));
    }
    bool Null() { return node(Kind::null), true; }
    bool Bool(bool b) {
        GL_CHECK(doc->true_value(node(Kind::boolean)) == b);
        return true;
    }
    bool RawNumber(const char* s, rapidjson::SizeType n, bool) {
        GL_CHECK(doc->slice(node(Kind::number)) == std::string_view(s, n));
        return true;
    }
    bool Int(int) { return false; }
    bool Uint(unsigned) { return false; }
    bool Int64(int64_t) { return false; }
    bool Uint64(uint64_t) { return false; }
    bool Double(double) { return false; }
    bool String(const char* s, rapidjson::SizeType n, bool) {
        node(Kind::string);
        same_text(doc->string(next - 1, arena), {s, n});
        return true;
    }
    bool Key(const char* s, rapidjson::SizeType n, bool) {
        GL_CHECK(next < doc->node_count);
        same_text(doc->key(next, arena), {s, n});
        return true;
    }
    bool StartObject() { return node(Kind::object), true; }
    bool EndObject(rapidjson::SizeType) { return true; }
    bool StartArray() { return node(Kind::array), true; }
    bool EndArray(rapidjson::SizeType) { return true; }
};

void ask_rapidjson(std::string_view body) {
    constexpr size_t kLevels = 4096;  // it is recursive
    if (body.size() > kLevels) return;
    Arena arena;
    Document* doc = scan(body, arena);
    Witness w{doc, Arena()};
    rapidjson::MemoryStream stream(body.data(), body.size());
    rapidjson::Reader reader;
    constexpr unsigned kFlags = rapidjson::kParseNumbersAsStringsFlag | rapidjson::kParseStopWhenDoneFlag;
    if (!doc->ok()) {
        rapidjson::BaseReaderHandler<> nobody;
        bool good = !reader.Parse<kFlags>(stream, nobody).IsError();
        GL_CHECK(!good || doc->error.find("exceeded max depth") != std::string_view::npos);
        return;
    }
    auto result = reader.Parse<kFlags>(stream, w);
    if (!result.IsError()) {
        GL_CHECK(w.next == doc->node_count);
        return;
    }
    // Go means U+FFFD by half a pair, and any number is good.
    GL_CHECK(result.Code() == rapidjson::kParseErrorStringUnicodeSurrogateInvalid ||
             result.Code() == rapidjson::kParseErrorNumberTooBig);
}

void ask_simdjson(std::string_view body) {
    static simdjson::dom::parser parser;
    Arena arena;
    const Document* doc = scan(body, arena);
    bool whole = doc->ok() && body.substr(doc->consumed).find_first_not_of(" \t\r\n") == std::string_view::npos;
    switch (parser.parse(simdjson::padded_string(body)).error()) {
        case simdjson::SUCCESS:
            GL_CHECK(whole || body.starts_with("\xEF\xBB\xBF"));
            return;
        case simdjson::NUMBER_ERROR:  // large ones are refused too
        case simdjson::UTF8_ERROR:
        case simdjson::DEPTH_ERROR:
        case simdjson::CAPACITY:
        case simdjson::MEMALLOC:
            return;
        case simdjson::STRING_ERROR:  // half a pair
            GL_CHECK(!whole || body.find("\\u") != std::string_view::npos);
            return;
        default:
            GL_CHECK(!whole);
    }
}

void run(std::string_view body) {
    fast_and_reference(body);
    ask_rapidjson(body);
    ask_simdjson(body);
    bool ok = false;
    std::string once = printed(body, kKeepAll, Canonical::copy, &ok);
    bool again = false;
    for (uint32_t depth : {0U, 1U, 2U})
        same(printed(body, depth, Canonical::copy, &again), once);
    if (ok) {
        same(printed(body, kKeepAll, Canonical::print, &again), once);
        same(printed(once, kKeepAll, Canonical::copy, &again), once);
        GL_CHECK(again);
        same(printed(once, kKeepAll, Canonical::print, &again), once);
    }
    decode_and_render(body);
    // Any text, quoted, is a good JSON string.
    Arena arena;
    ArenaOutput out(arena, 0);
    quote(body, out);
    Document* doc = scan(out.view(), arena);
    GL_CHECK(doc->ok() && doc->consumed == out.size());
}

}  // namespace
}  // namespace gladius::json

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    // A heap copy of the exact size, so that a read past the end is seen.
    std::string body(reinterpret_cast<const char*>(data), size);
    gladius::json::run(body);
    return 0;
}
