#include "encodings/feed_date.h"

#include <cstdint>

namespace gladius::encodings {
namespace {

// How feeds write dates, in the notation of Go's layouts: what would be written for Mon Jan 2 15:04:05 MST 2006. The
// first that fits counts.
constexpr std::string_view kLayouts[] = {
    "02 Jan 06 15:04 MST",
    "02 Jan 06 15:04 -0700",
    "2006-01-02T15:04:05Z07:00",
    "Mon Jan _2 15:04:05 MST 2006",
    "Mon Jan 02 15:04:05 -0700 2006",
    "Monday, 02-Jan-06 15:04:05 MST",
    "Mon, 02 Jan 2006 15:04:05 -0700",
    "Mon, 02 Jan 2006 15:04:05 MST",
    "Mon Jan _2 15:04:05 2006",
    "Mon, January 2 2006 15:04:05 -0700",
    "Mon, Jan 2 2006 15:04:05 -700",
    "Mon, Jan 2 2006 15:04:05 -0700",
    "Mon Jan 2 15:04 2006",
    "Mon Jan 02, 2006 3:04 pm",
    "Mon Jan 02 2006 15:04:05 -0700",
    "Mon Jan 02 2006 15:04:05 GMT-0700 (MST)",
    "Monday, January 2, 2006 03:04 PM",
    "Monday, January 2, 2006",
    "Monday, 2 January 2006 15:04:05 -0700",
    "Monday, 2 Jan 2006 15:04:05 -0700",
    "Monday, 02 January 2006 15:04:05",
    "Mon, 2 January 2006, 15:04 -0700",
    "Mon, 2 January 2006 15:04:05 -0700",
    "Mon, 2 January 2006",
    "Mon, 2 Jan 2006 3:04:05 PM -0700",
    "Mon, 2 Jan 2006 15:4:5 -0700 GMT",
    "Mon, 2, Jan 2006 15:4",
    "Mon, 2 Jan 2006, 15:04 -0700",
    "Mon, 2 Jan 2006 15:04 -0700",
    "Mon, 2 Jan 2006 15:04:05 UT",
    "Mon, 2 Jan 2006 15:04:05 -0700 MST",
    "Mon, 2 Jan 2006 15:04:05-0700",
    "Mon, 2 Jan 2006 15:04:05 -0700",
    "Mon, 2 Jan 2006 15:04:05",
    "Mon, 2 Jan 2006 15:04",
    "Mon,2 Jan 2006",
    "Mon, 2 Jan 2006",
    "Mon, 2 Jan 06 15:04:05 -0700",
    "Mon, 2006-01-02 15:04",
    "Mon, 02 Jan 2006 15 -0700",
    "Mon, 02 Jan 2006 15:04:05 Z",
    "Mon, 02 Jan 2006 15:04:05 MST-07:00",
    "Mon, 02 Jan 2006 15:04:05 MST -0700",
    "Mon, 02 Jan 2006 15:04:05 GMT-0700",
    "Mon,02 Jan 2006 15:04:05 -0700",
    "Mon, 02 Jan 2006 15:04:05 -07:00",
    "Mon, 02 Jan 2006 15:04:05 --0700",
    "Mon 02 Jan 2006 15:04:05 -0700",
    "Mon, 02 Jan 2006 15:04:05 -07",
    "Mon, 02 Jan 2006 15:04:05 00",
    "Mon, 02 Jan 2006 15:4:5 Z",
    "January 2, 2006 3:04 PM",
    "January 2, 2006, 3:04 p.m.",
    "January 2, 2006 15:04:05",
    "January 2, 2006",
    "January 02, 2006 15:04",
    "Jan 2, 2006 3:04:05 PM",
    "Jan 2, 2006",
    "Jan 02 2006 03:04:05PM",
    "6/1/2 15:04",
    "6-1-2 15:04",
    "2 January 2006 15:04:05 -0700",
    "2 January 2006",
    "2 Jan 2006 15:04:05 Z",
    "2 Jan 2006 15:04:05 -0700",
    "2 Jan 2006",
    "2.1.2006 15:04:05",
    "2/1/2006",
    "2-1-2006",
    "2006 January 02",
    "2006-1-2T15:04:05Z",
    "2006-1-2 15:04:05",
    "2006-1-2",
    "2006-01-02T15:04Z",
    "2006-01-02T15:04-07:00",
    "2006-01-02T15:04:05-07:00:00",
    "2006-01-02T15:04:05:-0700",
    "2006-01-02T15:04:05-0700",
    "2006-01-02T15:04:05-07:00",
    "2006-01-02T15:04:05 -0700",
    "2006-01-02T15:04:05:00",
    "2006-01-02T15:04:05",
    "2006-01-02 at 15:04:05",
    "2006-01-02 15:04:05Z",
    "2006-01-02 15:04:05-0700",
    "2006-01-02 15:04:05-07:00",
    "2006-01-02 15:04:05 -0700",
    "2006-01-02 15:04",
    "2006-01-02 00:00:00.0 15:04:05.0 -0700",
    "2006/01/02",
    "15:04 02.01.2006 -0700",
    "1/2/2006 3:04:05 PM",
    "1/2/2006",
    "06/1/2 15:04",
    "06-1-2 15:04",
    "02 Monday, Jan 2006 15:04",
    "02 Jan 2006 15:04:05 UT",
    "02 Jan 2006 15:04:05",
    "02/01/2006 15:04:05",
    "02.01.2006 15:04",
    "02/01/2006 - 15:04",
    "02.01.2006 -0700",
    "01/02/2006 3:04 PM",
    "01/02/2006 - 15:04",
    "01-02-2006",
};
// Tried after those; here some names of zones have an offset.
constexpr std::string_view kNamedZones[] = {
    "Mon, January 02, 2006, 15:04:05 MST",
    "Mon, January 02, 2006 15:04:05 MST",
    "Mon, Jan 2, 2006 15:04 MST",
    "Mon, Jan 2 2006 15:04 MST",
    "Mon, Jan 2, 2006 15:04:05 MST",
    "Mon Jan 2 15:04:05 2006 MST",
    "Mon, Jan 02,2006 15:04:05 MST",
    "Monday, January 2, 2006 15:04:05 MST",
    "Monday, 2 January 2006 15:04:05 MST",
    "Monday, 2 Jan 2006 15:04:05 MST",
    "Mon, 2 January 2006 15:04 MST",
    "Mon, 2 January 2006, 15:04:05 MST",
    "Mon, 2 January 2006 15:04:05 MST",
    "Mon, 2 Jan 2006 15:4:5 MST",
    "Mon, 2 Jan 2006 15:04 MST",
    "Mon, 2 Jan 2006 15:04:05MST",
    "Mon 2 Jan 2006 15:04:05 MST",
    "mon,2 Jan 2006 15:04:05 MST",
    "Mon, 2 Jan 15:04:05 MST",
    "Mon, 2 Jan 06 15:04:05 MST",
    "Mon,02 January 2006 14:04:05 MST",
    "Mon, 02 Jan 2006 3:04:05 PM MST",
    "Mon,02 Jan 2006 15:04 MST",
    "Mon, 02 Jan 2006, 15:04:05 MST",
    "Mon , 02 Jan 2006 15:04:05 MST",
    "January 2, 2006 15:04:05 MST",
    "Jan 2, 2006 3:04:05 PM MST",
    "Jan 2, 2006 15:04:05 MST",
    "2 January 2006 15:04:05 MST",
    "2 Jan 2006 15:04:05 MST",
    "2006-01-02 15:04:05 MST",
    "1/2/2006 3:04:05 PM MST",
    "1/2/2006 15:04:05 MST",
    "02 Jan 2006 15:04 MST",
    "02/01/2006 15:04 MST",
    "02-01-2006 15:04:05 MST",
};

constexpr size_t kLongest = 100;
constexpr std::string_view kMonths[] = {"January", "February", "March",     "April",   "May",      "June",
                                        "July",    "August",   "September", "October", "November", "December"};
constexpr std::string_view kDays[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};

enum class Part : uint8_t {
    none,
    long_month,
    month,
    long_day_name,
    day_name,
    zone_name,
    long_year,
    year,
    number_month,
    zero_month,
    day,
    under_day,
    zero_day,
    hour,
    hour12,
    zero_hour12,
    minute,
    zero_minute,
    second,
    zero_second,
    pm_upper,
    pm_lower,
    fraction,        // .0
    offset,          // -0700
    offset_colon,    // -07:00
    offset_short,    // -07
    offset_seconds,  // -07:00:00
    offset_or_z,     // Z07:00
};

struct Token {
    std::string_view text;
    Part part;
};

// The longer ones first.
constexpr Token kTokens[] = {{"-07:00:00", Part::offset_seconds},
                             {"January", Part::long_month},
                             {"Monday", Part::long_day_name},
                             {"Z07:00", Part::offset_or_z},
                             {"-07:00", Part::offset_colon},
                             {"-0700", Part::offset},
                             {"2006", Part::long_year},
                             {"Jan", Part::month},
                             {"Mon", Part::day_name},
                             {"MST", Part::zone_name},
                             {"-07", Part::offset_short},
                             {"01", Part::zero_month},
                             {"02", Part::zero_day},
                             {"03", Part::zero_hour12},
                             {"04", Part::zero_minute},
                             {"05", Part::zero_second},
                             {"06", Part::year},
                             {"15", Part::hour},
                             {"_2", Part::under_day},
                             {"PM", Part::pm_upper},
                             {"pm", Part::pm_lower},
                             {"1", Part::number_month},
                             {"2", Part::day},
                             {"3", Part::hour12},
                             {"4", Part::minute},
                             {"5", Part::second}};

bool digit(std::string_view s, size_t i) {
    return i < s.size() && s[i] >= '0' && s[i] <= '9';
}

bool lower(std::string_view s, size_t i) {
    return i < s.size() && s[i] >= 'a' && s[i] <= 'z';
}

Part next_part(std::string_view layout, size_t* size) {
    for (const Token& t : kTokens) {
        if (!layout.starts_with(t.text)) continue;
        if ((t.part == Part::month || t.part == Part::day_name) && lower(layout, 3)) continue;
        *size = t.text.size();
        return t.part;
    }
    if (layout.starts_with(".0") && !digit(layout, 2)) {
        *size = 2;
        return Part::fraction;
    }
    return Part::none;
}

// One or two digits, or exactly two.
bool number(std::string_view& s, bool two, int* out) {
    if (!digit(s, 0) || (two && !digit(s, 1))) return false;
    size_t n = digit(s, 1) ? 2 : 1;
    *out = n == 2 ? (s[0] - '0') * 10 + (s[1] - '0') : s[0] - '0';
    s.remove_prefix(n);
    return true;
}

template <size_t N>
bool name(const std::string_view (&names)[N], size_t letters, std::string_view& s, int* out) {
    for (size_t i = 0; i < N; ++i) {
        std::string_view wanted = names[i].substr(0, letters);
        if (s.size() < wanted.size()) continue;
        bool same = true;
        for (size_t k = 0; k < wanted.size() && same; ++k)
            same = (s[k] | 0x20) == (wanted[k] | 0x20);
        if (!same) continue;
        *out = static_cast<int>(i);
        s.remove_prefix(wanted.size());
        return true;
    }
    return false;
}

// "+3" or "-11" behind GMT, or a zone that is only that.
size_t signed_hours(std::string_view s, int* hours) {
    if (s.empty() || (s[0] != '+' && s[0] != '-')) return 0;
    size_t n = 1;
    int v = 0;
    for (; digit(s, n) && n < 9; ++n)
        v = v * 10 + (s[n] - '0');
    if (n == 1 || n == 9 || v > 23) return 0;
    *hours = s[0] == '-' ? -v : v;
    return n;
}

// How many bytes of s are the name of a zone; *hours of GMT+n.
size_t zone_name(std::string_view s, int* hours) {
    if (s.size() < 3) return 0;
    if (s.starts_with("ChST") || s.starts_with("MeST")) return 4;
    if (s.starts_with("GMT")) return 3 + signed_hours(s.substr(3), hours);
    int ignored = 0;
    if (s[0] == '+' || s[0] == '-') return signed_hours(s, &ignored);
    size_t n = 0;
    while (n < 6 && n < s.size() && s[n] >= 'A' && s[n] <= 'Z')
        ++n;
    if (n == 5) return s[4] == 'T' ? 5 : 0;
    if (n == 4) return s[3] == 'T' || s.starts_with("WITA") ? 4 : 0;
    return n == 3 ? 3 : 0;
}

struct Moment {
    int year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0;
    int nanos = 0;
    int offset = 0;  // seconds east, as written in numbers
    int shown = 0;   // GMT+n: the hours that the name adds when it is printed, without moving the moment
    std::string_view zone;
};

bool fraction(std::string_view& s, int* nanos) {
    size_t n = 1;
    int v = 0, digits = 0;
    for (; digit(s, n); ++n) {
        if (digits == 9) continue;
        v = v * 10 + (s[n] - '0');
        ++digits;
    }
    for (; digits < 9; ++digits)
        v *= 10;
    *nanos = v;
    s.remove_prefix(n);
    return true;
}

bool mark(std::string_view s) {
    return s.size() >= 2 && (s[0] == '.' || s[0] == ',') && digit(s, 1);
}

bool offset(std::string_view& s, Part part, int* out) {
    bool colon = part == Part::offset_colon || part == Part::offset_or_z || part == Part::offset_seconds;
    size_t size = part == Part::offset_short ? 3 : part == Part::offset ? 5 : part == Part::offset_seconds ? 9 : 6;
    if (s.size() < size || (s[0] != '+' && s[0] != '-')) return false;
    std::string_view t = s.substr(1, size - 1);
    int h = 0, m = 0, sec = 0;
    auto separated = [&] {
        if (!colon) return true;
        if (t.empty() || t[0] != ':') return false;
        t.remove_prefix(1);
        return true;
    };
    if (!number(t, true, &h)) return false;
    if (part != Part::offset_short && !(separated() && number(t, true, &m))) return false;
    if (part == Part::offset_seconds && !(separated() && number(t, true, &sec))) return false;
    if (h > 24 || m > 60 || sec > 60) return false;
    *out = (h * 60 + m) * 60 + sec;
    if (s[0] == '-') *out = -*out;
    s.remove_prefix(size);
    return true;
}

bool take(Part part, std::string_view layout, std::string_view& s, Moment& m, int& half) {
    int ignored = 0;
    switch (part) {
        case Part::long_month:
            if (!name(kMonths, 9, s, &m.month)) return false;
            ++m.month;
            return true;
        case Part::month:
            if (!name(kMonths, 3, s, &m.month)) return false;
            ++m.month;
            return true;
        case Part::long_day_name:
            return name(kDays, 9, s, &ignored);
        case Part::day_name:
            return name(kDays, 3, s, &ignored);
        case Part::zone_name: {
            if (s.starts_with("UTC")) {
                s.remove_prefix(3);
                return true;
            }
            size_t n = zone_name(s, &m.shown);
            m.zone = s.substr(0, n);
            s.remove_prefix(n);
            return n > 0;
        }
        case Part::long_year: {
            int high = 0, low = 0;
            if (!number(s, true, &high) || !number(s, true, &low)) return false;
            m.year = high * 100 + low;
            return true;
        }
        case Part::year:
            if (!number(s, true, &m.year)) return false;
            m.year += m.year >= 69 ? 1900 : 2000;
            return true;
        case Part::number_month:
        case Part::zero_month:
            return number(s, part == Part::zero_month, &m.month) && m.month >= 1 && m.month <= 12;
        case Part::under_day:
            if (!s.empty() && s[0] == ' ') s.remove_prefix(1);
            return number(s, false, &m.day);
        case Part::day:
        case Part::zero_day:
            return number(s, part == Part::zero_day, &m.day);
        case Part::hour:
            return number(s, false, &m.hour) && m.hour < 24;
        case Part::hour12:
        case Part::zero_hour12:
            return number(s, part == Part::zero_hour12, &m.hour) && m.hour <= 12;
        case Part::minute:
        case Part::zero_minute:
            return number(s, part == Part::zero_minute, &m.minute) && m.minute < 60;
        case Part::second:
        case Part::zero_second: {
            if (!number(s, part == Part::zero_second, &m.second) || m.second >= 60) return false;
            size_t size = 0;
            if (mark(s) && next_part(layout, &size) != Part::fraction) return fraction(s, &m.nanos);
            return true;
        }
        case Part::pm_upper:
        case Part::pm_lower: {
            std::string_view two = s.substr(0, 2);
            bool pm = two == (part == Part::pm_upper ? "PM" : "pm");
            if (!pm && two != (part == Part::pm_upper ? "AM" : "am")) return false;
            half = pm ? 2 : 1;
            s.remove_prefix(2);
            return true;
        }
        case Part::fraction:
            if (!mark(s)) return false;
            m.nanos = (s[1] - '0') * 100000000;
            s.remove_prefix(2);
            return true;
        case Part::offset_or_z:
            if (!s.empty() && s[0] == 'Z') {
                s.remove_prefix(1);
                return true;
            }
            return offset(s, part, &m.offset);
        case Part::offset:
        case Part::offset_colon:
        case Part::offset_short:
        case Part::offset_seconds:
            return offset(s, part, &m.offset);
        case Part::none:
            break;
    }
    return false;
}

int days_in(int month, int year) {
    constexpr int kLength[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return kLength[month - 1] + (month == 2 && leap ? 1 : 0);
}

void skip_blanks(std::string_view& s) {
    while (!s.empty() && s[0] == ' ')
        s.remove_prefix(1);
}

bool parse(std::string_view layout, std::string_view s, Moment& m) {
    int half = 0;
    while (!layout.empty()) {
        size_t size = 0;
        Part part = next_part(layout, &size);
        if (part != Part::none) {
            layout.remove_prefix(size);
            if (!take(part, layout, s, m, half)) return false;
        } else if (layout[0] == ' ') {
            // Any number of blanks; none at all only at the end.
            if (!s.empty() && s[0] != ' ') return false;
            skip_blanks(layout);
            skip_blanks(s);
        } else {
            if (s.empty() || s[0] != layout[0]) return false;
            layout.remove_prefix(1);
            s.remove_prefix(1);
        }
    }
    if (!s.empty()) return false;
    if (half == 2 && m.hour < 12) m.hour += 12;
    if (half == 1 && m.hour == 12) m.hour = 0;
    return m.day >= 1 && m.day <= days_in(m.month, m.year);
}

// Days since 1970-01-01, and back (Hinnant, chrono-compatible low-level date algorithms).
int64_t days_from_civil(int64_t y, int month, int day) {
    y -= month <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

void digits(char*& w, int64_t v, int n) {
    for (int i = n - 1; i >= 0; --i, v /= 10)
        w[i] = static_cast<char>('0' + v % 10);
    w += n;
}

std::string_view print(int64_t seconds, int nanos, int zone, Arena& arena) {
    int64_t days = seconds / 86400, rest = seconds % 86400;
    if (rest < 0) {
        rest += 86400;
        --days;
    }
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    int64_t month = mp + (mp < 10 ? 3 : -9);
    int64_t year = yoe + era * 400 + (month <= 2);
    char* begin = arena.chars(40);
    char* w = begin;
    digits(w, year < 0 ? 0 : year, 4);
    *w++ = '-';
    digits(w, month, 2);
    *w++ = '-';
    digits(w, doy - (153 * mp + 2) / 5 + 1, 2);
    *w++ = 'T';
    digits(w, rest / 3600, 2);
    *w++ = ':';
    digits(w, rest / 60 % 60, 2);
    *w++ = ':';
    digits(w, rest % 60, 2);
    if (nanos != 0) {
        *w++ = '.';
        digits(w, nanos, 9);
        while (w[-1] == '0')
            --w;
    }
    if (zone == 0) {
        *w++ = 'Z';
    } else {
        *w++ = zone < 0 ? '-' : '+';
        int minutes = (zone < 0 ? -zone : zone) / 60;
        digits(w, minutes / 60, 2);
        *w++ = ':';
        digits(w, minutes % 60, 2);
    }
    return {begin, static_cast<size_t>(w - begin)};
}

}  // namespace

bool feed_date(std::string_view text, bool utc, Arena& arena, std::string_view* out) {
    constexpr std::string_view kBlank = " \t\r\n\v\f";
    size_t first = text.find_first_not_of(kBlank);
    if (first == std::string_view::npos) return false;
    text = text.substr(first, text.find_last_not_of(kBlank) + 1 - first);
    if (text.size() > kLongest) return false;
    auto found = [&](const Moment& m) {
        int64_t seconds = days_from_civil(m.year, m.month, m.day) * 86400 + m.hour * 3600 + m.minute * 60 + m.second;
        int shown = m.shown * 3600;
        *out = utc          ? print(seconds - m.offset, m.nanos, 0, arena)
               : shown != 0 ? print(seconds + shown, m.nanos, shown, arena)
                            : print(seconds, m.nanos, m.offset, arena);
        return true;
    };
    for (std::string_view layout : kLayouts) {
        Moment m;
        if (parse(layout, text, m)) return found(m);
    }
    for (std::string_view layout : kNamedZones) {
        Moment m;
        if (!parse(layout, text, m)) continue;
        m.offset = m.zone == "EST" ? -5 * 3600 : m.zone == "MST" ? -7 * 3600 : m.zone == "HST" ? -10 * 3600 : 0;
        return found(m);
    }
    return false;
}

}  // namespace gladius::encodings
