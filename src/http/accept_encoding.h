// Purpose: which codings of a body a client takes, by its Accept-Encoding fields. Pure. Owner: caller. Thread: any.
// Errors: none; what is no weight counts as 0, so what a client wrote wrong is not used. Source: RFC 9110 12.5.3.
//   AcceptedCodings a;  a.add("br;q=1, gzip;q=0.8, *;q=0");  a.quality("br") == 1000
#pragma once
#include <cstdint>
#include <string_view>

namespace gladius::http {

class AcceptedCodings {
  public:
    // One field's value; several fields are one list. The first mention of a coding counts.
    void add(std::string_view value);
    // In thousandths; 0: not taken. Without any field nothing but identity is taken.
    uint16_t gzip() const { return of(gzip_); }
    uint16_t br() const { return of(br_); }

  private:
    static constexpr int16_t kUnsaid = -1;
    uint16_t of(int16_t q) const { return static_cast<uint16_t>(q != kUnsaid ? q : any_ != kUnsaid ? any_ : 0); }
    int16_t gzip_ = kUnsaid, br_ = kUnsaid, any_ = kUnsaid;
};

}  // namespace gladius::http
