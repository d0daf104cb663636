// Purpose: what is wrong with a configuration, said so that it can be repaired: where, what, and what to write instead.
// Owner: whoever loads (cli, supervisor). Thread: control thread. Lifetime: plain values, nothing points into a
// document. Errors: none. The number of kept diagnostics is bounded (kMaxKept); what is over is only counted. Shape of
// a line: file:line:column: severity: json path: what is wrong; what to write instead   (issue 3, item 4)
//   Diagnostics d;
//   d.add(Severity::error, {"krakend.json", 3, 7, "$.port"}, "is no number", "write a number such as 8080");
//   fmt::print(stderr, "{}", d.text());  // every line, then the summary
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gladius::conf {

enum class Severity : uint8_t { note, warning, error };

std::string_view to_string(Severity s);

// A place in a configuration; line and column begin at 1 and are 0 where there is none (environment, option).
struct Place {
    std::string file;
    uint32_t line = 0;
    uint32_t column = 0;
    std::string path;  // "$.endpoints[3].backend[0].host"
};

struct Diagnostic {
    Severity severity = Severity::error;
    Place place;
    std::string message;  // what is wrong
    std::string advice;   // what to write instead; may be empty
};

// One line without a newline.
std::string format(const Diagnostic& d);

class Diagnostics {
  public:
    static constexpr size_t kMaxKept = 500;  // of each severity, so that warnings never push out an error

    void add(Severity severity, Place place, std::string message, std::string advice = {});
    // True when one more would only be counted: callers may then skip building the text.
    bool full(Severity s) const { return kept_[static_cast<size_t>(s)] >= kMaxKept; }
    void count_only(Severity severity);

    const std::vector<Diagnostic>& all() const { return list_; }
    size_t count(Severity s) const { return counts_[static_cast<size_t>(s)]; }
    bool has_errors() const { return count(Severity::error) > 0; }
    void append(const Diagnostics& other);
    // Every warning becomes an error: nothing is forgiven.
    void raise_warnings();
    // Sorted by file, line and column; those without a line first.
    void sort();

    // "krakend.json: 2 errors, 1 warning", or "krakend.json: no errors".
    std::string summary(std::string_view file) const;
    // All lines, one per diagnostic, each ended by a newline; notes only when asked for.
    std::string text(bool with_notes = true) const;

  private:
    std::vector<Diagnostic> list_;
    size_t counts_[3] = {0, 0, 0};
    size_t kept_[3] = {0, 0, 0};
};

}  // namespace gladius::conf
