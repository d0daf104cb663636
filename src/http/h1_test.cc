#include "http/h1.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace gladius::http {
namespace {

constexpr size_t kCapacity = 300;

// Parses a copy that ends where the text ends, so that a sanitizer sees every byte read past it, and checks that the
// scalar parser says the same.
struct Request {
    explicit Request(std::string_view text, const Limits& limits = {})
        : bytes(new char[text.size()]), fields(kCapacity) {
        std::memcpy(bytes.get(), text.data(), text.size());
        status = parse_request(bytes.get(), text.size(), limits, fields.data(), kCapacity, head);
        std::vector<Field> scalar_fields(kCapacity);
        RequestHead scalar;
        EXPECT_EQ(status,
                  parse_request_scalar(bytes.get(), text.size(), limits, scalar_fields.data(), kCapacity, scalar));
        EXPECT_EQ(head.error, scalar.error) << text;
        EXPECT_EQ(head.error_off, scalar.error_off) << text;
        EXPECT_EQ(head.head_len, scalar.head_len);
        EXPECT_EQ(head.field_count, scalar.field_count);
        for (uint32_t i = 0; i < head.field_count && i < scalar.field_count; ++i)
            EXPECT_EQ(0, std::memcmp(&fields[i], &scalar_fields[i], sizeof(Field)));
    }
    std::string_view name(uint32_t i) const { return name_of(bytes.get(), fields[i]); }
    std::string_view value(uint32_t i) const { return value_of(bytes.get(), fields[i]); }
    std::string_view value(std::string_view wanted) const {
        for (uint32_t i = 0; i < head.field_count; ++i)
            if (name(i) == wanted) return value(i);
        return "(absent)";
    }
    bool nominated(std::string_view wanted) const {
        for (uint32_t i = 0; i < head.field_count; ++i)
            if (name(i) == wanted) return (fields[i].flags & Field::kNominated) != 0;
        return false;
    }

    std::unique_ptr<char[]> bytes;
    std::vector<Field> fields;
    RequestHead head;
    Status status;
};

struct Response {
    explicit Response(std::string_view text, Method method = Method::get, const Limits& limits = {})
        : bytes(new char[text.size()]), fields(kCapacity) {
        std::memcpy(bytes.get(), text.data(), text.size());
        status = parse_response(bytes.get(), text.size(), limits, method, fields.data(), kCapacity, head);
        std::vector<Field> scalar_fields(kCapacity);
        ResponseHead scalar;
        EXPECT_EQ(status, parse_response_scalar(bytes.get(), text.size(), limits, method, scalar_fields.data(),
                                                kCapacity, scalar));
        EXPECT_EQ(head.error, scalar.error) << text;
        EXPECT_EQ(head.error_off, scalar.error_off) << text;
    }
    std::unique_ptr<char[]> bytes;
    std::vector<Field> fields;
    ResponseHead head;
    Status status;
};

// A verdict never changes when more bytes come, and it is not given before its bytes are there: need_more for a while,
// then the same answer for every longer piece.
void expect_request_at_every_split(std::string_view text) {
    Request whole(text);
    bool decided = false;
    for (size_t n = 0; n <= text.size(); ++n) {
        Request part(text.substr(0, n));
        if (part.status == Status::need_more) {
            EXPECT_FALSE(decided) << "at " << n << " of " << text;
            continue;
        }
        decided = true;
        EXPECT_EQ(part.status, whole.status) << "at " << n << " of " << text;
        EXPECT_EQ(part.head.error, whole.head.error) << "at " << n << " of " << text;
        EXPECT_EQ(part.head.head_len, whole.head.head_len);
        if (part.status == Status::complete) {
            EXPECT_GE(n, whole.head.head_len);
        }
    }
}

void expect_response_at_every_split(std::string_view text) {
    Response whole(text);
    bool decided = false;
    for (size_t n = 0; n <= text.size(); ++n) {
        Response part(text.substr(0, n));
        if (part.status == Status::need_more) {
            EXPECT_FALSE(decided) << "at " << n << " of " << text;
            continue;
        }
        decided = true;
        EXPECT_EQ(part.status, whole.status) << "at " << n << " of " << text;
        EXPECT_EQ(part.head.error, whole.head.error) << "at " << n << " of " << text;
    }
}

std::string with_host(std::string_view fields) {
    return "POST /p HTTP/1.1\r\nHost: x\r\n" + std::string(fields) + "\r\n";
}

void expect_refused(std::string_view text, HeadError error) {
    Request r(text);
    EXPECT_EQ(r.status, Status::error) << text;
    EXPECT_EQ(r.head.error, error) << text << ": " << http::text(r.head.error);
    expect_request_at_every_split(text);
}

TEST(H1Request, BrowserRequest) {
    std::string text =
        "GET /a/b?c=d HTTP/1.1\r\nHost: shop.example.org:8080\r\nUser-Agent:\tMozilla/5.0 (X11; Linux)  \r\naccept: "
        "*/*\r\n"
        "X-Empty:\r\nX-Blank: \t \r\nCookie: a=b; c=\xc3\xa9\r\n\r\nbody";
    Request r(text);
    ASSERT_EQ(r.status, Status::complete);
    EXPECT_EQ(r.head.method, Method::get);
    EXPECT_EQ(r.head.method_len, 3u);
    EXPECT_EQ(text.substr(r.head.target_off, r.head.target_len), "/a/b?c=d");
    EXPECT_EQ(r.head.minor_version, 1);
    EXPECT_EQ(r.head.framing, Framing::none);
    EXPECT_TRUE(r.head.keep_alive);
    EXPECT_EQ(r.head.head_len, text.size() - 4);
    ASSERT_EQ(r.head.field_count, 6u);
    EXPECT_EQ(r.head.host_field, 0u);
    EXPECT_EQ(r.value("Host"), "shop.example.org:8080");
    EXPECT_EQ(r.value("User-Agent"), "Mozilla/5.0 (X11; Linux)");
    EXPECT_EQ(r.value("X-Empty"), "");
    EXPECT_EQ(r.value("X-Blank"), "");
    EXPECT_EQ(r.value("Cookie"), "a=b; c=\xc3\xa9");
    EXPECT_EQ(r.fields[2].token, Token::accept);
    EXPECT_FALSE(r.fields[2].flags & Field::kCanonical);
    EXPECT_TRUE(r.fields[1].flags & Field::kCanonical);
    EXPECT_EQ(r.fields[3].token, Token::unknown);
    EXPECT_TRUE(r.fields[3].flags & Field::kCanonical);
    EXPECT_EQ(r.head.mask, bit(Token::host) | bit(Token::user_agent) | bit(Token::accept) | bit(Token::cookie));
    expect_request_at_every_split(text);
}

TEST(H1Request, EverySpecMessageAtEverySplit) {
    for (std::string_view text : {
             "GET / HTTP/1.0\r\n\r\n",
             "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
             "CONNECT h.test:443 HTTP/1.1\r\nHost: h.test:443\r\n\r\n",
             "GET http://abs.test:81/a?x=1 HTTP/1.1\r\nHost: other.test\r\nConnection: close\r\n\r\n",
             "POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\nExpect: 100-continue\r\n\r\nhello world!",
             "PUT /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n0\r\n\r\n",
             "GET /chat HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
             "DELETE /%7Euser/%2F HTTP/1.1\r\nHOST:x\r\nX-Long-Name-That-Fills-More-Than-One-Register_42: v\r\n\r\n",
             "M-SEARCH /a HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
         }) {
        EXPECT_EQ(Request(text).status, Status::complete) << text;
        expect_request_at_every_split(text);
    }
}

TEST(H1Request, ContentLengthFrames) {
    Request r(with_host("Content-Length: 42\r\n"));
    ASSERT_EQ(r.status, Status::complete);
    EXPECT_EQ(r.head.framing, Framing::length);
    EXPECT_EQ(r.head.content_length, 42u);
    Request zero(with_host("Content-Length: 0\r\n"));
    EXPECT_EQ(zero.head.framing, Framing::length);
    EXPECT_EQ(zero.head.content_length, 0u);
    Request most(with_host("Content-Length: 9223372036854775807\r\n"));
    EXPECT_EQ(most.head.content_length, 9223372036854775807u);
}

TEST(H1Request, ChunkedFrames) {
    Request r(with_host("Transfer-Encoding: Chunked\r\n"));
    ASSERT_EQ(r.status, Status::complete);
    EXPECT_EQ(r.head.framing, Framing::chunked);
}

TEST(H1Request, LengthAndChunkedTogether) {
    expect_refused(with_host("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), HeadError::length_and_chunked);
    expect_refused(with_host("Transfer-Encoding: chunked\r\nX-A: b\r\nContent-Length: 5\r\n"),
                   HeadError::length_and_chunked);
    expect_refused(with_host("TRANSFER-ENCODING: identity\r\nContent-Length: 5\r\n"), HeadError::bad_transfer_encoding);
}

TEST(H1Request, BadContentLength) {
    for (std::string_view value :
         {"", "+5", "-1", "5, 5", "5,6", "0x5", "5 5", "5;", "1e3", "5.0", "9223372036854775808",
          "18446744073709551616", "99999999999999999999999999", "\"5\"", "five", "5\t6"})
        expect_refused(with_host("Content-Length: " + std::string(value) + "\r\n"), HeadError::bad_content_length);
}

TEST(H1Request, RepeatedContentLength) {
    expect_refused(with_host("Content-Length: 5\r\nContent-Length: 6\r\n"), HeadError::bad_content_length);
    expect_refused(with_host("Content-Length: 5\r\nContent-Length: 5\r\n"), HeadError::bad_content_length);
    expect_refused(with_host("Content-Length: 5\r\ncontent-length: 05\r\n"), HeadError::bad_content_length);
}

TEST(H1Request, BadTransferEncoding) {
    for (std::string_view value :
         {"", "identity", "gzip", "gzip, chunked", "chunked, identity", "chunked, chunked", "xchunked", "chunked;q=1",
          "\"chunked\"", "chunked,", ",chunked", "chun\tked", "chunked\x0c"}) {
        Request r(with_host("Transfer-Encoding: " + std::string(value) + "\r\n"));
        EXPECT_EQ(r.status, Status::error) << value;
        EXPECT_TRUE(r.head.error == HeadError::bad_transfer_encoding || r.head.error == HeadError::bad_field_value)
            << value;
    }
    expect_refused(with_host("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
                   HeadError::bad_transfer_encoding);
    expect_refused("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", HeadError::bad_transfer_encoding);
}

TEST(H1Request, ObsFold) {
    expect_refused(with_host("X-A: b\r\n c\r\n"), HeadError::obs_fold);
    expect_refused(with_host("X-A: b\r\n\tc\r\n"), HeadError::obs_fold);
    expect_refused(with_host("Transfer-Encoding:\r\n chunked\r\n"), HeadError::bad_transfer_encoding);
}

TEST(H1Request, BlankAtTheStartOfTheFirstField) {
    expect_refused("GET / HTTP/1.1\r\n Host: x\r\n\r\n", HeadError::bad_field_name);
    expect_refused("GET / HTTP/1.1\r\n\tHost: x\r\n\r\n", HeadError::bad_field_name);
}

TEST(H1Request, BareCr) {
    expect_refused("GET / HTTP/1.1\rHost: x\r\n\r\n", HeadError::bare_cr);
    expect_refused("GET / HTTP/1.1\r\r\nHost: x\r\n\r\n", HeadError::bare_cr);
    expect_refused(with_host("X-A: b\rc\r\n"), HeadError::bare_cr);
    expect_refused(with_host("X-A: b\r\r\n"), HeadError::bare_cr);
    expect_refused(with_host("X\rA: b\r\n"), HeadError::bare_cr);
    expect_refused(with_host("X-A: b\r\n\rX-B: c\r\n"), HeadError::bare_cr);
    expect_refused("GET /\r HTTP/1.1\r\n\r\n", HeadError::bare_cr);
}

TEST(H1Request, BareLf) {
    expect_refused("GET / HTTP/1.1\nHost: x\r\n\r\n", HeadError::bare_lf);
    expect_refused(with_host("X-A: b\nX-B: c\r\n"), HeadError::bare_lf);
    expect_refused(with_host("X-A: b\r\n\nX-B: c\r\n"), HeadError::bare_lf);
    expect_refused(with_host("X-A\n: b\r\n"), HeadError::bare_lf);
    expect_refused("\n", HeadError::bare_lf);
}

TEST(H1Request, NulByte) {
    using namespace std::string_view_literals;
    expect_refused("G\0T / HTTP/1.1\r\n\r\n"sv, HeadError::nul_byte);
    expect_refused("GET /\0 HTTP/1.1\r\n\r\n"sv, HeadError::nul_byte);
    expect_refused("GET / HTTP/1.1\r\nHo\0st: x\r\n\r\n"sv, HeadError::nul_byte);
    expect_refused("GET / HTTP/1.1\r\nHost: x\0y\r\n\r\n"sv, HeadError::nul_byte);
    expect_refused("GET / HTTP/1.1\0\r\n\r\n"sv, HeadError::nul_byte);
}

TEST(H1Request, BlankBeforeTheColon) {
    expect_refused(with_host("Content-Length : 5\r\n"), HeadError::bad_field_name);
    expect_refused(with_host("Content-Length\t: 5\r\n"), HeadError::bad_field_name);
    expect_refused(with_host("Bad Header: y\r\n"), HeadError::bad_field_name);
}

TEST(H1Request, BadFieldNames) {
    expect_refused(with_host(": y\r\n"), HeadError::bad_field_name);
    expect_refused(with_host("NoColon\r\n"), HeadError::bad_field_name);
    for (unsigned c = 1; c < 256; ++c) {
        char byte = static_cast<char>(c);
        bool token = std::isalnum(static_cast<int>(c)) && c < 128;
        token = token || std::strchr("!#$%&'*+-.^_`|~", byte) != nullptr;
        for (std::string_view before : {"X", "X-Name-Of-Sixteen-Bytes-And-More"}) {
            Request r(with_host(std::string(before) + byte + "y: z\r\n"));
            if (byte == ':') continue;
            EXPECT_EQ(r.status == Status::complete, token) << c;
        }
    }
}

TEST(H1Request, BadFieldValues) {
    for (unsigned c = 1; c < 256; ++c) {
        char byte = static_cast<char>(c);
        bool good = c == '\t' || (c >= 0x20 && c != 0x7f);
        for (size_t pad : {0, 1, 15, 16, 31, 95, 96, 127, 200}) {
            Request r(with_host("X-A: q" + std::string(pad, 'p') + byte + "y\r\n"));
            EXPECT_EQ(r.status == Status::complete, good) << c;
            if (!good && byte != '\r' && byte != '\n') {
                EXPECT_EQ(r.head.error, HeadError::bad_field_value);
            }
        }
    }
}

TEST(H1Request, RequestLines) {
    expect_refused("hello\r\n\r\n", HeadError::bad_request_line);
    expect_refused("\r\nGET / HTTP/1.1\r\n\r\n", HeadError::bad_request_line);
    expect_refused(" GET / HTTP/1.1\r\n\r\n", HeadError::bad_method);
    expect_refused("GE(T / HTTP/1.1\r\n\r\n", HeadError::bad_method);
    expect_refused("\x16\x03\x01\x02", HeadError::bad_method);
    expect_refused(std::string(65, 'A') + " / HTTP/1.1\r\n\r\n", HeadError::bad_method);
    expect_refused("GET  / HTTP/1.1\r\n\r\n", HeadError::bad_request_line);
    expect_refused("GET\t/ HTTP/1.1\r\n\r\n", HeadError::bad_method);
    expect_refused("GET /\r\n", HeadError::bad_request_line);
    expect_refused("GET /\tHTTP/1.1\r\n\r\n", HeadError::bad_target);
    expect_refused("GET /a b HTTP/1.1\r\n\r\n", HeadError::bad_version);
    expect_refused("GET /\x7f HTTP/1.1\r\n\r\n", HeadError::bad_target);
    expect_refused("GET /\x01 HTTP/1.1\r\n\r\n", HeadError::bad_target);
    EXPECT_EQ(Request("GET /caf\xc3\xa9\xc2\x80 HTTP/1.1\r\nHost: x\r\n\r\n").status, Status::complete);
}

TEST(H1Request, TargetForms) {
    for (std::string_view target : {"a", "*a", "?a", "a/b", "mailto:x", "http:/x", "1http://x", "x?://y", "/\x0b"})
        expect_refused("GET " + std::string(target) + " HTTP/1.1\r\nHost: x\r\n\r\n", HeadError::bad_target);
    for (std::string_view target : {"/", "*", "http://x", "HTTPS://x/", "//x", "/a#b", "/a?b?c", "/%zz"})
        EXPECT_EQ(Request("GET " + std::string(target) + " HTTP/1.1\r\nHost: x\r\n\r\n").status, Status::complete)
            << target;
}

TEST(H1Request, Versions) {
    for (std::string_view v : {"HTTP/1.2", "HTTP/2.0", "HTTP/0.9", "HTTP/11", "http/1.1", "HTTP/1.1 ", "HTTP/1.10",
                               "HTTP/1,1", "HTTP 1.1", "X", " HTTP/1.1"})
        expect_refused("GET / " + std::string(v) + "\r\nHost: x\r\n\r\n", HeadError::bad_version);
    expect_refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", HeadError::bad_version);
}

TEST(H1Request, AWrongVersionIsSeenBeforeItsLineEnds) {
    EXPECT_EQ(Request("GET / SSH").status, Status::error);
    EXPECT_EQ(Request("GET / HTTP/1").status, Status::need_more);
    EXPECT_EQ(Request("GET / HTTP/2").status, Status::error);
}

TEST(H1Request, Hosts) {
    expect_refused("GET /a HTTP/1.1\r\nConnection: close\r\n\r\n", HeadError::missing_host);
    expect_refused("GET /a HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", HeadError::several_hosts);
    expect_refused("GET /a HTTP/1.1\r\nHost: x\r\nhost: x\r\n\r\n", HeadError::several_hosts);
    expect_refused("GET /a HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n", HeadError::several_hosts);
    for (std::string_view host : {"a/b", "a b", "u@h", "a\\b", "h?x", "h#x", "<h>", "\"h\"", "h{", "h\x80", "h\tx"})
        expect_refused("GET /a HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n", HeadError::bad_host);
    for (std::string_view host : {"", "a.b", "a:80", "[::1]:80", "1.2.3.4", "a_b", "xn--caf-dma", "a%C3%A9"})
        EXPECT_EQ(Request("GET /a HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n").status, Status::complete)
            << host;
    Request old("GET /a HTTP/1.0\r\n\r\n");
    EXPECT_EQ(old.status, Status::complete);
    EXPECT_EQ(old.head.host_field, UINT32_MAX);
    EXPECT_EQ(old.head.minor_version, 0);
    EXPECT_FALSE(old.head.keep_alive);
}

TEST(H1Request, SmugglingPayloads) {
    using namespace std::string_view_literals;
    for (std::string_view fields : {
             "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n"sv,
             "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n"sv,
             "Transfer-Encoding : chunked\r\n"sv,
             "Transfer-Encoding\t: chunked\r\n"sv,
             " Transfer-Encoding: chunked\r\n"sv,
             "X: y\r\n Transfer-Encoding: chunked\r\n"sv,
             "X: y\nTransfer-Encoding: chunked\r\n"sv,
             "X: y\rTransfer-Encoding: chunked\r\n"sv,
             "X: y\0Transfer-Encoding: chunked\r\n"sv,
             "Transfer-Encoding\0: chunked\r\n"sv,
             "Transfer-Encoding: chunked\0\r\n"sv,
             "Transfer-Encoding:\x0b"
             "chunked\r\n"sv,
             "Transfer-Encoding: \x0c"
             "chunked\r\n"sv,
             "Transfer-Encoding: xchunked\r\n"sv,
             "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n"sv,
             "Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n"sv,
             "Transfer-Encoding:\r\n chunked\r\n"sv,
             "Transfer-Encoding: 'chunked'\r\n"sv,
             "Transfer-Encoding: chunk\r\n"sv,
             "Transfer-Encoding: chunked, cow\r\n"sv,
             "Content-Length: 0\r\nContent-Length: 6\r\n"sv,
             "Content-Length: 6, 0\r\n"sv,
             "Content-Length: +6\r\n"sv,
             "Content-Length: 0x6\r\n"sv,
             "Content-Length: 6\x0b\r\n"sv,
             "Content-Length: \r\n 6\r\n"sv,
             "Content-Length\r\n: 6\r\n"sv,
             "Content-Length: 6\r\n\tX: y\r\n"sv,
             "Host: other\r\n"sv,
             "[Transfer-Encoding]: chunked\r\n"sv,
             "Transfer-Encoding\xc2\xa0: chunked\r\n"sv,
             "Transfer-Encoding: chunked\xc2\xa0\r\n"sv,
         }) {
        Request r(with_host(fields));
        EXPECT_EQ(r.status, Status::error) << fields;
        expect_request_at_every_split(with_host(fields));
    }
    // A name that only looks like one that frames is an ordinary field.
    Request other(with_host("Transfer_Encoding: chunked\r\nContent_Length: 6\r\nX-Content-Length: 7\r\n"));
    ASSERT_EQ(other.status, Status::complete);
    EXPECT_EQ(other.head.framing, Framing::none);
}

TEST(H1Request, KeepAlive) {
    EXPECT_TRUE(Request(with_host("")).head.keep_alive);
    EXPECT_FALSE(Request(with_host("Connection: close\r\n")).head.keep_alive);
    EXPECT_FALSE(Request(with_host("Connection: keep-alive , CLOSE\r\n")).head.keep_alive);
    EXPECT_FALSE(Request(with_host("Connection: x\r\nConnection: close\r\n")).head.keep_alive);
    EXPECT_TRUE(Request(with_host("Connection: closed\r\n")).head.keep_alive);
    EXPECT_TRUE(Request("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").head.keep_alive);
    EXPECT_FALSE(Request("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n").head.keep_alive);
}

TEST(H1Request, ConnectionNominatesFields) {
    Request r(with_host(
        "X-A: 1\r\nX-B: 2\r\nConnection: x-a,, keep-alive ,\tTe\r\nTE: trailers\r\nKeep-Alive: 5\r\nx-A: 3\r\n"));
    ASSERT_EQ(r.status, Status::complete);
    EXPECT_TRUE(r.nominated("X-A"));
    EXPECT_TRUE(r.nominated("x-A"));
    EXPECT_TRUE(r.nominated("TE"));
    EXPECT_TRUE(r.nominated("Keep-Alive"));
    EXPECT_FALSE(r.nominated("X-B"));
    EXPECT_FALSE(r.nominated("Host"));
    EXPECT_FALSE(r.nominated("Connection"));
    // A field may come before or behind the Connection field that lists it, and `close` lists nothing.
    Request c(with_host("Close: 1\r\nConnection: close, X-Z\r\nX-Z: 1\r\n"));
    EXPECT_TRUE(c.nominated("X-Z"));
    EXPECT_FALSE(c.nominated("Close"));
}

TEST(H1Request, TooManyConnectionOptions) {
    std::string list = "a";
    for (int i = 1; i < 32; ++i)
        list += ",a";
    EXPECT_EQ(Request(with_host("Connection: " + list + "\r\n")).status, Status::complete);
    EXPECT_EQ(Request(with_host("Connection: " + list + ",b\r\n")).head.error, HeadError::bad_field_value);
    EXPECT_EQ(Request(with_host("Connection: " + list + "\r\nConnection: b\r\n")).head.error,
              HeadError::bad_field_value);
}

TEST(H1Request, Expect) {
    EXPECT_TRUE(Request(with_host("Expect: 100-Continue\r\n")).head.expect_continue);
    Request other(with_host("Expect: 100-continue\r\nExpect: magic\r\n"));
    EXPECT_FALSE(other.head.expect_continue);
    EXPECT_TRUE(other.head.bad_expect);
    Request old("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_FALSE(old.head.expect_continue);
    EXPECT_FALSE(old.head.bad_expect);
}

TEST(H1Request, Upgrade) {
    EXPECT_TRUE(Request(with_host("Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n")).head.upgrade);
    EXPECT_FALSE(Request(with_host("Upgrade: websocket\r\n")).head.upgrade);
    EXPECT_FALSE(Request(with_host("Connection: Upgrade\r\n")).head.upgrade);
}

TEST(H1Request, TooManyFields) {
    Limits limits;
    limits.max_fields = 3;
    std::string three = "GET / HTTP/1.1\r\nHost: x\r\nA: 1\r\nB: 2\r\n";
    EXPECT_EQ(Request(three + "\r\n", limits).status, Status::complete);
    EXPECT_EQ(Request(three + "C: 3\r\n\r\n", limits).head.error, HeadError::too_many_fields);
    Field two[2];
    RequestHead head;
    EXPECT_EQ(parse_request(three.data(), three.size(), {}, two, 2, head), Status::error);
    EXPECT_EQ(head.error, HeadError::too_many_fields);
}

TEST(H1Request, HeadTooLarge) {
    Limits limits;
    std::string text = "GET / HTTP/1.1\r\nHost: x\r\nX-Pad: aaaaaaaaaaaaaaaaaaaaaaaa\r\n\r\n";
    limits.max_head_bytes = static_cast<uint32_t>(text.size());
    EXPECT_EQ(Request(text, limits).status, Status::complete);
    EXPECT_EQ(Request(text + "body that is not counted", limits).status, Status::complete);
    limits.max_head_bytes -= 1;
    EXPECT_EQ(Request(text, limits).head.error, HeadError::head_too_large);
    EXPECT_EQ(Request(text.substr(0, limits.max_head_bytes - 1), limits).status, Status::need_more);
    EXPECT_EQ(Request(text.substr(0, limits.max_head_bytes), limits).head.error, HeadError::head_too_large);
}

TEST(H1Request, NameLongerThanItsFieldCanSay) {
    EXPECT_EQ(Request(with_host(std::string(65535, 'a') + ": b\r\n")).status, Status::complete);
    EXPECT_EQ(Request(with_host(std::string(65536, 'a') + ": b\r\n")).head.error, HeadError::bad_field_name);
}

TEST(H1Request, EmptyLinesBefore) {
    EXPECT_EQ(skip_empty_lines("\r\n\r\nGET", 7), 4u);
    EXPECT_EQ(skip_empty_lines("GET", 3), 0u);
    EXPECT_EQ(skip_empty_lines("\r", 1), 0u);
    EXPECT_EQ(skip_empty_lines("\n\r\n", 3), 0u);
    EXPECT_EQ(skip_empty_lines("\r\n\r\n\r\n\r\n\r\n", 10), 8u);
    EXPECT_EQ(skip_empty_lines("", 0), 0u);
}

TEST(H1Resume, FindsTheEndByteByByteWithFewParses) {
    std::string text = "GET / HTTP/1.1\r\nHost: x\r\nCookie: " + std::string(20000, 'c') + "\r\n\r\n";
    std::vector<Field> fields(kCapacity);
    RequestHead head;
    HeadResume resume;
    int parses = 0;
    Status status = Status::need_more;
    size_t n = 0;
    while (status == Status::need_more && n < text.size()) {
        ++n;
        if (!resume.worth_parsing(text.data(), n, {})) continue;
        ++parses;
        status = parse_request(text.data(), n, {}, fields.data(), kCapacity, head);
        resume.parsed(n);
    }
    EXPECT_EQ(status, Status::complete);
    EXPECT_EQ(n, text.size());
    EXPECT_LT(parses, 30);
}

TEST(H1Resume, ErrorsAreFoundAtTheEndOfTheirLine) {
    for (std::string_view text :
         {"GET / HTTP/1.1\r\nBad Name: x\r\n", "GET / HTTP/1.1\r\nA: b\n", "GET / HTTP/9.1\r\n"}) {
        std::vector<Field> fields(kCapacity);
        RequestHead head;
        HeadResume resume;
        Status status = Status::need_more;
        for (size_t n = 1; n <= text.size() && status == Status::need_more; ++n) {
            if (!resume.worth_parsing(text.data(), n, {})) continue;
            status = parse_request(text.data(), n, {}, fields.data(), kCapacity, head);
            resume.parsed(n);
        }
        EXPECT_EQ(status, Status::error) << text;
    }
    Limits small;
    small.max_head_bytes = 100;
    std::string long_line(100, 'A');
    HeadResume resume;
    resume.parsed(90);
    EXPECT_FALSE(resume.worth_parsing(long_line.data(), 99, small));
    EXPECT_TRUE(resume.worth_parsing(long_line.data(), 100, small));
}

TEST(H1Response, Ordinary) {
    std::string text = "HTTP/1.1 404 Not  Found\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nabc";
    Response r(text);
    ASSERT_EQ(r.status, Status::complete);
    EXPECT_EQ(r.head.status, 404);
    EXPECT_EQ(text.substr(r.head.reason_off, r.head.reason_len), "Not  Found");
    EXPECT_EQ(r.head.framing, Framing::length);
    EXPECT_EQ(r.head.content_length, 3u);
    EXPECT_TRUE(r.head.keep_alive);
    EXPECT_EQ(r.head.head_len, text.size() - 3);
    expect_response_at_every_split(text);
}

TEST(H1Response, ReasonMayBeMissing) {
    for (std::string_view text : {"HTTP/1.1 200\r\n\r\n", "HTTP/1.1 200 \r\n\r\n"}) {
        Response r(text);
        EXPECT_EQ(r.status, Status::complete) << text;
        EXPECT_EQ(r.head.reason_len, 0u);
        expect_response_at_every_split(text);
    }
}

TEST(H1Response, BadStatusLines) {
    for (std::string_view text : {"HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 099 X\r\n\r\n",
                                  "HTTP/1.1  200 OK\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 200OK\r\n\r\n",
                                  "HTTP/1.1 -20 OK\r\n\r\n", "HTTP/1.1\r\n\r\n", "HTTP/1.1 200 O\x01K\r\n\r\n"}) {
        Response r(text);
        EXPECT_EQ(r.head.error, HeadError::bad_status_line) << text;
        expect_response_at_every_split(text);
    }
    for (std::string_view text :
         {"HTTP/2.0 200 OK\r\n\r\n", "ICY 200 OK\r\n\r\n", "HTTP/1.1\t200 OK\r\n\r\n", " HTTP/1.1 200 OK\r\n"})
        EXPECT_EQ(Response(text).head.error, HeadError::bad_version) << text;
    EXPECT_EQ(Response("HTTP/1.1 200 OK\nA: b\r\n\r\n").head.error, HeadError::bare_lf);
    EXPECT_EQ(Response("HTTP/1.1 200 O\rK\r\n\r\n").head.error, HeadError::bare_cr);
}

struct FramingCase {
    std::string_view text;
    Method method;
    Framing framing;
    bool keep_alive;
};

TEST(H1Response, Framing) {
    for (const FramingCase& c : std::vector<FramingCase>{
             {"HTTP/1.1 200 OK\r\n\r\n", Method::get, Framing::until_close, false},
             {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n", Method::get, Framing::until_close, false},
             {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n", Method::get, Framing::length,
              true},
             {"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n", Method::get, Framing::length, false},
             {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Method::get, Framing::chunked, true},
             {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n", Method::get,
              Framing::chunked, false},
             {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", Method::head, Framing::none, true},
             {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Method::head, Framing::none, true},
             {"HTTP/1.1 204 No Content\r\n\r\n", Method::get, Framing::none, true},
             {"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", Method::get, Framing::none, true},
             {"HTTP/1.1 100 Continue\r\n\r\n", Method::post, Framing::none, true},
             {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n", Method::get,
              Framing::none, true},
             {"HTTP/1.1 200 OK\r\n\r\n", Method::connect, Framing::none, true},
             {"HTTP/1.1 407 No\r\nContent-Length: 2\r\n\r\n", Method::connect, Framing::length, true},
         }) {
        Response r(c.text, c.method);
        EXPECT_EQ(r.status, Status::complete) << c.text;
        EXPECT_EQ(r.head.framing, c.framing) << c.text;
        EXPECT_EQ(r.head.keep_alive, c.keep_alive) << c.text;
        expect_response_at_every_split(c.text);
    }
}

TEST(H1Response, FramingErrors) {
    struct {
        std::string_view fields;
        HeadError error;
    } cases[] = {
        {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", HeadError::length_and_chunked},
        {"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", HeadError::length_and_chunked},
        {"Content-Length: 5\r\nContent-Length: 6\r\n", HeadError::bad_content_length},
        {"Content-Length: 5, 5\r\n", HeadError::bad_content_length},
        {"Content-Length: -5\r\n", HeadError::bad_content_length},
        {"Transfer-Encoding: gzip\r\n", HeadError::bad_transfer_encoding},
        {"Transfer-Encoding: chunked, gzip\r\n", HeadError::bad_transfer_encoding},
        {"Transfer-Encoding: gzip, chunked\r\n", HeadError::bad_transfer_encoding},
        {"A: b\r\n c\r\n", HeadError::obs_fold},
        {"A : b\r\n", HeadError::bad_field_name},
    };
    for (const auto& c : cases) {
        std::string text = "HTTP/1.1 200 OK\r\n" + std::string(c.fields) + "\r\n";
        EXPECT_EQ(Response(text).head.error, c.error) << text;
        expect_response_at_every_split(text);
    }
    EXPECT_EQ(Response("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").head.error,
              HeadError::bad_transfer_encoding);
}

TEST(H1Response, RepeatedEqualLengthIsTaken) {
    Response r("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n");
    EXPECT_EQ(r.status, Status::complete);
    EXPECT_EQ(r.head.content_length, 5u);
}

TEST(H1Methods, NamesAndBack) {
    for (Method m : {Method::get, Method::head, Method::post, Method::put, Method::patch, Method::del, Method::options,
                     Method::connect, Method::trace})
        EXPECT_EQ(method_of(method_name(m)), m);
    EXPECT_EQ(method_of("get"), Method::other);
    EXPECT_EQ(method_of("GETS"), Method::other);
    EXPECT_EQ(method_of(""), Method::other);
    EXPECT_EQ(method_name(Method::other), "");
    EXPECT_EQ(method_name(Method::del), "DELETE");
}

TEST(H1Reasons, AsGoSpellsThem) {
    EXPECT_EQ(reason_of(200), "OK");
    EXPECT_EQ(reason_of(404), "Not Found");
    EXPECT_EQ(reason_of(413), "Request Entity Too Large");
    EXPECT_EQ(reason_of(418), "I'm a teapot");
    EXPECT_EQ(reason_of(503), "Service Unavailable");
    EXPECT_EQ(reason_of(306), "");
    EXPECT_EQ(reason_of(599), "");
}

TEST(H1Errors, EveryErrorHasWords) {
    for (int e = 0; e <= static_cast<int>(HeadError::bad_host); ++e)
        EXPECT_STRNE(text(static_cast<HeadError>(e)), "unknown error");
}

}  // namespace
}  // namespace gladius::http
