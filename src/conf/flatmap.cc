#include "conf/flatmap.h"

#include <fmt/format.h>

#include <optional>

namespace gladius::conf {
namespace {

class FlatmapReader {
  public:
    FlatmapReader(std::string_view where, Diagnostics& diagnostics) : where_(where), diagnostics_(diagnostics) {}

    std::optional<json::FlatmapOp> operation(const Node& n) {
        if (!n.is(Kind::object)) {
            warn(n, fmt::format("one is {}: it is left out", name_of(n.kind())), kShape);
            return {};
        }
        Node type = n.find("type");
        if (!type.is(Kind::string)) {
            warn(type ? type : n, "one has no \"type\" that is a text: it is left out", kShape);
            return {};
        }
        json::FlatmapOp op{std::string(type.text()), {}};
        Node args = n.find("args");
        bool bad_source = false;
        uint32_t position = 0;
        for (Node a : args.elements()) {
            if (a.is(Kind::string)) {
                op.args.emplace_back(a.text());
            } else {
                bad_source = bad_source || position < 2;
                warn(a,
                     fmt::format("an argument of \"{}\" is {}, not a text", type.text().substr(0, 60),
                                 name_of(a.kind())),
                     "write the path of a field: \"a.b\", \"list.*.name\"");
            }
            ++position;
        }
        bool pair = op.type == "move" || op.type == "append";
        // The reference fails every request of such a backend; an append of two things that are no texts does nothing.
        if (pair && (position < 2 || (bad_source && op.type == "move"))) {
            warn(args ? args : n, fmt::format("\"{}\" needs two args, what goes and where to: it is left out", op.type),
                 fmt::format("write \"args\": [\"from\", \"to\"]"));
            return {};
        }
        if (pair && bad_source) op.args.clear();
        if (std::string what = json::FlatmapProgram::problem(op); !what.empty() && !bad_source)
            warn(type, fmt::format("one {}: it does nothing", what), "remove it, or write what is meant");
        return op;
    }

    void warn(const Node& at, const std::string& message, std::string advice) {
        if (diagnostics_.full(Severity::warning)) return diagnostics_.count_only(Severity::warning);
        diagnostics_.add(Severity::warning, at.place(), fmt::format("{}: flatmap_filter: {}", where_, message),
                         std::move(advice));
    }

    static constexpr const char* kShape = "write { \"type\": \"move\", \"args\": [\"from\", \"to\"] }";

  private:
    std::string_view where_;
    Diagnostics& diagnostics_;
};

}  // namespace

std::vector<json::FlatmapOp> read_flatmap(const Node& proxy, std::string_view where, Diagnostics& diagnostics) {
    std::vector<json::FlatmapOp> ops;
    Node filter = proxy.find("flatmap_filter");
    if (!filter || filter.is(Kind::null)) return ops;
    FlatmapReader reader(where, diagnostics);
    if (!filter.is(Kind::array)) {
        reader.warn(filter, fmt::format("it is {}, not a list: it is ignored", name_of(filter.kind())),
                    FlatmapReader::kShape + std::string(" in [ ]"));
        return ops;
    }
    for (Node n : filter.elements()) {
        if (auto op = reader.operation(n)) ops.push_back(std::move(*op));
    }
    return ops;
}

}  // namespace gladius::conf
