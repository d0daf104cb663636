#include "app/cli_reload.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

using namespace gladius::app;
namespace fs = std::filesystem;

namespace {

// A folder that looks like /proc.
class Proc {
  public:
    Proc() : root_(testing::TempDir() + "gladius-proc-" + std::to_string(::getpid())) {
        fs::remove_all(root_);
        fs::create_directories(root_ / "work");
        std::ofstream(root_ / "work" / "a.json") << R"({"version": 3})";
        std::ofstream(root_ / "meminfo") << "no process";
    }
    ~Proc() { fs::remove_all(root_); }

    struct Process {
        std::vector<std::string> words;
        std::string exe = "/usr/bin/gladius";
        unsigned uid = 1000;
        std::string blocked = "0000000000000001";
        std::vector<std::string> environment = {};
    };
    void add(int pid, const Process& p) {
        fs::path at = root_ / std::to_string(pid);
        fs::create_directories(at);
        std::ofstream cmdline(at / "cmdline"), environ(at / "environ");
        for (const std::string& w : p.words)
            cmdline << w << '\0';
        for (const std::string& w : p.environment)
            environ << w << '\0';
        std::ofstream(at / "status") << "Name:\tgladius\nUid:\t" << p.uid << "\t" << p.uid << "\nSigBlk:\t" << p.blocked
                                     << "\nSigIgn:\t0000000000001000\nSigCgt:\t0000000000000000\n";
        fs::create_symlink(p.exe, at / "exe");
        fs::create_symlink(root_ / "work", at / "cwd");
    }
    std::string path() const { return root_.string(); }
    std::string config() const { return fs::canonical(root_ / "work" / "a.json").string(); }

  private:
    fs::path root_;
};

}  // namespace

TEST(CliReload, FindsGatewaysAndNothingElse) {
    Proc proc;
    proc.add(12, {.words = {"gladius", "run", "-p", "81", "--allow-unsupported", "-c", "a.json"},
                  .environment = {"A=1", "B=", "broken", "=x"}});
    proc.add(9, {.words = {"/usr/bin/krakend", "run", "-c=" + proc.config()}, .exe = "/old/gladius (deleted)"});
    proc.add(13, {.words = {"gladius", "demo"}});
    proc.add(14, {.words = {"gladius", "run", "-c", "a.json"}, .exe = "/usr/bin/krakend"});
    proc.add(15, {.words = {"gladius", "run", "-c", "a.json"}, .uid = 0});
    proc.add(16, {.words = {}});
    proc.add(17, {.words = {"gladius", "run", "-c", "gone.json"}, .blocked = "0000000000000002"});
    auto all = find_gateways(proc.path(), "/opt/gladius", 1000);
    ASSERT_EQ(all.size(), 3u);
    EXPECT_EQ(all[0].pid, 9);
    EXPECT_EQ(all[0].config_path, proc.config());
    EXPECT_EQ(all[1].pid, 12);
    EXPECT_EQ(all[1].config_path, proc.config());
    EXPECT_EQ(all[1].run.port, 81);
    EXPECT_TRUE(all[1].run.allow_unsupported);
    EXPECT_TRUE(all[1].takes_sighup);
    EXPECT_EQ(all[2].pid, 17);
    EXPECT_FALSE(all[2].takes_sighup);
    EXPECT_EQ(environment_of(proc.path(), 12), (Environment{{"A", "1"}, {"B", ""}}));
    EXPECT_TRUE(environment_of(proc.path(), 99).empty());
    EXPECT_TRUE(find_gateways("/nonexistent", "gladius", 0).empty());
}

TEST(CliReload, NothingIsSentWithoutExactlyOneGateway) {
    Proc proc;
    Invocation in;
    in.command = Command::reload;
    in.config = proc.config();
    std::string out, err;
    EXPECT_EQ(run_reload(in, proc.path(), out, err), kFailed);
    EXPECT_EQ(err, "reload: no running gateway of this user was started with " + proc.config() + "\n");
    std::string self = fs::read_symlink("/proc/self/exe").string();
    for (int pid : {1999999991, 1999999992})
        proc.add(pid, {.words = {"gladius", "run", "-c", "a.json"}, .exe = self, .uid = ::geteuid()});
    EXPECT_EQ(run_reload(in, proc.path(), out, err), kFailed);
    EXPECT_EQ(err.find("reload: several gateways run with " + proc.config()), 0u) << err;
    EXPECT_NE(err.find("--pid 1999999992"), std::string::npos) << err;
    // Chosen, but there is no such process.
    in.pid = 1999999991;
    EXPECT_EQ(run_reload(in, proc.path(), out, err), kFailed);
    EXPECT_NE(err.find("No such process"), std::string::npos) << err;
    in.config = "/another.json";
    EXPECT_EQ(run_reload(in, proc.path(), out, err), kFailed);
    EXPECT_NE(err.find("was started with another file than /another.json"), std::string::npos) << err;
    EXPECT_EQ(out, "");
}
