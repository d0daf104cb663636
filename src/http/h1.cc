#include "http/h1.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "simd/bytes.h"

namespace gladius::http {
namespace {

// A method that nobody knows is still let through to the router (405), but not one that never ends.
constexpr size_t kMaxMethod = 64;
// Names listed in Connection are compared with every field: a bound keeps that product small.
constexpr uint32_t kMaxConnectionOptions = 32;
constexpr uint64_t kMaxContentLength = INT64_MAX;

constexpr std::array<std::string_view, 10> kMethods{"GET",    "HEAD",    "POST",    "PUT",   "PATCH",
                                                    "DELETE", "OPTIONS", "CONNECT", "TRACE", ""};

bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

bool equal_fold(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    for (size_t i = 0; i < a.size(); ++i) {
        char x = a[i], y = b[i];
        if (x >= 'A' && x <= 'Z') x = static_cast<char>(x | 0x20);
        if (y >= 'A' && y <= 'Z') y = static_cast<char>(y | 0x20);
        if (x != y) return false;
    }
    return true;
}

// 1*DIGIT that fits; no sign, no list, no blanks.
bool parse_length(std::string_view s, uint64_t& out) {
    if (s.empty()) return false;
    uint64_t v = 0;
    for (char c : s) {
        if (c < '0' || c > '9') return false;
        uint64_t digit = static_cast<uint64_t>(c - '0');
        if (v > (kMaxContentLength - digit) / 10) return false;
        v = v * 10 + digit;
    }
    out = v;
    return true;
}

// What both kinds of head have in common: lines, fields, and the fields that decide the framing. One pass from left to
// right that stops at the first byte or field that is certainly wrong, so more bytes never change a verdict.
template <class Scan>
class HeadParser {
  public:
    HeadParser(const char* data, size_t n, const Limits& limits, Field* fields, size_t capacity)
        : base_(data),
          p_(data),
          end_(data + std::min<size_t>(n, limits.max_head_bytes)),
          fields_(fields),
          capacity_(static_cast<uint32_t>(std::min<size_t>(capacity, limits.max_fields))),
          full_(n >= limits.max_head_bytes) {}

    Status request(RequestHead& out) {
        Status s = request_line(out);
        if (s == Status::complete) s = read_fields(true, out.minor_version);
        if (s == Status::complete) s = finish_request(out);
        out.error = error_;
        out.error_off = error_off_;
        out.mask = mask_;
        out.field_count = count_;
        return s;
    }

    Status response(Method method, ResponseHead& out) {
        Status s = status_line(out);
        if (s == Status::complete) s = read_fields(false, out.minor_version);
        if (s == Status::complete) s = finish_response(method, out);
        out.error = error_;
        out.error_off = error_off_;
        out.mask = mask_;
        out.field_count = count_;
        return s;
    }

  private:
    uint32_t off(const char* p) const { return static_cast<uint32_t>(p - base_); }

    Status fail(HeadError e, const char* at) {
        error_ = e;
        error_off_ = off(at);
        return Status::error;
    }
    // The bytes are used up and nothing was wrong so far.
    Status starved() { return full_ ? fail(HeadError::head_too_large, end_) : Status::need_more; }

    // A byte that does not belong here: says what it is, `otherwise` when it is nothing special. A CR may still turn
    // out to be the line's end, so it is judged with the byte behind it: `at_crlf` when that is a LF.
    Status stray(const char* p, HeadError otherwise, HeadError at_crlf) {
        switch (*p) {
            case '\0':
                return fail(HeadError::nul_byte, p);
            case '\n':
                return fail(HeadError::bare_lf, p);
            case '\r':
                if (p + 1 == end_) return starved();
                return fail(p[1] == '\n' ? at_crlf : HeadError::bare_cr, p);
            default:
                return fail(otherwise, p);
        }
    }

    // At the end of a line: CR LF and nothing else.
    Status line_end(HeadError otherwise) {
        if (p_ == end_) return starved();
        if (*p_ != '\r') return stray(p_, otherwise, otherwise);
        if (p_ + 1 == end_) return starved();
        if (p_[1] != '\n') return fail(HeadError::bare_cr, p_);
        p_ += 2;
        return Status::complete;
    }

    // "HTTP/1.0" or "HTTP/1.1"; a wrong byte is found as soon as it is there.
    Status version(uint8_t& minor) {
        constexpr std::string_view kPrefix = "HTTP/1.";
        size_t have = std::min<size_t>(static_cast<size_t>(end_ - p_), kPrefix.size());
        for (size_t i = 0; i < have; ++i)
            if (p_[i] != kPrefix[i]) return stray(p_ + i, HeadError::bad_version, HeadError::bad_version);
        p_ += have;
        if (p_ == end_) return starved();
        if (*p_ != '0' && *p_ != '1') return stray(p_, HeadError::bad_version, HeadError::bad_version);
        minor = static_cast<uint8_t>(*p_ - '0');
        ++p_;
        return Status::complete;
    }

    Status request_line(RequestHead& out) {
        const char* stop = Scan::token_end(p_, end_);
        if (stop - base_ > static_cast<ptrdiff_t>(kMaxMethod)) return fail(HeadError::bad_method, base_ + kMaxMethod);
        if (stop == end_) return starved();
        if (*stop != ' ') return stray(stop, HeadError::bad_method, HeadError::bad_request_line);
        if (stop == base_) return fail(HeadError::bad_method, stop);
        out.method_len = off(stop);
        out.method = method_of({base_, out.method_len});
        p_ = stop + 1;

        const char* target = p_;
        stop = Scan::target_end(p_, end_);
        if (stop != target) {
            if (Status s = target_form(out.method, {target, static_cast<size_t>(stop - target)}, stop != end_);
                s != Status::complete)
                return fail(HeadError::bad_target, target);
        }
        if (stop == end_) return starved();
        if (*stop != ' ') return stray(stop, HeadError::bad_target, HeadError::bad_request_line);
        if (stop == target) return fail(HeadError::bad_request_line, stop);
        out.target_off = off(target);
        out.target_len = off(stop) - out.target_off;
        p_ = stop + 1;
        if (Status s = version(out.minor_version); s != Status::complete) return s;
        return line_end(HeadError::bad_version);
    }

    // Origin-form, absolute-form, "*", or CONNECT's authority-form (RFC 9112 3.2). `whole`: the target's end has been
    // seen.
    static Status target_form(Method method, std::string_view t, bool whole) {
        if (t[0] == '/' || method == Method::connect) return Status::complete;
        if (t[0] == '*') return t.size() == 1 ? Status::complete : Status::error;
        if ((t[0] | 0x20) < 'a' || (t[0] | 0x20) > 'z') return Status::error;
        if (!whole) return Status::complete;
        size_t colon = t.find("://");
        return colon != std::string_view::npos && t.find_first_of("/?#") == colon + 1 ? Status::complete
                                                                                      : Status::error;
    }

    Status status_line(ResponseHead& out) {
        if (Status s = version(out.minor_version); s != Status::complete) return s;
        if (p_ == end_) return starved();
        if (*p_ != ' ') return stray(p_, HeadError::bad_version, HeadError::bad_status_line);
        ++p_;
        unsigned status = 0;
        for (int i = 0; i < 3; ++i, ++p_) {
            if (p_ == end_) return starved();
            if (*p_ < (i == 0 ? '1' : '0') || *p_ > '9')
                return stray(p_, HeadError::bad_status_line, HeadError::bad_status_line);
            status = status * 10 + static_cast<unsigned>(*p_ - '0');
        }
        out.status = static_cast<uint16_t>(status);
        if (p_ == end_) return starved();
        if (*p_ == ' ') {
            ++p_;
            out.reason_off = off(p_);
            p_ = Scan::value_end(p_, end_);
            out.reason_len = off(p_) - out.reason_off;
        } else {
            out.reason_off = off(p_);
        }
        return line_end(HeadError::bad_status_line);
    }

    // The parser's state is kept in locals here: the stores into the field array would make the compiler reload
    // members.
    Status read_fields(bool request, uint8_t minor) {
        const char* const base = base_;
        const char* const end = end_;
        const char* p = p_;
        for (;; ++count_) {
            if (p == end) return starved();
            const char* name = p;
            const char* stop = Scan::token_end(p, end);
            if (stop == name) [[unlikely]] {
                p_ = p;
                if (*p == '\r') return line_end(HeadError::bare_cr);
                if (is_blank(*p)) return fail(count_ ? HeadError::obs_fold : HeadError::bad_field_name, p);
                return stray(p, HeadError::bad_field_name, HeadError::bad_field_name);
            }
            if (count_ == capacity_) return fail(HeadError::too_many_fields, name);
            if (stop - name > UINT16_MAX) return fail(HeadError::bad_field_name, name);
            if (stop == end) return starved();
            if (*stop != ':') return stray(stop, HeadError::bad_field_name, HeadError::bad_field_name);
            p = stop + 1;
            while (p != end && is_blank(*p))
                ++p;
            const char* value = p;
            p = Scan::value_end(p, end);
            const char* value_end = p;
            if (end - p >= 2 && p[0] == '\r' && p[1] == '\n') [[likely]] {
                p += 2;
            } else {
                p_ = p;
                return line_end(HeadError::bad_field_value);
            }
            while (value_end != value && is_blank(value_end[-1]))
                --value_end;

            std::string_view text{name, static_cast<size_t>(stop - name)};
            bool canonical = false;
            Field f;
            f.token = find_token(text, canonical);
            f.flags = canonical ? Field::kCanonical : 0;
            f.name_off = static_cast<uint32_t>(name - base);
            f.name_len = static_cast<uint16_t>(text.size());
            f.value_off = static_cast<uint32_t>(value - base);
            f.value_len = static_cast<uint32_t>(value_end - value);
            fields_[count_] = f;
            if (f.token == Token::unknown) continue;
            if (bit(f.token) & kDecisive) {
                if (Status s = decisive_field(f, request, minor); s != Status::complete) return s;
            }
            mask_ |= bit(f.token);
        }
    }

    // The fields that decide framing, routing and the connection's life; judged as they come.
    static constexpr uint64_t kDecisive = bit(Token::content_length) | bit(Token::transfer_encoding) |
                                          bit(Token::host) | bit(Token::connection) | bit(Token::expect);

    Status decisive_field(const Field& f, bool request, uint8_t minor) {
        std::string_view value = value_of(base_, f);
        const char* at = base_ + f.value_off;
        bool again = (mask_ & bit(f.token)) != 0;
        switch (f.token) {
            case Token::content_length:
                if (mask_ & bit(Token::transfer_encoding)) return fail(HeadError::length_and_chunked, at);
                // A repeated length is refused from clients even when equal; a backend may repeat the same text.
                if (again && (request || value != value_of(base_, fields_[length_field_])))
                    return fail(HeadError::bad_content_length, at);
                if (!parse_length(value, length_)) return fail(HeadError::bad_content_length, at);
                if (!again) length_field_ = count_;
                return Status::complete;
            case Token::transfer_encoding:
                if (mask_ & bit(Token::content_length)) return fail(HeadError::length_and_chunked, at);
                // RFC 9112 6.1: in a 1.0 message its framing is faulty. No other coding than chunked is ever applied
                // here, so one that says otherwise could not be passed on truthfully.
                if (again || minor == 0 || !equal_fold(value, "chunked"))
                    return fail(HeadError::bad_transfer_encoding, at);
                return Status::complete;
            case Token::host: {
                if (!request) return Status::complete;
                if (again) return fail(HeadError::several_hosts, at);
                const char* stop = simd::class_end(at, at + f.value_len, simd::kHostByte);
                if (stop != at + f.value_len) return fail(HeadError::bad_host, stop);
                host_field_ = count_;
                return Status::complete;
            }
            case Token::connection:
                for_each_option(value, [this](std::string_view option) {
                    ++options_;
                    Token t = find_token(option);
                    if (t == Token::keep_alive) keep_ = true;
                    if (t == Token::upgrade) upgrade_ = true;
                    if (t != Token::unknown) {
                        nominated_ |= bit(t);
                    } else if (equal_fold(option, "close")) {
                        close_ = true;
                    } else {
                        nominates_unknown_ = true;
                    }
                });
                if (options_ > kMaxConnectionOptions) return fail(HeadError::bad_field_value, at);
                return Status::complete;
            default:  // expect
                if (equal_fold(value, "100-continue")) {
                    expect_continue_ = true;
                } else if (!value.empty()) {
                    bad_expect_ = true;
                }
                return Status::complete;
        }
    }

    // The non-empty elements of a comma-separated list, without the blanks around them.
    template <class F>
    static void for_each_option(std::string_view list, F&& fn) {
        while (!list.empty()) {
            size_t comma = std::min(list.find(','), list.size());
            std::string_view option = list.substr(0, comma);
            list.remove_prefix(std::min(comma + 1, list.size()));
            while (!option.empty() && is_blank(option.front()))
                option.remove_prefix(1);
            while (!option.empty() && is_blank(option.back()))
                option.remove_suffix(1);
            if (!option.empty()) fn(option);
        }
    }

    // Marks what Connection lists; the usual "keep-alive" and "close" list nothing that is there.
    void nominate() {
        if (nominated_ & mask_) {
            for (uint32_t i = 0; i < count_; ++i)
                if (fields_[i].token != Token::unknown && (nominated_ & bit(fields_[i].token)))
                    fields_[i].flags |= Field::kNominated;
        }
        if (!nominates_unknown_) return;
        for (uint32_t i = 0; i < count_; ++i) {
            if (fields_[i].token != Token::connection) continue;
            for_each_option(value_of(base_, fields_[i]), [this](std::string_view option) {
                if (find_token(option) != Token::unknown || equal_fold(option, "close")) return;
                for (uint32_t k = 0; k < count_; ++k)
                    if (fields_[k].token == Token::unknown && equal_fold(name_of(base_, fields_[k]), option))
                        fields_[k].flags |= Field::kNominated;
            });
        }
    }

    bool keep_alive(uint8_t minor) const { return !close_ && (minor == 1 || keep_); }

    Status finish_request(RequestHead& out) {
        if (out.minor_version == 1 && !(mask_ & bit(Token::host))) return fail(HeadError::missing_host, p_);
        nominate();
        out.head_len = off(p_);
        out.host_field = host_field_;
        out.keep_alive = keep_alive(out.minor_version);
        // RFC 9110 10.1.1: an expectation in a 1.0 request is ignored.
        out.expect_continue = expect_continue_ && !bad_expect_ && out.minor_version == 1;
        out.bad_expect = bad_expect_ && out.minor_version == 1;
        out.upgrade = upgrade_ && (mask_ & bit(Token::upgrade)) && out.minor_version == 1;
        if (mask_ & bit(Token::transfer_encoding)) {
            out.framing = Framing::chunked;
        } else if (mask_ & bit(Token::content_length)) {
            out.framing = Framing::length;
            out.content_length = length_;
        }
        return Status::complete;
    }

    Status finish_response(Method method, ResponseHead& out) {
        nominate();
        out.head_len = off(p_);
        out.keep_alive = keep_alive(out.minor_version);
        if (mask_ & bit(Token::content_length)) out.content_length = length_;
        bool tunnel = method == Method::connect && out.status / 100 == 2;
        if (method == Method::head || out.status / 100 == 1 || out.status == 204 || out.status == 304 || tunnel) {
            out.framing = Framing::none;
        } else if (mask_ & bit(Token::transfer_encoding)) {
            out.framing = Framing::chunked;
        } else if (mask_ & bit(Token::content_length)) {
            out.framing = Framing::length;
        } else {
            out.framing = Framing::until_close;
            out.keep_alive = false;
        }
        return Status::complete;
    }

    const char* const base_;
    const char* p_;
    const char* const end_;
    Field* const fields_;
    const uint32_t capacity_;
    const bool full_;  // no more bytes will be taken
    uint32_t count_ = 0;
    uint64_t mask_ = 0;
    uint64_t length_ = 0;
    uint32_t length_field_ = 0;
    uint32_t host_field_ = UINT32_MAX;
    uint32_t options_ = 0;    // listed in Connection
    uint64_t nominated_ = 0;  // well-known names among them
    bool nominates_unknown_ = false;
    bool close_ = false, keep_ = false, upgrade_ = false;
    bool expect_continue_ = false, bad_expect_ = false;
    HeadError error_ = HeadError::none;
    uint32_t error_off_ = 0;
};

}  // namespace

Status parse_request(const char* data, size_t n, const Limits& limits, Field* fields, size_t capacity,
                     RequestHead& out) {
    out = RequestHead{};
    return HeadParser<simd::Best>(data, n, limits, fields, capacity).request(out);
}

Status parse_request_scalar(const char* data, size_t n, const Limits& limits, Field* fields, size_t capacity,
                            RequestHead& out) {
    out = RequestHead{};
    return HeadParser<simd::Scalar>(data, n, limits, fields, capacity).request(out);
}

Status parse_response(const char* data, size_t n, const Limits& limits, Method request_method, Field* fields,
                      size_t capacity, ResponseHead& out) {
    out = ResponseHead{};
    return HeadParser<simd::Best>(data, n, limits, fields, capacity).response(request_method, out);
}

Status parse_response_scalar(const char* data, size_t n, const Limits& limits, Method request_method, Field* fields,
                             size_t capacity, ResponseHead& out) {
    out = ResponseHead{};
    return HeadParser<simd::Scalar>(data, n, limits, fields, capacity).response(request_method, out);
}

bool HeadResume::worth_parsing(const char* data, size_t n, const Limits& limits) {
    // A finished line: at most max_fields of them come before the parser refuses, so parsing at each stays bounded.
    // Within one long line the parser runs when its bytes have doubled.
    if (n >= limits.max_head_bytes || n >= 2 * parsed_) return true;
    const char* end = data + n;
    for (const char* p = data + std::min(scanned_, n); (p = simd::Best::value_end(p, end)) != end; ++p)
        if (*p != '\r') return true;
    scanned_ = n;
    return false;
}

size_t skip_empty_lines(const char* data, size_t n) {
    size_t i = 0;
    for (int lines = 0; lines < 4 && n - i >= 2 && data[i] == '\r' && data[i + 1] == '\n'; ++lines)
        i += 2;
    return i;
}

const char* text(HeadError e) {
    switch (e) {
        case HeadError::none:
            return "no error";
        case HeadError::bad_request_line:
            return "malformed request line";
        case HeadError::bad_method:
            return "invalid method";
        case HeadError::bad_target:
            return "invalid request target";
        case HeadError::bad_version:
            return "unsupported HTTP version";
        case HeadError::bad_status_line:
            return "malformed status line";
        case HeadError::bad_field_name:
            return "invalid header name";
        case HeadError::bad_field_value:
            return "invalid header value";
        case HeadError::obs_fold:
            return "folded header line";
        case HeadError::bare_cr:
            return "CR without LF";
        case HeadError::bare_lf:
            return "LF without CR";
        case HeadError::nul_byte:
            return "NUL byte";
        case HeadError::too_many_fields:
            return "too many headers";
        case HeadError::head_too_large:
            return "head too large";
        case HeadError::length_and_chunked:
            return "Content-Length and Transfer-Encoding together";
        case HeadError::bad_content_length:
            return "invalid Content-Length";
        case HeadError::bad_transfer_encoding:
            return "unsupported Transfer-Encoding";
        case HeadError::missing_host:
            return "missing required Host header";
        case HeadError::several_hosts:
            return "too many Host headers";
        case HeadError::bad_host:
            return "malformed Host header";
    }
    return "unknown error";
}

Method method_of(std::string_view text) {
    switch (text.size()) {
        case 3:
            if (text == "GET") return Method::get;
            if (text == "PUT") return Method::put;
            break;
        case 4:
            if (text == "POST") return Method::post;
            if (text == "HEAD") return Method::head;
            break;
        case 5:
            if (text == "PATCH") return Method::patch;
            if (text == "TRACE") return Method::trace;
            break;
        case 6:
            if (text == "DELETE") return Method::del;
            break;
        case 7:
            if (text == "OPTIONS") return Method::options;
            if (text == "CONNECT") return Method::connect;
            break;
        default:
            break;
    }
    return Method::other;
}

std::string_view method_name(Method m) {
    return kMethods[std::min<size_t>(static_cast<size_t>(m), kMethods.size() - 1)];
}

}  // namespace gladius::http
