#include "features/websocket/options.h"

namespace gladius::features::ws {

namespace {

using conf::field;
using O = Options;

constexpr int64_t kMaxBytes = 64 << 20;

constexpr conf::Field kFields[] = {
    field<&O::enable_direct_communication>(
        "enable_direct_communication", "false",
        "One connection to the backend for each client, and bytes as they come; without it all clients of the endpoint "
        "share one connection, and messages to and from the backend are wrapped in JSON."),
    field<&O::input_headers>("input_headers", "[]",
                             "Headers of the client that the backend sees; the endpoint's own list does not count. "
                             "Upgrade, Connection, Sec-Websocket-Key, -Version and -Extensions are never taken from "
                             "it. Only with direct communication."),
    field<&O::subprotocols>("subprotocols", "[]", "Subprotocols that clients may ask for."),
    field<&O::connect_event>("connect_event", "false",
                             "The backend is told when a client connects. Not with direct "
                             "communication."),
    field<&O::disconnect_event>("disconnect_event", "false",
                                "The backend is told when a client is gone. Not with direct communication."),
    field<&O::read_buffer_size>("read_buffer_size", "1024",
                                "Bytes that are read from a client at once. Not with direct communication.")
        .range(1, kMaxBytes)
        .in_bytes(),
    field<&O::write_buffer_size>("write_buffer_size", "1024",
                                 "Bytes of small messages that are sent to a client at once. Not with direct "
                                 "communication.")
        .range(1, kMaxBytes)
        .in_bytes(),
    field<&O::message_buffer_size>("message_buffer_size", "256",
                                   "Messages that may wait for one client; those that come when it is full are left "
                                   "out. Not with direct communication.")
        .range(1, 1 << 20),
    field<&O::max_message_size>("max_message_size", "512",
                                "Bytes of a message, in either direction; a client that sends more is disconnected "
                                "(1009). Not with direct communication.")
        .range(1, kMaxBytes)
        .in_bytes(),
    field<&O::write_wait>("write_wait", "10s",
                          "How long a client or the backend may take nothing of what is written. Not with direct "
                          "communication.")
        .range(1, INT64_MAX),
    field<&O::pong_wait>("pong_wait", "60s",
                         "How long a client may be silent, pongs counted. Not with direct communication.")
        .range(1, INT64_MAX),
    field<&O::ping_period>("ping_period", "54s",
                           "Time between the pings that clients are sent; must be less than pong_wait. Not with direct "
                           "communication.")
        .range(1, INT64_MAX),
    field<&O::timeout>("timeout", "5m",
                       "How long the backend may be silent, at least 1m. Only with direct communication.")
        .range(1, INT64_MAX),
    field<&O::max_retries>("max_retries", "0",
                           "Attempts to reach the backend again after the connection to it broke; 0 or less: without "
                           "end. Not with direct communication."),
    field<&O::backoff_strategy>("backoff_strategy", "fallback",
                                "Time between those attempts: 1s, 2s, 3s, ... (linear), 1s, 2s, 4s, ... (exponential), "
                                "each also with jitter, or 1s always (fallback).")
        .one_of("linear|linear-jitter|exponential|exponential-jitter|fallback"),
    field<&O::return_error_details>("return_error_details", "false",
                                    "A client whose message could not be sent to the backend gets {\"error\":\"...\"}. "
                                    "Not with direct communication."),
    field<&O::disable_otel_metrics>("disable_otel_metrics", "false", "No OpenTelemetry metrics of these sockets.")
        .not_built(),
};

}  // namespace

constexpr conf::FieldTable kTable{"websocket", kFields, conf::Reading::exact};

}  // namespace gladius::features::ws
