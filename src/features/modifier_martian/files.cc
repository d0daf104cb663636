#include "features/modifier_martian/files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "features/modifier_martian/ranges.h"

namespace gladius::features::martian {

namespace {

struct Type {
    std::string_view ending, type;
};
// Sorted. What the registries of IANA say for endings that gateways serve.
constexpr Type kTypes[] = {{".ai", "application/postscript"},
                           {".apk", "application/vnd.android.package-archive"},
                           {".apng", "image/apng"},
                           {".avif", "image/avif"},
                           {".bin", "application/octet-stream"},
                           {".bmp", "image/bmp"},
                           {".com", "application/octet-stream"},
                           {".css", "text/css; charset=utf-8"},
                           {".csv", "text/csv; charset=utf-8"},
                           {".doc", "application/msword"},
                           {".docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
                           {".ehtml", "text/html; charset=utf-8"},
                           {".eml", "message/rfc822"},
                           {".eps", "application/postscript"},
                           {".exe", "application/octet-stream"},
                           {".flac", "audio/flac"},
                           {".gif", "image/gif"},
                           {".gz", "application/gzip"},
                           {".htm", "text/html; charset=utf-8"},
                           {".html", "text/html; charset=utf-8"},
                           {".ico", "image/vnd.microsoft.icon"},
                           {".ics", "text/calendar; charset=utf-8"},
                           {".jfif", "image/jpeg"},
                           {".jpeg", "image/jpeg"},
                           {".jpg", "image/jpeg"},
                           {".js", "text/javascript; charset=utf-8"},
                           {".json", "application/json"},
                           {".m4a", "audio/mp4"},
                           {".mjs", "text/javascript; charset=utf-8"},
                           {".mp3", "audio/mpeg"},
                           {".mp4", "video/mp4"},
                           {".oga", "audio/ogg"},
                           {".ogg", "audio/ogg"},
                           {".ogv", "video/ogg"},
                           {".opus", "audio/ogg"},
                           {".pdf", "application/pdf"},
                           {".pjp", "image/jpeg"},
                           {".pjpeg", "image/jpeg"},
                           {".png", "image/png"},
                           {".ppt", "application/vnd.ms-powerpoint"},
                           {".pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
                           {".ps", "application/postscript"},
                           {".rdf", "application/rdf+xml"},
                           {".rtf", "application/rtf"},
                           {".shtml", "text/html; charset=utf-8"},
                           {".svg", "image/svg+xml"},
                           {".text", "text/plain; charset=utf-8"},
                           {".tif", "image/tiff"},
                           {".tiff", "image/tiff"},
                           {".txt", "text/plain; charset=utf-8"},
                           {".vtt", "text/vtt; charset=utf-8"},
                           {".wasm", "application/wasm"},
                           {".wav", "audio/wav"},
                           {".webm", "audio/webm"},
                           {".webp", "image/webp"},
                           {".xbl", "text/xml; charset=utf-8"},
                           {".xbm", "image/x-xbitmap"},
                           {".xht", "application/xhtml+xml"},
                           {".xhtml", "application/xhtml+xml"},
                           {".xls", "application/vnd.ms-excel"},
                           {".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
                           {".xml", "text/xml; charset=utf-8"},
                           {".xsl", "text/xml; charset=utf-8"},
                           {".zip", "application/zip"}};

const char* words_of(int error) {
    switch (error) {
        case EACCES:
        case EPERM:
            return "permission denied";
        case ENOTDIR:
            return "not a directory";
        case ELOOP:
            return "too many levels of symbolic links";
        case ENAMETOOLONG:
            return "file name too long";
        case EISDIR:
            return "is a directory";
        default:
            return "input/output error";
    }
}

struct File {
    int fd;
    explicit File(const char* path) : fd(::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
    ~File() {
        if (fd >= 0) ::close(fd);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
};

void failed(engine::AnswerDraft& a, std::string_view what, std::string_view path, int error) {
    a.fail(a.arena.concat(a.arena.concat(what, " ", path), ": ", words_of(error)));
}

}  // namespace

std::string_view clean(std::string_view path, Arena& arena) {
    if (path.empty()) return ".";
    bool rooted = path[0] == '/';
    char* out = arena.chars(path.size() + 1);
    size_t n = 0, fixed = 0;  // `fixed`: what ".." cannot take back
    if (rooted) {
        out[n++] = '/';
        fixed = 1;
    }
    while (!path.empty()) {
        size_t end = std::min(path.find('/'), path.size());
        std::string_view part = path.substr(0, end);
        path.remove_prefix(std::min(end + 1, path.size()));
        if (part.empty() || part == ".") continue;
        if (part == "..") {
            if (n > fixed) {
                while (n > fixed && out[n - 1] != '/')
                    --n;
                if (n > fixed) --n;  // the slash
                continue;
            }
            if (rooted) continue;
        }
        if (n > (rooted ? 1u : 0u)) out[n++] = '/';
        std::memcpy(out + n, part.data(), part.size());
        n += part.size();
        if (part == "..") fixed = n;
    }
    if (n == 0) return ".";
    return {out, n};
}

std::string_view type_of(std::string_view path) {
    size_t dot = path.rfind('.');
    if (dot == std::string_view::npos || path.find('/', dot) != std::string_view::npos) return {};
    std::string_view ending = path.substr(dot);
    char low[16];
    if (ending.size() > sizeof low) return {};
    std::transform(ending.begin(), ending.end(), low,
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
    ending = {low, ending.size()};
    const Type* at = std::lower_bound(std::begin(kTypes), std::end(kTypes), ending,
                                      [](const Type& t, std::string_view e) { return t.ending < e; });
    return at != std::end(kTypes) && at->ending == ending ? at->type : std::string_view();
}

void answer_with_file(const Modifier& m, engine::AnswerDraft& a) {
    Arena& arena = a.arena;
    std::string_view asked = clean(a.request.url.path, arena);
    std::string_view below = asked;
    for (const auto& [from, to] : m.paths)
        if (from == asked) below = to;
    std::string_view joined = m.path.empty()  ? below
                              : below.empty() ? std::string_view(m.path)
                                              : arena.concat(m.path, "/", below);
    std::string_view path = clean(joined, arena);
    if (path.find('\0') != std::string_view::npos) return a.fail("open: invalid argument");
    File file(arena.concat(path, std::string_view("", 1)).data());
    if (file.fd < 0) {
        if (errno != ENOENT) return failed(a, "open", path, errno);
        a.status = 404;
        return;
    }
    struct stat info{};
    if (::fstat(file.fd, &info) != 0) return failed(a, "stat", path, errno);
    if (S_ISDIR(info.st_mode)) return failed(a, "read", path, EISDIR);
    if (!S_ISREG(info.st_mode)) return a.fail(arena.concat("read ", path, ": no regular file"));
    auto size = static_cast<size_t>(info.st_size);
    if (a.max_body && size > a.max_body)
        return a.fail(arena.concat("read ", path, ": larger than gladius/limits.max_backend_body"));
    if (!a.charge || !a.charge(a.charge_from, size))
        return a.fail("the memory budget of the gateway is used up; try again later");
    char* bytes = arena.chars(size);
    size_t n = 0;
    while (n < size) {
        ssize_t k = ::read(file.fd, bytes + n, size - n);
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) return failed(a, "read", path, errno);
        if (k == 0) break;
        n += static_cast<size_t>(k);
    }
    std::string_view type = type_of(path);
    a.headers.set("Content-Type", type);
    answer_with(a, {bytes, n}, type, m.boundary);
}

}  // namespace gladius::features::martian
