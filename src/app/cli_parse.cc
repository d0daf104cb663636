// The only file that includes CLI11, whose header takes seconds to compile.
#include "app/cli_parse.h"

#include <CLI/CLI.hpp>
#include <charconv>

#include "app/cli_help.h"

namespace gladius::app {

namespace {

constexpr std::string_view kNoConfig =
    "Please, provide the path to the configuration file with --config or see all the options with --help\n";

std::string base_name(std::string_view path) {
    size_t slash = path.rfind('/');
    std::string name(slash == std::string_view::npos ? path : path.substr(slash + 1));
    return name.empty() ? "gladius" : name;
}

// A number between two bounds, or a sentence.
auto whole_number(int least, int most) {
    return [least, most](const std::string& text) -> std::string {
        int n = 0;
        auto r = std::from_chars(text.data(), text.data() + text.size(), n);
        if (r.ec == std::errc() && r.ptr == text.data() + text.size() && n >= least && n <= most) return {};
        return "needs a number from " + std::to_string(least) + " to " + std::to_string(most) + ", not '" + text + "'";
    };
}

// CLI11 takes -c=FILE as a file named "=FILE"; the reference leaves the sign out. Only behind an option that takes a
// value.
std::string without_equals(std::string_view word, std::string_view with_value) {
    std::string out(word);
    if (word.size() < 3 || word[0] != '-' || word[1] == '-') return out;
    for (size_t i = 1; i + 1 < word.size(); ++i) {
        bool letter = (word[i] >= 'a' && word[i] <= 'z') || (word[i] >= 'A' && word[i] <= 'Z');
        if (!letter) break;
        if (with_value.find(word[i]) == std::string_view::npos) continue;
        if (word[i + 1] == '=') out.erase(i + 1, 1);
        break;
    }
    return out;
}

class Parser {
  public:
    Parser(const CommandInfo& info, std::string_view program)
        : info_(info), program_(program), app_("", std::string(info.name)) {
        app_.set_help_flag();
        app_.allow_extras();
        in_.command = info.command;
        define();
        help_ = app_.add_flag("-h,--help", wants_help_, "this text");
    }

    Parsed parse(std::vector<std::string> words) {
        std::string with_value;
        for (const CLI::Option* o : app_.get_options()) {
            if (o->get_expected_max() > 0 && o->get_items_expected_max() > 0 && !o->get_snames().empty())
                with_value += o->get_snames()[0];
        }
        for (std::string& w : words) {
            if (w == "--") break;
            w = without_equals(w, with_value);
        }
        if (asks_for_help(words)) return text(help());
        std::reverse(words.begin(), words.end());
        try {
            app_.parse(std::move(words));
        } catch (const CLI::ArgumentMismatch& e) {
            return wrong(said_by(e.what(), "needs a value"));
        } catch (const CLI::ValidationError& e) {
            return wrong(said_by(e.what(), {}));
        } catch (const CLI::ParseError& e) {
            return wrong(e.what());
        }
        return finish();
    }

    std::string help() const {
        std::vector<OptionHelp> rows;
        for (const CLI::Option* o : app_.get_options()) {
            if (o->nonpositional()) {
                std::string names = o->get_snames().empty() ? "    " : "-" + o->get_snames()[0] + ", ";
                names += "--" + o->get_lnames()[0];
                if (!o->get_type_name().empty()) names += " " + o->get_type_name();
                rows.push_back({std::move(names), o->get_description()});
            }
        }
        return command_help(info_, program_, rows);
    }

  private:
    CLI::Option* option(const char* names, std::string& value, const char* type, const char* about) {
        return app_.add_option(names, value, about)->type_name(type)->take_last();
    }
    template <class Number>
    void number(const char* names, Number& value, int least, int most, const char* about) {
        app_.add_option(names, value, about)->type_name("N")->check(whole_number(least, most), "")->take_last();
    }
    void config(const char* about) { option("-c,--config", in_.config, "FILE", about); }
    void flag(const char* names, bool& value, const char* about) {
        app_.add_flag(names, value, about)->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    }
    void unsupported() {
        flag("--allow-unsupported", in_.allow_unsupported,
             "a protection (auth/*, security/*, ...) that is unknown or not built yet\nis a warning, not an error: it "
             "does NOT "
             "protect then");
    }

    void define() {
        switch (info_.command) {
            case Command::run:
                config("the configuration (required)");
                app_.add_flag("-d,--debug", in_.debug, "adds the endpoint /__debug/ (default: as the file says)");
                number("-p,--port", in_.port, 0, 65535,
                       "the port to listen on (default: $KRAKEND_PORT, then the\nfile's, then 8080)");
                flag("--watch", in_.watch, "reloads when the file changes (default: only on SIGHUP)");
                option("--upgrade-socket", in_.upgrade_socket, "PATH",
                       "takes over from the gateway that listens at this unix socket,\nand listens there for the next "
                       "(default: "
                       "no upgrades)");
                number("--upgrade-timeout", in_.upgrade_seconds, 1, 3600,
                       "seconds that the next one may take to be ready (default: 60)");
                number("--workers", in_.workers, 0, 1024, "worker threads (default 0: one per usable core)");
                unsupported();
                break;
            case Command::check:
                config("the configuration (required)");
                app_.add_flag("-d,--debug", in_.debug,
                              "prints it as it was understood; -dd and -ddd print more\n(default: not printed)");
                flag("-t,--test-gin-routes", in_.test_routes,
                     "routes that exclude each other are errors\n(default: warnings)");
                option("-i,--indent", in_.indent, "TEXT", "one step to the right in what -d prints (default: a tab)");
                flag("-l,--lint", lint_online_,
                     "every warning is an error: misspelt keys, components\nthat do nothing or are left out");
                flag("-n,--lint-no-network", lint_embedded_, "the same: --lint asks no network either");
                option("-s,--lint-schema", in_.lint_schema, "FILE|URL", "holds it against this schema (not built yet)");
                unsupported();
                break;
            case Command::explain:
                config("the configuration (required)");
                flag("--json", in_.json, "the same as JSON (default: text)");
                unsupported();
                app_.add_option("METHOD", first_);
                app_.add_option("PATH", second_);
                break;
            case Command::reload:
                config("the file that the gateway was started with");
                number("--pid", in_.pid, 1, 1 << 30, "the process (default: found by its file)");
                break;
            case Command::demo:
                in_.port = 8081;
                number("-p,--port", in_.port, 1, 65535, "the port to listen on (default: 8081)");
                break;
            case Command::audit:
                config("the configuration (required)");
                option("-i,--ignore", ignored_, "IDS", "rules to leave out");
                option("-I,--ignore-file", ignored_, "FILE", "rules to leave out, one per line");
                option("-s,--severity", ignored_, "LIST", "severities to show (default: all)");
                option("-f,--format", ignored_, "TEMPLATE", "how to print");
                break;
            case Command::version:
                break;
            case Command::check_plugin:
            case Command::test_plugin:
                any_words_ = true;
                break;
        }
    }

    static bool asks_for_help(const std::vector<std::string>& words) {
        for (const std::string& w : words) {
            if (w == "--") return false;
            if (w == "--help" || w == "-h") return true;
        }
        return false;
    }

    Parsed finish() {
        if (help_->count() > 0) return text(help());
        std::vector<std::string> extras = app_.remaining();
        if (!extras.empty() && !any_words_) return unexpected(extras[0]);
        switch (info_.command) {
            case Command::run:
            case Command::check:
            case Command::explain:
            case Command::audit:
                if (in_.config.empty()) return no_config();
                break;
            case Command::reload:
                if (in_.config.empty() && in_.pid == 0) return wrong("say which gateway: -c FILE or --pid N");
                break;
            default:
                break;
        }
        if (info_.command == Command::explain && !first_.empty()) {
            bool path_only = second_.empty();
            in_.method = path_only ? "GET" : first_;
            in_.target = path_only ? first_ : second_;
            if (in_.target[0] != '/' && in_.target.find("://") == std::string::npos)
                return wrong(path_only ? "'" + first_ + "' is no path: write METHOD PATH, such as GET /users/7"
                                       : "'" + in_.target + "' is no path: it begins with a slash");
        }
        int lints = int{lint_online_} + int{lint_embedded_} + int{!in_.lint_schema.empty()};
        if (lints > 1) return wrong("of --lint, --lint-no-network and --lint-schema only one can be given");
        in_.lint = lint_online_ ? Lint::online : lint_embedded_ ? Lint::embedded : lints ? Lint::schema : Lint::none;
        Parsed p;
        p.invocation = std::move(in_);
        return p;
    }

    // "--port: something" of CLI11, in our words.
    std::string said_by(std::string_view what, std::string_view instead) const {
        size_t colon = what.find(": ");
        if (colon == std::string_view::npos) return std::string(what);
        std::string name(what.substr(0, colon));
        std::string said = "option " + name + " ";
        if (instead.empty()) return said + std::string(what.substr(colon + 2));
        said += instead;
        const CLI::Option* o = app_.get_option_no_throw(name);
        if (o && !o->get_type_name().empty()) said += " (" + o->get_type_name() + ")";
        return said;
    }

    Parsed unexpected(const std::string& word) {
        if (word.size() < 2 || word[0] != '-') {
            std::string hint;
            bool file = word.find('.') != std::string::npos || word.find('/') != std::string::npos;
            if (file && in_.config.empty() && app_.get_option_no_throw("--config"))
                hint = "; did you mean -c " + word + "?";
            return wrong("unexpected word '" + word + "'" + hint);
        }
        std::vector<std::string> names;
        for (const CLI::Option* o : app_.get_options())
            for (const std::string& n : o->get_lnames())
                names.push_back(n);
        std::string written = word.substr(0, word.find('='));
        std::string_view near = nearest(std::string_view(written).substr(written.find_first_not_of('-')), names);
        return wrong("unknown option " + written +
                     (near.empty() ? std::string() : "; did you mean --" + std::string(near) + "?"));
    }

    Parsed no_config() {
        Parsed p;
        p.status = kWrongUsage;
        p.err = kNoConfig;
        return p;
    }
    Parsed text(std::string s) {
        Parsed p;
        p.out = std::move(s);
        return p;
    }
    Parsed wrong(const std::string& what) {
        Parsed p;
        p.status = kWrongUsage;
        p.err = program_ + " " + std::string(info_.name) + ": " + what + "\nSee '" + program_ + " " +
                std::string(info_.name) + " --help'.\n";
        return p;
    }

    const CommandInfo& info_;
    std::string program_;
    CLI::App app_;
    CLI::Option* help_ = nullptr;
    Invocation in_;
    bool lint_online_ = false, lint_embedded_ = false, any_words_ = false, wants_help_ = false;
    std::string first_, second_, ignored_;
};

Parsed unknown_command(const std::string& program, const std::string& word) {
    Parsed p;
    p.status = kWrongUsage;
    p.err = program + ": unknown ";
    if (word[0] == '-') {
        p.err +=
            "option " + word + " in front of the command; options follow it: " + program + " run " + word + " ...\n";
    } else {
        std::vector<std::string> names{"help"};
        for (const CommandInfo& c : commands()) {
            names.emplace_back(c.name);
            if (!c.alias.empty()) names.emplace_back(c.alias);
        }
        std::string_view near = nearest(word, names);
        p.err += "command '" + word + "'";
        if (!near.empty())
            p.err += "; did you mean " + std::string(near) + "?";
        else if (word.find('.') != std::string::npos)
            p.err += "; did you mean " + program + " run -c " + word + "?";
        p.err += '\n';
    }
    p.err += "See '" + program + " --help'.\n";
    return p;
}

}  // namespace

Parsed parse_command_line(const std::vector<std::string>& words) {
    std::string program = words.empty() ? "gladius" : base_name(words[0]);
    Parsed p;
    if (words.size() < 2 || words[1] == "--help" || words[1] == "-h") {
        p.out = overview(program);
        return p;
    }
    std::string word = words[1];
    if (word == "--version" || word == "-v") word = "version";
    if (word == "help") {
        if (words.size() == 2 || words[2] == "help") {
            p.out = overview(program);
            return p;
        }
        word = words[2];
        const CommandInfo* c = find_command(word);
        if (!c) return unknown_command(program, word.empty() ? "''" : word);
        p.out = Parser(*c, program).help();
        return p;
    }
    const CommandInfo* c = find_command(word);
    if (!c) return unknown_command(program, word.empty() ? "''" : word);
    return Parser(*c, program).parse({words.begin() + 2, words.end()});
}

}  // namespace gladius::app
