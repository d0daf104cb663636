// The ends of a bulk transfer, which cost as little as they can: a backend that gives or takes bodies of any size, and a
// client that does the same.
// usage: bulk serve PORT          one thread for each connection. GET /N gives N bytes, GET /chunked/N in chunks of 64 KiB;
//                                 a request with a body is read to its end and answered with the number of bytes
//        bulk get PORT PATH N     prints the seconds, fails unless the body has N bytes
//        bulk put PORT PATH N [chunked]
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

namespace {

constexpr size_t kBuffer = 256 * 1024, kChunk = 64 * 1024;

bool send_all(int fd, const char* p, size_t n) {
  while (n > 0) {
    ssize_t k = send(fd, p, n, MSG_NOSIGNAL);
    if (k <= 0) return false;
    p += k, n -= k;
  }
  return true;
}

bool send_body(int fd, size_t n, bool chunked) {
  static const std::string block(kBuffer, 'x');
  static const std::string chunk = "10000\r\n" + std::string(kChunk, 'x') + "\r\n";
  for (size_t left = n; left > 0;) {
    size_t k = std::min(left, chunked ? kChunk : kBuffer);
    if (!(chunked ? send_all(fd, chunk.data(), chunk.size()) : send_all(fd, block.data(), k))) return false;
    left -= k;
  }
  return !chunked || send_all(fd, "0\r\n\r\n", 5);
}

std::string field(const std::string& head, const char* name) {
  const char* p = strcasestr(head.c_str(), name);
  if (!p) return {};
  p += strlen(name);
  while (*p == ' ') p++;
  return std::string(p, strcspn(p, "\r"));
}

struct Reader {
  int fd;
  std::string buf = std::string(kBuffer, 0);
  size_t at = 0, end = 0;
  bool more() {
    if (at == end) at = end = 0;
    if (end == buf.size()) {
      memmove(buf.data(), buf.data() + at, end - at);
      end -= at, at = 0;
    }
    ssize_t k = recv(fd, buf.data() + end, buf.size() - end, 0);
    if (k > 0) end += k;
    return k > 0;
  }
  bool line(std::string& out) {
    for (;;) {
      void* nl = memchr(buf.data() + at, '\n', end - at);
      if (nl) {
        size_t to = static_cast<char*>(nl) - buf.data() + 1;
        out.assign(buf, at, to - at);
        at = to;
        return true;
      }
      if (!more()) return false;
    }
  }
  bool head(std::string& out) {
    out.clear();
    for (std::string l; line(l);) {
      out += l;
      if (l == "\r\n") return true;
    }
    return false;
  }
  bool skip(size_t n) {
    for (;;) {
      size_t k = std::min(n, end - at);
      at += k, n -= k;
      if (n == 0) return true;
      if (!more()) return false;
    }
  }
  // How many bytes the body has; -1: it is cut.
  long body(const std::string& head) {
    if (field(head, "\nTransfer-Encoding:") == "chunked") {
      long n = 0;
      for (std::string l; line(l);) {
        long k = strtol(l.c_str(), nullptr, 16);
        if (!skip(k + 2)) return -1;
        if (k == 0) return n;
        n += k;
      }
      return -1;
    }
    long n = atol(field(head, "\nContent-Length:").c_str());
    return skip(n) ? n : -1;
  }
};

void serve(int fd) {
  Reader in{fd};
  for (std::string head; in.head(head);) {
    bool get = head.compare(0, 4, "GET ") == 0;
    if (!get) {
      std::string n = std::to_string(in.body(head));
      std::string answer = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " + std::to_string(n.size()) + "\r\n\r\n" + n;
      if (!send_all(fd, answer.data(), answer.size())) break;
      continue;
    }
    bool chunked = head.compare(4, 9, "/chunked/") == 0;
    size_t n = atol(head.c_str() + (chunked ? 13 : 5));
    std::string answer = "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n" +
                         (chunked ? "Transfer-Encoding: chunked" : "Content-Length: " + std::to_string(n)) + "\r\n\r\n";
    if (!send_all(fd, answer.data(), answer.size()) || !send_body(fd, n, chunked)) break;
  }
  close(fd);
}

sockaddr_in local(const char* port) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(atoi(port));
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return a;
}

}  // namespace

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  alarm(3600);
  if (argc < 3) return 2;
  std::string what = argv[1];
  sockaddr_in a = local(argv[2]);
  int s = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  if (what == "serve") {
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(s, reinterpret_cast<sockaddr*>(&a), sizeof a) || listen(s, 64)) return perror("bind"), 1;
    for (int c; (c = accept(s, nullptr, nullptr)) >= 0;) std::thread(serve, c).detach();
    return 1;
  }
  if (argc < 5) return 2;
  size_t n = atol(argv[4]);
  bool chunked = argc > 5 && !strcmp(argv[5], "chunked");
  if (connect(s, reinterpret_cast<sockaddr*>(&a), sizeof a)) return perror("connect"), 1;
  setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  timespec from, to;
  clock_gettime(CLOCK_MONOTONIC, &from);
  std::string head = what == "get" ? std::string("GET ") + argv[3] + " HTTP/1.1\r\nHost: b\r\nAccept-Encoding: identity\r\n\r\n"
                                   : std::string("POST ") + argv[3] + " HTTP/1.1\r\nHost: b\r\nContent-Type: text/plain\r\n" +
                                         (chunked ? "Transfer-Encoding: chunked" : "Content-Length: " + std::to_string(n)) + "\r\n\r\n";
  if (!send_all(s, head.data(), head.size())) return perror("send"), 1;
  if (what == "put" && !send_body(s, n, chunked)) return perror("send"), 1;
  Reader in{s};
  std::string answer;
  if (!in.head(answer) || answer.compare(9, 3, "200") != 0) return fprintf(stderr, "%s\n", answer.c_str()), 1;
  size_t got = 0;
  if (what == "get") {
    got = in.body(answer);
  } else {
    std::string text;
    long k = atol(field(answer, "\nContent-Length:").c_str());
    while (in.end - in.at < static_cast<size_t>(k) && in.more()) {
    }
    got = strtoul(std::string(in.buf, in.at, k).c_str(), nullptr, 10);
  }
  clock_gettime(CLOCK_MONOTONIC, &to);
  if (got != n) return fprintf(stderr, "%zu bytes instead of %zu\n", got, n), 1;
  printf("%.3f\n", (to.tv_sec - from.tv_sec) + (to.tv_nsec - from.tv_nsec) * 1e-9);
}
