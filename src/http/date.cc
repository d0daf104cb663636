#include "http/date.h"

#include <algorithm>
#include <cstring>

namespace gladius::http {
namespace {

constexpr int64_t kDaySeconds = 86400;
constexpr int64_t kFirst = -62167219200;  // year 0
constexpr int64_t kLast = 253402300799;   // the end of year 9999: the format has four digits

void two_digits(char* out, int64_t v) {
    out[0] = static_cast<char>('0' + v / 10);
    out[1] = static_cast<char>('0' + v % 10);
}

}  // namespace

void write_date(int64_t unix_seconds, char* out) {
    int64_t t = std::clamp(unix_seconds, kFirst, kLast) - kFirst;  // from 0000-01-01, so that everything is positive
    int64_t days = t / kDaySeconds;
    int64_t seconds = t % kDaySeconds;
    // Counts years from the 1st of March, so that a leap day is the last day of its year.
    int64_t d = days - 60 + 146097;  // from the 1st of March of the year -400
    int64_t era = d / 146097;
    int64_t day_of_era = d % 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t march_month = (5 * day_of_year + 2) / 153;
    int64_t day = day_of_year - (153 * march_month + 2) / 5 + 1;
    int64_t month = march_month < 10 ? march_month + 2 : march_month - 10;  // 0 = January
    int64_t year = era * 400 + year_of_era - 400 + (month <= 1 ? 1 : 0);

    std::memcpy(out, "Thu, 01 Jan 1970 00:00:00 GMT", kDateLen);
    std::memcpy(out, &"SatSunMonTueWedThuFri"[3 * (days % 7)], 3);  // 0000-01-01 was a Saturday
    two_digits(out + 5, day);
    std::memcpy(out + 8, &"JanFebMarAprMayJunJulAugSepOctNovDec"[3 * month], 3);
    two_digits(out + 12, year / 100);
    two_digits(out + 14, year % 100);
    two_digits(out + 17, seconds / 3600);
    two_digits(out + 20, seconds / 60 % 60);
    two_digits(out + 23, seconds % 60);
}

}  // namespace gladius::http
