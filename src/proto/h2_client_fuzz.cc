// Whatever a backend sends: no fault of memory, heads that the HTTP/1 parser takes, bodies never longer than announced,
// memory within the windows, and all of it given back.
#include <errno.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "http/h1.h"
#include "proto/h2_client.h"
#include "rt/loop.h"

namespace {

using namespace gladius;

struct Owner final : proto::H2ClientOwner {
    int64_t kept = 0;
    bool refuses = false;
    void h2_output() override {}
    bool h2_take_memory(size_t n) override {
        if (refuses) return false;
        kept += static_cast<int64_t>(n);
        return true;
    }
    void h2_give_memory(size_t n) override { kept -= static_cast<int64_t>(n); }
    void h2_stream_closed() override {}
};

struct Reader {
    rt::Io io;
    proto::H2ClientStream* stream = nullptr;
    http::Method method;
    std::string text;
    bool has_head = false;
    uint64_t body = 0, announced = UINT64_MAX;

    void open(rt::Loop& loop, proto::H2Client& client, std::string_view request, http::Method m) {
        method = m;
        stream = client.open();
        if (!stream) return;
        io.open(loop, *stream);
        stream->attach(io);
        (void)stream->send(request.data(), request.size());
    }
    void read(size_t most) {
        if (!stream || !io.is_open()) return;
        char buf[1024];
        for (;;) {
            ssize_t n = stream->recv(buf, std::min(most, sizeof buf));
            if (n <= 0) return;
            if (has_head) {
                body += static_cast<uint64_t>(n);
                GL_CHECK(body <= announced);
                continue;
            }
            text.append(buf, static_cast<size_t>(n));
            http::Field fields[256];
            http::ResponseHead head;
            http::Limits limits;
            limits.max_head_bytes = 128 * 1024;
            http::Status st = http::parse_response(text.data(), text.size(), limits, method, fields, 256, head);
            // More fields than ours are an error of the one who reads.
            if (st == http::Status::error) return io.close();
            if (st == http::Status::need_more) continue;
            has_head = true;
            body = text.size() - head.head_len;
            if (head.framing == http::Framing::length) announced = head.content_length;
            GL_CHECK(head.framing != http::Framing::chunked);
        }
    }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static rt::Loop loop;
    if (size < 2) return 0;
    uint8_t how = data[0];
    size_t piece = data[1] ? data[1] : size;
    data += 2;
    size -= 2;
    Owner owner;
    {
        proto::H2ClientLimits limits;
        limits.stream_window = 64 * 1024;
        proto::H2Client client(owner, limits, (how & 1) != 0);
        Reader readers[4];
        readers[0].open(loop, client, "GET /a HTTP/1.1\r\nHost: b\r\nX-A: 1\r\n\r\n", http::Method::get);
        readers[1].open(loop, client, "HEAD /a HTTP/1.1\r\nHost: b\r\n\r\n", http::Method::head);
        readers[2].open(loop, client, "POST /a HTTP/1.1\r\nHost: b\r\nContent-Length: 5\r\n\r\nhello",
                        http::Method::post);
        readers[3].open(loop, client, "POST /a HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
                        http::Method::post);
        owner.refuses = (how & 2) != 0;
        const char* p = reinterpret_cast<const char*>(data);
        for (size_t at = 0, i = 0; at < size; at += piece, ++i) {
            size_t n = std::min(piece, size - at);
            bool goes_on = client.receive(p + at, n);
            client.output().clear();
            client.sent();
            if (how & 4) readers[i % 4].read(how & 8 ? 3 : 1024);
            if ((how & 16) && i == 2) readers[0].io.close();
            if (readers[3].io.is_open()) (void)readers[3].stream->send("1\r\nx\r\n", 6);
            loop.turn(0);
            GL_CHECK(owner.kept <= int64_t{4} * 2 * (64 + 64) * 1024);
            if (!goes_on) {
                client.fail();
                break;
            }
        }
        for (Reader& r : readers) {
            r.read(1024);
            if (r.io.is_open()) r.io.close();
        }
        client.fail();
        GL_CHECK(client.streams() == 0);
    }
    GL_CHECK(owner.kept == 0);
    loop.turn(0);
    return 0;
}
