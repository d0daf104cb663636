// Content-Type by the first bytes, with the table of the WHATWG MIME Sniffing standard as Go's net/http applies it.
#include <cstring>

#include "engine/handle.h"

namespace gladius::engine {
namespace {

using namespace std::string_view_literals;

bool is_space(char c) {
    return c == '\t' || c == '\n' || c == '\f' || c == '\r' || c == ' ';
}

char upper(char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
}

// A tag at the beginning, ended by a space or '>'.
bool html(std::string_view s, std::string_view tag) {
    if (s.size() < tag.size() + 1) return false;
    for (size_t i = 0; i < tag.size(); ++i)
        if (upper(s[i]) != tag[i]) return false;
    return s[tag.size()] == ' ' || s[tag.size()] == '>';
}

struct Magic {
    std::string_view mask, pattern;
    std::string_view type;
};

bool masked(std::string_view s, const Magic& m) {
    if (s.size() < m.pattern.size()) return false;
    for (size_t i = 0; i < m.pattern.size(); ++i)
        if ((static_cast<unsigned char>(s[i]) & static_cast<unsigned char>(m.mask[i])) !=
            static_cast<unsigned char>(m.pattern[i]))
            return false;
    return true;
}

bool mp4(std::string_view s) {
    if (s.size() < 12) return false;
    auto be = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(s[i])); };
    uint32_t box = be(0) << 24 | be(1) << 16 | be(2) << 8 | be(3);
    if (s.size() < box || box % 4 != 0 || s.substr(4, 4) != "ftyp") return false;
    for (uint32_t at = 8; at < box; at += 4) {
        if (at == 12) continue;
        if (s.substr(at, 3) == "mp4") return true;
    }
    return false;
}

}  // namespace

std::string_view sniff_content_type(std::string_view s) {
    if (s.size() > 512) s = s.substr(0, 512);
    size_t ws = 0;
    while (ws < s.size() && is_space(s[ws]))
        ++ws;
    std::string_view t = s.substr(ws);
    static constexpr std::string_view kTags[] = {
        "<!DOCTYPE HTML", "<HTML",  "<HEAD", "<SCRIPT", "<IFRAME", "<H1", "<DIV", "<FONT", "<TABLE", "<A",
        "<STYLE",         "<TITLE", "<B",    "<BODY",   "<BR",     "<P",  "<!--"};
    for (std::string_view tag : kTags)
        if (html(t, tag)) return "text/html; charset=utf-8";
    if (t.starts_with("<?xml")) return "text/xml; charset=utf-8";
    struct Exact {
        std::string_view bytes, type;
    };
    static constexpr Exact kExact[] = {{"%PDF-"sv, "application/pdf"},
                                       {"%!PS-Adobe-"sv, "application/postscript"},
                                       {"\x00\x00\x01\x00"sv, "image/x-icon"},
                                       {"\x00\x00\x02\x00"sv, "image/x-icon"},
                                       {"BM"sv, "image/bmp"},
                                       {"GIF87a"sv, "image/gif"},
                                       {"GIF89a"sv, "image/gif"},
                                       {"\x89PNG\x0D\x0A\x1A\x0A"sv, "image/png"},
                                       {"\xFF\xD8\xFF"sv, "image/jpeg"}};
    if (s.size() >= 4 && (s.starts_with("\xFE\xFF"sv))) return "text/plain; charset=utf-16be";
    if (s.size() >= 4 && (s.starts_with("\xFF\xFE"sv))) return "text/plain; charset=utf-16le";
    if (s.size() >= 4 && (s.starts_with("\xEF\xBB\xBF"sv))) return "text/plain; charset=utf-8";
    for (const Exact& e : kExact)
        if (s.starts_with(e.bytes)) return e.type;
    static const Magic kMagic[] = {
        {"\xFF\xFF\xFF\xFF\x00\x00\x00\x00\xFF\xFF\xFF\xFF\xFF\xFF"sv, "RIFF\x00\x00\x00\x00WEBPVP"sv, "image/webp"},
        {"\xFF\xFF\xFF\xFF\x00\x00\x00\x00\xFF\xFF\xFF\xFF"sv,
         "FORM\x00\x00\x00\x00"
         "AIFF"sv,
         "audio/aiff"},
        {"\xFF\xFF\xFF"sv, "ID3"sv, "audio/mpeg"},
        {"\xFF\xFF\xFF\xFF\xFF"sv, "OggS\x00"sv, "application/ogg"},
        {"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"sv, "MThd\x00\x00\x00\x06"sv, "audio/midi"},
        {"\xFF\xFF\xFF\xFF\x00\x00\x00\x00\xFF\xFF\xFF\xFF"sv,
         "RIFF\x00\x00\x00\x00"
         "AVI "sv,
         "video/avi"},
        {"\xFF\xFF\xFF\xFF\x00\x00\x00\x00\xFF\xFF\xFF\xFF"sv, "RIFF\x00\x00\x00\x00WAVE"sv, "audio/wave"},
    };
    for (const Magic& m : kMagic)
        if (masked(s, m)) return m.type;
    if (mp4(s)) return "video/mp4";
    static constexpr Exact kMore[] = {{"\x1A\x45\xDF\xA3"sv, "video/webm"},
                                      {"\x00\x01\x00\x00"sv, "font/ttf"},
                                      {"OTTO"sv, "font/otf"},
                                      {"ttcf"sv, "font/collection"},
                                      {"wOFF"sv, "font/woff"},
                                      {"wOF2"sv, "font/woff2"},
                                      {"\x1F\x8B\x08"sv, "application/x-gzip"},
                                      {"PK\x03\x04"sv, "application/zip"},
                                      {"Rar!\x1A\x07\x00"sv, "application/x-rar-compressed"},
                                      {"Rar!\x1A\x07\x01\x00"sv, "application/x-rar-compressed"},
                                      {"\x00\x61\x73\x6D"sv, "application/wasm"}};
    for (const Exact& e : kMore)
        if (s.starts_with(e.bytes)) return e.type;
    for (char c : t) {
        auto u = static_cast<unsigned char>(c);
        if (u <= 0x08 || u == 0x0B || (u >= 0x0E && u <= 0x1A) || (u >= 0x1C && u <= 0x1F))
            return "application/octet-stream";
    }
    return "text/plain; charset=utf-8";
}

}  // namespace gladius::engine
