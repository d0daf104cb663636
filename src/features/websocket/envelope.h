// Purpose: what the gateway and a backend say to each other over the one connection that all clients share: a client's
// message in JSON, with the client it came from, and a backend's with those it is for. Pure. Owner: results live in the
// given memory or arena. Thread: any. Errors: what is no envelope is a message for everybody, as the reference has it.
// Source: ledger 2 section 44.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/arena.h"

namespace gladius::features::ws {

using Pairs = std::span<const std::pair<std::string, std::string>>;

// The part of an envelope that is the same for all messages of a client: "url" and "session", names ascending.
std::string fixed_part(std::string_view url, Pairs session);

// {"event":"connected","url":"/chat/a","session":{"Room":"a","uuid":"..."},"body":"aGk="}
size_t envelope_size(std::string_view event, std::string_view fixed, size_t body);
// Writes exactly that many bytes.
void write_envelope(std::string_view event, std::string_view fixed, std::string_view body, char* out);

struct Parsed {
    bool enveloped = false;  // false: the text goes to everybody as it is
    std::string_view url;    // empty: any
    std::span<std::pair<std::string_view, std::string_view>> session;
    std::string_view body;  // decoded
};
Parsed parse_envelope(std::string_view text, Arena& arena);

}  // namespace gladius::features::ws
