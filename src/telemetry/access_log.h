// Purpose: the access log: one line per request in gin's format (ledger 1, 3.5; gin 1.11), written straight into the
// worker's ring without allocation. It always goes to stdout in this form, whatever telemetry/logging says.
//   [GIN] 2006/01/02 - 15:04:05 | 200 |  44.15ms |       127.0.0.1 | GET      "/path?query"
//   Error #01: text            (one line per recorded error)
// Owner: the worker. Thread: that worker. Lifetime: not longer than its LogWriter. Errors: a line that finds the ring
// full is dropped and counted there; texts beyond LogWriter::kMaxText are cut.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "telemetry/go_time.h"
#include "telemetry/log.h"

namespace gladius::telemetry {

struct AccessRecord {
    int status;
    int64_t latency_ns;
    int64_t unix_seconds;        // when the answer was finished
    std::string_view client_ip;  // as gin's ClientIP finds it
    std::string_view method;
    std::string_view path;   // decoded, as the client asked for it (before any rewriting by a handler)
    std::string_view query;  // as it came, without the question mark
    std::span<const std::string_view> errors = {};
};

class AccessLog {
  public:
    AccessLog(LogWriter& writer, bool color) : writer_(writer), color_(color) {}
    AccessLog(const AccessLog&) = delete;
    AccessLog& operator=(const AccessLog&) = delete;

    void write(const AccessRecord& record);

  private:
    LogWriter& writer_;
    const bool color_;
    int64_t date_second_ = INT64_MIN;
    char date_[kGinDateLen] = {};
};

}  // namespace gladius::telemetry
