#include "conf/diagnostic.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace gladius::conf {

std::string_view to_string(Severity s) {
    switch (s) {
        case Severity::note:
            return "note";
        case Severity::warning:
            return "warning";
        case Severity::error:
            return "error";
    }
    return "error";
}

std::string format(const Diagnostic& d) {
    std::string out = d.place.file;
    if (d.place.line) out += fmt::format(":{}:{}", d.place.line, d.place.column);
    if (!out.empty()) out += ": ";
    out += to_string(d.severity);
    out += ": ";
    if (!d.place.path.empty()) {
        out += d.place.path;
        out += ": ";
    }
    out += d.message;
    if (!d.advice.empty()) {
        out += "; ";
        out += d.advice;
    }
    // A line stays a line, whatever somebody wrote into a key.
    for (char& c : out) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    }
    return out;
}

void Diagnostics::add(Severity severity, Place place, std::string message, std::string advice) {
    ++counts_[static_cast<size_t>(severity)];
    if (full(severity)) return;
    ++kept_[static_cast<size_t>(severity)];
    list_.push_back({severity, std::move(place), std::move(message), std::move(advice)});
}

void Diagnostics::count_only(Severity severity) {
    ++counts_[static_cast<size_t>(severity)];
}

void Diagnostics::append(const Diagnostics& other) {
    for (size_t i = 0; i < 3; ++i)
        counts_[i] += other.counts_[i];
    for (const Diagnostic& d : other.list_) {
        if (full(d.severity)) continue;
        ++kept_[static_cast<size_t>(d.severity)];
        list_.push_back(d);
    }
}

void Diagnostics::raise_warnings() {
    constexpr auto kWarning = static_cast<size_t>(Severity::warning), kError = static_cast<size_t>(Severity::error);
    counts_[kError] += std::exchange(counts_[kWarning], 0);
    kept_[kError] += std::exchange(kept_[kWarning], 0);
    for (Diagnostic& d : list_) {
        if (d.severity == Severity::warning) d.severity = Severity::error;
    }
}

void Diagnostics::sort() {
    std::stable_sort(list_.begin(), list_.end(), [](const Diagnostic& a, const Diagnostic& b) {
        return std::tie(a.place.line, a.place.column) < std::tie(b.place.line, b.place.column);
    });
}

std::string Diagnostics::summary(std::string_view file) const {
    auto part = [](size_t n, std::string_view word) { return fmt::format("{} {}{}", n, word, n == 1 ? "" : "s"); };
    std::string out = fmt::format("{}: ", file);
    size_t errors = count(Severity::error);
    size_t warnings = count(Severity::warning);
    out += errors ? part(errors, "error") : "no errors";
    if (warnings) out += ", " + part(warnings, "warning");
    return out;
}

std::string Diagnostics::text(bool with_notes) const {
    std::string out;
    size_t kept = list_.size();
    for (const Diagnostic& d : list_) {
        if (d.severity == Severity::note && !with_notes) continue;
        out += format(d);
        out += '\n';
    }
    size_t total = counts_[0] + counts_[1] + counts_[2];
    if (total > kept) out += fmt::format("... and {} more of the same kind\n", total - kept);
    return out;
}

}  // namespace gladius::conf
