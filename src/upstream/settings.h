// Purpose: settings of connections to backends (ledger 1 section 3.4), of one snapshot or host. Owner: plan::Snapshot.
// Thread: read-only.
#pragma once
#include <cstdint>

namespace gladius::upstream {

// HTTP/2 to a backend ("gladius/http2").
struct Http2 {
    bool on = false;
    uint32_t max_streams = 0;  // 0: the usual
    uint64_t ping_ms = 0;      // 0: never
    bool operator==(const Http2&) const = default;
};

struct Settings {
    uint64_t dialer_timeout_ms = 0;           // 0: none
    uint64_t dialer_fallback_delay_ms = 300;  // between address families; negative in the file: no race
    int keep_alive_s = 15;                    // TCP keepalive; <= 0: off
    uint64_t idle_timeout_ms = 0;             // 0: kept until the backend closes
    uint64_t response_header_timeout_ms = 0;
    uint32_t max_idle_per_host = 250;  // for the whole process; each worker keeps its share
    uint32_t max_idle = 0;             // 0: no limit
    bool disable_compression = false;
    bool disable_keep_alives = false;
    uint64_t dns_ttl_ms = 30000;
};

}  // namespace gladius::upstream
