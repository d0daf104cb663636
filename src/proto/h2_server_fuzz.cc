// A client that sends anything, and an engine that answers in every order: what the server writes is whole frames, what
// it hands out is a head that the HTTP/1 parser reads in the same way, memory is bounded and all of it comes back. The
// first byte says whether a good preface stands in front of the rest; every further step takes one byte for the size of
// the piece and one for what the engine does after it.
#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "base/assert.h"
#include "proto/h2_test_support.h"

using namespace gladius;
using namespace gladius::proto;

namespace {

void check_head(const H2Request& r) {
    if (r.too_large) return;
    http::RequestHead parsed;
    std::vector<http::Field> fields(256);
    http::Limits limits;
    limits.max_head_bytes = 1 << 20;
    auto status = http::parse_request(r.text, r.head.head_len, limits, fields.data(), fields.size(), parsed);
    // Of what HTTP/1 knows more rules about (methods, hosts, targets) the rest must still be one head, and all of it.
    if (status != http::Status::complete) {
        GL_CHECK(status == http::Status::error && parsed.error != http::HeadError::bad_field_value &&
                 parsed.error != http::HeadError::bare_lf && parsed.error != http::HeadError::bare_cr &&
                 parsed.error != http::HeadError::obs_fold && parsed.error != http::HeadError::nul_byte);
        return;
    }
    GL_CHECK(parsed.head_len == r.head.head_len);
    GL_CHECK(parsed.field_count == r.head.field_count && parsed.mask == r.head.mask);
    for (uint32_t i = 0; i < parsed.field_count; ++i) {
        GL_CHECK(fields[i].name_off == r.fields[i].name_off && fields[i].value_off == r.fields[i].value_off);
        GL_CHECK(fields[i].value_len == r.fields[i].value_len && fields[i].token == r.fields[i].token);
    }
}

struct Engine {
    H2Server& server;
    std::vector<H2Stream*> running;

    void start() {
        while (H2Stream* s = server.next_request()) {
            check_head(s->request());
            s->release_request();
            running.push_back(s);
        }
        GL_CHECK(running.size() <= 250);
    }
    void act(uint8_t what) {
        if (running.empty()) return;
        size_t i = (what >> 4) % running.size();
        H2Stream* s = running[i];
        char buf[700];
        switch (what & 15) {
            case 0:
            case 1:
                (void)s->recv(buf, sizeof buf);
                break;
            case 2: {
                constexpr std::string_view kLong = "HTTP/1.1 200 OK\r\nX-A: b\r\n\r\nsome bytes";
                (void)s->send(kLong.data(), kLong.size());
                break;
            }
            case 3: {
                constexpr std::string_view kLength =
                    "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\n";
                (void)s->send(kLength.data(), kLength.size());
                break;
            }
            case 4: {
                std::string body(40000, 'x');
                (void)s->send(body.data(), body.size());
                break;
            }
            case 5: {
                constexpr std::string_view kInterim = "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n";
                (void)s->send(kInterim.data(), kInterim.size());
                break;
            }
            case 6:
                (void)s->room();
                break;
            case 7:
                server.sent();
                break;
            case 8:
                server.set_blocked(true);
                break;
            case 9:
                (void)server.end_lingering();
                break;
            case 10:
                server.shutdown();
                break;
            case 11:
                server.shutdown_now();
                break;
            case 12:
                s->finish(true);
                break;
            default:
                s->finish((what & 1) != 0);
                s->close();
                running.erase(running.begin() + static_cast<ptrdiff_t>(i));
        }
    }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t n) {
    if (n == 0) return 0;
    H2TestOwner owner;
    owner.most = 1 << 20;
    H2ServerLimits limits;
    limits.max_header_bytes = 4096;
    {
        H2Server server(owner, limits);
        Engine engine{server, {}};
        std::string output;
        uint64_t now = 1;
        auto give = [&](const char* p, size_t k) {
            bool on = server.receive(p, k, now);
            engine.start();
            return on;
        };
        auto take = [&] {
            output += server.output().view();
            server.output().clear();
            std::string_view rest;
            (void)h2_frames(output, &rest);
            GL_CHECK(rest.empty());
            output.clear();
        };
        bool on = true;
        if (data[0] & 1) {
            std::string hello = std::string(kH2Preface) + h2_frame(NGHTTP2_SETTINGS, 0, 0, "");
            on = give(hello.data(), hello.size());
        }
        size_t at = 1;
        while (at + 2 < n) {
            size_t piece = std::min<size_t>(data[at], n - at - 2);
            uint8_t what = data[at + 1];
            at += 2;
            std::string copy(reinterpret_cast<const char*>(data + at), piece);
            if (on) on = give(copy.data(), copy.size());
            at += piece;
            engine.act(what);
            now += what & 3;
            if (what & 4) take();
            GL_CHECK(server.output().size() < 1 << 20);
        }
        take();
        for (H2Stream* s : engine.running)
            s->close();
        take();
    }
    GL_CHECK(owner.memory == 0);
    return 0;
}
