#include "app/tls_keeper.h"

#include <sys/stat.h>

#include <algorithm>

namespace gladius::app {

namespace {

void add_paths(const net::TlsSpec& spec, const std::vector<net::TlsKeyFiles>& keys, std::vector<std::string>& out) {
    for (const net::TlsKeyFiles& k : keys)
        for (const std::string* path : {&k.certificate, &k.key, &k.ocsp})
            if (!path->empty()) out.push_back(*path);
    out.insert(out.end(), spec.ca_files.begin(), spec.ca_files.end());
}

}  // namespace

engine::TlsParts TlsKeeper::Loaded::parts(size_t worker) const {
    engine::TlsParts out;
    if (server) out.server = server->of_worker[worker];
    out.clients = clients;
    return out;
}

std::vector<TlsKeeper::FileState> TlsKeeper::states(const std::vector<std::string>& paths) const {
    std::vector<FileState> out;
    for (const std::string& path : paths) {
        struct stat st{};
        FileState s;
        if (::stat(path.c_str(), &st) == 0)
            s = {st.st_dev, st.st_ino, static_cast<uint64_t>(st.st_size),
                 st.st_mtim.tv_sec * 1'000'000'000 + st.st_mtim.tv_nsec};
        out.push_back(s);
    }
    return out;
}

Result<std::shared_ptr<const TlsKeeper::Loaded::Server>> TlsKeeper::make_server(const net::TlsServerSpec& spec) {
    Result<net::TlsFiles> files = net::read_tls_files(spec);
    if (!files) return files.error();
    // What did not change is used on: its connections and sessions do not notice a reload.
    if (current_->server && current_->server->spec == spec && current_->server->files == *files)
        return current_->server;
    if (!tickets_) tickets_ = net::TicketKeys::rotate(nullptr);
    auto out = std::make_shared<Loaded::Server>();
    out->spec = spec;
    out->files = std::move(*files);
    for (auto& library : libraries_) {
        if (!library) {
            library = std::make_shared<net::TlsLibrary>();
            library->tickets = tickets_;
        }
        auto made = net::TlsServer::make(library, spec, out->files);
        if (!made) return made.error();
        out->of_worker.push_back(std::move(*made));
    }
    return std::shared_ptr<const Loaded::Server>(std::move(out));
}

std::shared_ptr<const net::TlsClient> TlsKeeper::make_client(const net::TlsClientSpec& spec) {
    net::TlsFiles files = net::read_tls_files(spec);
    for (const auto& c : current_->clients)
        if (c->spec() == spec && c->files() == files) return c;
    return std::make_shared<const net::TlsClient>(spec, std::move(files));
}

std::shared_ptr<const TlsKeeper::Loaded> TlsKeeper::load(const plan::Snapshot& snapshot,
                                                         conf::Diagnostics& diagnostics) {
    auto out = std::make_shared<Loaded>();
    if (snapshot.server.tls) {
        auto server = make_server(*snapshot.server.tls);
        if (!server) {
            diagnostics.add(conf::Severity::error, snapshot.server.tls_place, "tls: " + server.error().message,
                            "every pair of \"keys\" needs a \"public_key\" and a \"private_key\" that belong together");
            return nullptr;
        }
        out->server = std::move(*server);
        out->problems = out->server->files.problems;
        out->remarks = out->server->of_worker[0]->remarks();
        add_paths(*snapshot.server.tls, snapshot.server.tls->keys, out->paths);
    }
    for (const auto& spec : snapshot.client_tls) {
        auto client = make_client(*spec);
        bool used = std::any_of(snapshot.hosts.begin(), snapshot.hosts.end(),
                                [&](const auto& h) { return h->https && h->tls == spec; });
        // A redirect may need it later.
        if (used || !spec->keys.empty()) client->prepare();
        for (std::string& text : client->problems())
            out->problems.push_back(std::move(text));
        add_paths(*spec, spec->keys, out->paths);
        out->clients.push_back(std::move(client));
    }
    return out;
}

void TlsKeeper::adopt(std::shared_ptr<const Loaded> loaded) {
    current_ = std::move(loaded);
    loaded_states_ = seen_states_ = states(current_->paths);
}

std::shared_ptr<const TlsKeeper::Loaded> TlsKeeper::look(std::string& complaint) {
    std::vector<FileState> now = states(current_->paths);
    bool settled = now != loaded_states_ && now == seen_states_;
    seen_states_ = now;
    if (!settled) return nullptr;
    loaded_states_ = std::move(now);  // good or not: said once
    auto out = std::make_shared<Loaded>(*current_);
    out->problems.clear();
    out->remarks.clear();
    if (current_->server) {
        auto server = make_server(current_->server->spec);
        if (!server) {
            complaint = "tls: " + server.error().message;
            return nullptr;
        }
        out->server = std::move(*server);
        out->problems = out->server->files.problems;
        out->remarks = out->server->of_worker[0]->remarks();
    }
    for (auto& client : out->clients) {
        auto fresh = make_client(client->spec());
        if (fresh == client) continue;
        fresh->prepare();
        for (std::string& text : fresh->problems())
            out->problems.push_back(std::move(text));
        client = std::move(fresh);
    }
    if (out->server == current_->server && out->clients == current_->clients) return nullptr;
    current_ = out;
    return out;
}

std::shared_ptr<const net::TicketKeys> TlsKeeper::rotate() {
    if (!tickets_) return nullptr;
    tickets_ = net::TicketKeys::rotate(tickets_.get());
    return tickets_;
}

}  // namespace gladius::app
