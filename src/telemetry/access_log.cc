#include "telemetry/access_log.h"

#include <algorithm>
#include <cstring>

#include "telemetry/escape.h"

namespace gladius::telemetry {
namespace {

constexpr std::string_view kGreen = "\033[97;42m";
constexpr std::string_view kWhite = "\033[90;47m";
constexpr std::string_view kYellow = "\033[90;43m";
constexpr std::string_view kRed = "\033[97;41m";
constexpr std::string_view kBlue = "\033[97;44m";
constexpr std::string_view kMagenta = "\033[97;45m";
constexpr std::string_view kCyan = "\033[97;46m";
constexpr std::string_view kReset = "\033[0m";

// Everything of a line but client, method, path and errors, colours included.
constexpr size_t kFixed = 256;
constexpr size_t kShort = 64;       // longest text of client address and method
constexpr size_t kMaxErrors = 8;    // more than a request records in practice
constexpr size_t kMaxError = 4096;  // a record stays well below the ring

constexpr int64_t kMillisecond = 1'000'000;
constexpr int64_t kSecond = 1000 * kMillisecond;

std::string_view status_color(int status) {
    if (status >= 100 && status < 200) return kWhite;
    if (status >= 200 && status < 300) return kGreen;
    if (status >= 300 && status < 400) return kWhite;
    if (status >= 400 && status < 500) return kYellow;
    return kRed;
}

std::string_view latency_color(int64_t ns) {
    if (ns < 100 * kMillisecond) return kWhite;
    if (ns < 200 * kMillisecond) return kGreen;
    if (ns < 300 * kMillisecond) return kCyan;
    if (ns < 500 * kMillisecond) return kBlue;
    if (ns < kSecond) return kYellow;
    if (ns < 2 * kSecond) return kMagenta;
    return kRed;
}

std::string_view method_color(std::string_view method) {
    if (method == "GET") return kBlue;
    if (method == "POST") return kCyan;
    if (method == "PUT") return kYellow;
    if (method == "DELETE") return kRed;
    if (method == "PATCH") return kGreen;
    if (method == "HEAD") return kMagenta;
    if (method == "OPTIONS") return kWhite;
    return kReset;
}

int64_t truncated(int64_t ns) {
    if (ns > 60 * kSecond) return ns - ns % (10 * kSecond);
    if (ns > kSecond) return ns - ns % (10 * kMillisecond);
    if (ns > kMillisecond) return ns - ns % 10'000;
    return ns;
}

char* put(char* out, std::string_view text) {
    std::memcpy(out, text.data(), text.size());
    return out + text.size();
}

char* pad(char* out, size_t have, size_t width) {
    if (have >= width) return out;
    std::memset(out, ' ', width - have);
    return out + (width - have);
}

char* put_status(char* out, int status) {
    char text[12];
    char* end = text + sizeof text;
    char* p = end;
    auto v = static_cast<unsigned>(std::max(status, 0));
    do {
        *--p = static_cast<char>('0' + v % 10);
        v /= 10;
    } while (v);
    auto n = static_cast<size_t>(end - p);
    return put(pad(out, n, 3), {p, n});
}

size_t error_limit(size_t n) {
    return std::min(escaped_bound(n), kMaxError);
}

size_t text_limit(size_t n) {
    return std::min(escaped_bound(n), LogWriter::kMaxText);
}

}  // namespace

void AccessLog::write(const AccessRecord& r) {
    if (r.unix_seconds != date_second_) {
        std::time_t t = r.unix_seconds;
        std::tm tm{};
        localtime_r(&t, &tm);
        write_gin_date(date_, tm);
        date_second_ = r.unix_seconds;
    }
    size_t errors = std::min(r.errors.size(), kMaxErrors);
    size_t room = kFixed + escaped_bound(kShort) * 2 + text_limit(r.path.size()) + text_limit(r.query.size());
    for (size_t i = 0; i < errors; ++i)
        room += 16 + error_limit(r.errors[i].size());
    char* const start = writer_.reserve_line(room);
    if (!start) return;

    char* p = put(start, "[GIN] ");
    p = put(p, {date_, kGinDateLen});
    p = put(p, " |");
    if (color_) p = put(p, status_color(r.status));
    *p++ = ' ';
    p = put_status(p, r.status);
    *p++ = ' ';
    if (color_) p = put(p, kReset);
    *p++ = '|';
    if (color_) p = put(p, latency_color(r.latency_ns));
    *p++ = ' ';
    char latency[kDurationBound];
    int64_t ns = truncated(r.latency_ns);
    auto n = static_cast<size_t>(write_duration(latency, ns) - latency);
    // The micro sign is two bytes and one column.
    bool micro = ns >= 1000 && ns < kMillisecond;
    p = put(pad(p, n - (micro ? 1 : 0), 8), {latency, n});
    *p++ = ' ';
    if (color_) p = put(p, kReset);
    p = put(p, "| ");
    std::string_view ip = r.client_ip.substr(0, kShort);
    p = write_escaped(pad(p, ip.size(), 15), escaped_bound(ip.size()), ip);
    p = put(p, " |");
    if (color_) p = put(p, method_color(r.method));
    *p++ = ' ';
    std::string_view method = r.method.substr(0, kShort);
    char* method_at = p;
    p = write_escaped(p, escaped_bound(method.size()), method);
    p = pad(p, static_cast<size_t>(p - method_at), 7);
    *p++ = ' ';
    if (color_) p = put(p, kReset);
    p = put(p, " \"");
    p = write_quoted(p, text_limit(r.path.size()), r.path);
    if (!r.query.empty()) {
        *p++ = '?';
        p = write_quoted(p, text_limit(r.query.size()), r.query);
    }
    p = put(p, "\"\n");
    for (size_t i = 0; i < errors; ++i) {
        p = put(p, "Error #0");
        *p++ = static_cast<char>('1' + i);
        p = put(p, ": ");
        p = write_escaped(p, error_limit(r.errors[i].size()), r.errors[i]);
        *p++ = '\n';
    }
    writer_.commit_line(static_cast<size_t>(p - start));
}

}  // namespace gladius::telemetry
