#include "telemetry/go_time.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace gladius::telemetry {
namespace {

constexpr const char* kMonths[] = {"January", "February", "March",     "April",   "May",      "June",
                                   "July",    "August",   "September", "October", "November", "December"};
constexpr const char* kDays[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
constexpr int64_t kSecond = 1'000'000'000;

char* write_unsigned(char* out, uint64_t v) {
    char digits[20];
    int n = 0;
    do {
        digits[n++] = static_cast<char>('0' + v % 10);
        v /= 10;
    } while (v);
    while (n)
        *out++ = digits[--n];
    return out;
}

// v / 10^digits without trailing zeros.
char* write_decimal(char* out, uint64_t v, int digits) {
    uint64_t scale = 1;
    for (int i = 0; i < digits; ++i)
        scale *= 10;
    out = write_unsigned(out, v / scale);
    uint64_t rest = v % scale;
    if (!rest) return out;
    *out++ = '.';
    for (; rest; rest %= scale) {
        scale /= 10;
        *out++ = static_cast<char>('0' + rest / scale);
    }
    return out;
}

void append_number(std::string& out, long v, int width, char fill) {
    char digits[24];
    int n = std::snprintf(digits, sizeof digits, "%ld", v);
    for (int i = n; i < width; ++i)
        out += fill;
    out.append(digits, static_cast<size_t>(n));
}

struct Element {
    std::string_view text;
    void (*append)(std::string& out, const std::tm& tm);
};

void append_zone(std::string& out, const std::tm& tm, bool colon, bool minutes) {
    long minutes_east = tm.tm_gmtoff / 60;
    out += minutes_east < 0 ? '-' : '+';
    append_number(out, std::labs(minutes_east) / 60, 2, '0');
    if (!minutes) return;
    if (colon) out += ':';
    append_number(out, std::labs(minutes_east) % 60, 2, '0');
}

long hour12(const std::tm& tm) {
    return tm.tm_hour % 12 == 0 ? 12 : tm.tm_hour % 12;
}

// Longer elements stand before those they begin with.
constexpr Element kElements[] = {
    {"January", [](std::string& o, const std::tm& t) { o += kMonths[t.tm_mon]; }},
    {"Jan", [](std::string& o, const std::tm& t) { o.append(kMonths[t.tm_mon], 3); }},
    {"Monday", [](std::string& o, const std::tm& t) { o += kDays[t.tm_wday]; }},
    {"Mon", [](std::string& o, const std::tm& t) { o.append(kDays[t.tm_wday], 3); }},
    {"MST", [](std::string& o, const std::tm& t) { o += t.tm_zone ? t.tm_zone : "UTC"; }},
    {"2006", [](std::string& o, const std::tm& t) { append_number(o, t.tm_year + 1900L, 4, '0'); }},
    {"__2", [](std::string& o, const std::tm& t) { append_number(o, t.tm_yday + 1, 3, ' '); }},
    {"002", [](std::string& o, const std::tm& t) { append_number(o, t.tm_yday + 1, 3, '0'); }},
    {"_2", [](std::string& o, const std::tm& t) { append_number(o, t.tm_mday, 2, ' '); }},
    {"01", [](std::string& o, const std::tm& t) { append_number(o, t.tm_mon + 1, 2, '0'); }},
    {"02", [](std::string& o, const std::tm& t) { append_number(o, t.tm_mday, 2, '0'); }},
    {"03", [](std::string& o, const std::tm& t) { append_number(o, hour12(t), 2, '0'); }},
    {"04", [](std::string& o, const std::tm& t) { append_number(o, t.tm_min, 2, '0'); }},
    {"05", [](std::string& o, const std::tm& t) { append_number(o, t.tm_sec, 2, '0'); }},
    {"06", [](std::string& o, const std::tm& t) { append_number(o, (t.tm_year + 1900L) % 100, 2, '0'); }},
    {"15", [](std::string& o, const std::tm& t) { append_number(o, t.tm_hour, 2, '0'); }},
    {"1", [](std::string& o, const std::tm& t) { append_number(o, t.tm_mon + 1, 0, '0'); }},
    {"2", [](std::string& o, const std::tm& t) { append_number(o, t.tm_mday, 0, '0'); }},
    {"3", [](std::string& o, const std::tm& t) { append_number(o, hour12(t), 0, '0'); }},
    {"4", [](std::string& o, const std::tm& t) { append_number(o, t.tm_min, 0, '0'); }},
    {"5", [](std::string& o, const std::tm& t) { append_number(o, t.tm_sec, 0, '0'); }},
    {"PM", [](std::string& o, const std::tm& t) { o += t.tm_hour >= 12 ? "PM" : "AM"; }},
    {"pm", [](std::string& o, const std::tm& t) { o += t.tm_hour >= 12 ? "pm" : "am"; }},
    {"-07:00", [](std::string& o, const std::tm& t) { append_zone(o, t, true, true); }},
    {"-0700", [](std::string& o, const std::tm& t) { append_zone(o, t, false, true); }},
    {"-07", [](std::string& o, const std::tm& t) { append_zone(o, t, false, false); }},
    {"Z07:00",
     [](std::string& o, const std::tm& t) { t.tm_gmtoff ? append_zone(o, t, true, true) : o.push_back('Z'); }},
    {"Z0700",
     [](std::string& o, const std::tm& t) { t.tm_gmtoff ? append_zone(o, t, false, true) : o.push_back('Z'); }},
    {"Z07", [](std::string& o, const std::tm& t) { t.tm_gmtoff ? append_zone(o, t, false, false) : o.push_back('Z'); }},
};

// ".000" or ",999": how many digits, 0 when the layout has no fraction here (Go wants no digit behind it).
size_t fraction_digits(std::string_view layout) {
    if (layout.size() < 2 || (layout[0] != '.' && layout[0] != ',') || (layout[1] != '0' && layout[1] != '9')) return 0;
    size_t n = layout.find_first_not_of(layout[1], 1);
    if (n == std::string_view::npos) n = layout.size();
    if (n < layout.size() && layout[n] >= '0' && layout[n] <= '9') return 0;
    return n - 1;
}

void append_fraction(std::string& out, std::string_view element, int64_t ns) {
    char digits[16];
    std::snprintf(digits, sizeof digits, "%09ld", static_cast<long>(ns));
    size_t n = element.size() - 1;
    if (element[1] == '0') {
        out += element[0];
        for (size_t i = 0; i < n; ++i)
            out += i < 9 ? digits[i] : '0';
        return;
    }
    n = n < 9 ? n : 9;
    while (n && digits[n - 1] == '0')
        --n;
    if (n) out.append(1, element[0]).append(digits, n);
}

void write2(char* out, int v) {
    out[0] = static_cast<char>('0' + v / 10 % 10);
    out[1] = static_cast<char>('0' + v % 10);
}

}  // namespace

char* write_duration(char* out, int64_t ns) {
    auto u = static_cast<uint64_t>(ns);
    if (ns < 0) {
        *out++ = '-';
        u = 0 - u;
    }
    auto unit = [](char* p, std::string_view text) {
        std::memcpy(p, text.data(), text.size());
        return p + text.size();
    };
    if (u == 0) return unit(out, "0s");
    if (u < 1000) return unit(write_unsigned(out, u), "ns");
    if (u < 1'000'000) return unit(write_decimal(out, u, 3), "\xC2\xB5s");
    if (u < 1'000'000'000) return unit(write_decimal(out, u, 6), "ms");
    constexpr uint64_t kMinute = 60ull * kSecond;
    if (u >= 60 * kMinute) *(out = write_unsigned(out, u / (60 * kMinute)))++ = 'h';
    if (u >= kMinute) *(out = write_unsigned(out, u / kMinute % 60))++ = 'm';
    return unit(write_decimal(out, u % kMinute, 9), "s");
}

void append_go_time(std::string& out, std::string_view layout, int64_t unix_ns) {
    int64_t sec = unix_ns / kSecond;
    int64_t ns = unix_ns % kSecond;
    if (ns < 0) {
        ns += kSecond;
        --sec;
    }
    std::time_t t = sec;
    std::tm tm{};
    localtime_r(&t, &tm);
    while (!layout.empty()) {
        if (size_t n = fraction_digits(layout)) {
            append_fraction(out, layout.substr(0, n + 1), ns);
            layout.remove_prefix(n + 1);
            continue;
        }
        const Element* found = nullptr;
        for (const Element& e : kElements) {
            if (!layout.starts_with(e.text)) continue;
            // Go: "Jan" is no month inside a longer word, "_2006" is a year behind an underscore.
            bool word = e.text == "Jan" && layout.size() > 3 && layout[3] >= 'a' && layout[3] <= 'z';
            if (word || (e.text == "_2" && layout.starts_with("_2006"))) continue;
            found = &e;
            break;
        }
        if (!found) {
            out += layout[0];
            layout.remove_prefix(1);
            continue;
        }
        found->append(out, tm);
        layout.remove_prefix(found->text.size());
    }
}

void write_gin_date(char* out, const std::tm& tm) {
    std::memcpy(out, "0000/00/00 - 00:00:00", kGinDateLen);
    int year = tm.tm_year + 1900;
    write2(out, year / 100);
    write2(out + 2, year);
    write2(out + 5, tm.tm_mon + 1);
    write2(out + 8, tm.tm_mday);
    write2(out + 13, tm.tm_hour);
    write2(out + 16, tm.tm_min);
    write2(out + 19, tm.tm_sec);
}

}  // namespace gladius::telemetry
