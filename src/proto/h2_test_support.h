// Purpose: frames for the tests, fuzzers and benchmarks of HTTP/2, written byte by byte. Owner: tests. Errors: none.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/h2_server.h"

namespace gladius::proto {

inline std::string h2_frame(uint8_t type, uint8_t flags, uint32_t stream, std::string_view payload) {
    std::string f;
    auto n = static_cast<uint32_t>(payload.size());
    for (uint32_t byte :
         {n >> 16, n >> 8, n, uint32_t{type}, uint32_t{flags}, stream >> 24, stream >> 16, stream >> 8, stream})
        f += static_cast<char>(byte & 255);
    f += payload;
    return f;
}

inline std::string h2_number(uint32_t n) {
    std::string s;
    for (int shift = 24; shift >= 0; shift -= 8)
        s += static_cast<char>(n >> shift & 255);
    return s;
}

using H2Fields = std::vector<std::pair<std::string, std::string>>;

// Literals without an index and without Huffman; texts of less than 127 bytes.
inline std::string h2_block(const H2Fields& fields) {
    std::string b;
    for (const auto& [name, value] : fields) {
        b += '\0';
        b += static_cast<char>(name.size());
        b += name;
        b += static_cast<char>(value.size());
        b += value;
    }
    return b;
}

struct H2Frame {
    uint8_t type = 0, flags = 0;
    uint32_t stream = 0;
    std::string payload;
    uint32_t number(size_t at = 0) const {
        uint32_t n = 0;
        for (size_t i = at; i < at + 4 && i < payload.size(); ++i)
            n = n << 8 | static_cast<uint8_t>(payload[i]);
        return n;
    }
};

// The frames of what a server wrote; `rest` is what is no whole frame.
inline std::vector<H2Frame> h2_frames(std::string_view data, std::string_view* rest = nullptr) {
    std::vector<H2Frame> out;
    while (data.size() >= 9) {
        auto at = [&](size_t i) { return static_cast<uint8_t>(data[i]); };
        size_t n = size_t{at(0)} << 16 | size_t{at(1)} << 8 | at(2);
        if (data.size() < 9 + n) break;
        H2Frame f;
        f.type = at(3);
        f.flags = at(4);
        f.stream = uint32_t{at(5)} << 24 | uint32_t{at(6)} << 16 | uint32_t{at(7)} << 8 | at(8);
        f.payload = data.substr(9, n);
        out.push_back(std::move(f));
        data.remove_prefix(9 + n);
    }
    if (rest) *rest = data;
    return out;
}

struct H2TestOwner final : H2Owner {
    uint32_t outputs = 0;
    size_t memory = 0, most = SIZE_MAX;
    void h2_output() override { ++outputs; }
    bool h2_take_memory(size_t n) override {
        if (memory + n > most) return false;
        memory += n;
        return true;
    }
    void h2_give_memory(size_t n) override { memory -= n; }
};

}  // namespace gladius::proto
