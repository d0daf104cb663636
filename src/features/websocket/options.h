// Purpose: what a configuration says under `websocket`: its fields, their defaults and limits. Owner: the caller.
// Thread: control thread. Lifetime: a copy, independent of the document. Errors: as diagnostics. Source: ledger 2
// section 44.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "conf/fields.h"

namespace gladius::features::ws {

struct Options {
    bool enable_direct_communication = false;
    std::vector<std::string> input_headers;
    std::vector<std::string> subprotocols;
    bool connect_event = false, disconnect_event = false;
    int64_t read_buffer_size = 1024, write_buffer_size = 1024;
    int64_t message_buffer_size = 256;
    int64_t max_message_size = 512;
    std::chrono::nanoseconds write_wait = std::chrono::seconds(10);
    std::chrono::nanoseconds pong_wait = std::chrono::seconds(60);
    std::chrono::nanoseconds ping_period = std::chrono::seconds(54);
    std::chrono::nanoseconds timeout = std::chrono::minutes(5);
    int64_t max_retries = 0;
    std::string backoff_strategy = "fallback";
    bool return_error_details = false;
    bool disable_otel_metrics = false;
};

extern const conf::FieldTable kTable;

}  // namespace gladius::features::ws
