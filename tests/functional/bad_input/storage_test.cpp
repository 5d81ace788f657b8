// Disks that are full, read-only or damaged: a clear error, and nothing lost.
#include <fstream>
#include <sys/resource.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/text.h"
#include "running_server.h"

namespace quintet::functional {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

void limit_file_size(pid_t pid, rlim_t n_bytes) {
  rlimit now{};
  ASSERT_EQ(::prlimit(pid, RLIMIT_FSIZE, nullptr, &now), 0);
  now.rlim_cur = n_bytes;
  ASSERT_EQ(::prlimit(pid, RLIMIT_FSIZE, &now, nullptr), 0);
}

TEST(Storage, AFullDiskIsSaidAndNothingIsLost) {
  RunningServer server;
  auto& client = server.client();
  server.make_kb("shop");
  server.add_entry("shop", "How do I return goods?", "By post.");
  rlim_t largest = 0;
  for (const auto& file : std::filesystem::directory_iterator(data_folder(server.folder().path())))
    if (file.is_regular_file()) largest = std::max<rlim_t>(largest, file.file_size());
  limit_file_size(server.process().pid(), largest + 100'000);
  int n_stored = 0;
  Response refused;
  for (; n_stored < 200; ++n_stored) {
    refused = client.post("/api/faq/kbs/shop/entries", {{"question", cat("Number ", n_stored, "?")},
                                                        {"answer", std::string(20'000, 'a')}});
    if (refused.status != 201) break;
  }
  ASSERT_TRUE(server.process().is_running()) << server.process().log();
  EXPECT_THAT(refused.status, AnyOf(503, 507)) << refused.body;
  EXPECT_THAT(text_of(expect_problem(refused, refused.status), "detail"), HasSubstr("quintet.db"));
  EXPECT_EQ(text_of(server.ask("shop", "return goods"), "answer"), "By post.") << "answers need no disk";
  const auto conversation = client.post("/api/conversations", {{"kb", "shop"}});
  EXPECT_THAT(conversation.status, AnyOf(201, 503, 507));

  limit_file_size(server.process().pid(), RLIM_INFINITY);
  server.add_entry("shop", "Is there room again?", "Yes.");
  EXPECT_EQ(text_of(server.ask("shop", "Is there room again?"), "answer"), "Yes.");
  EXPECT_EQ(int_of(expect_json(client.get("/api/faq/kbs/shop")), "n_entries"), n_stored + 2);
  server.restart();
  EXPECT_EQ(int_of(expect_json(server.client().get("/api/faq/kbs/shop")), "n_entries"), n_stored + 2);
}

TEST(Storage, AHomeThatCannotBeWrittenIsSaid) {
  const ScratchFolder folder;
  folder.write("file", "not a folder");
  const auto blocked =
      run_quintet(folder.path(), {"--home", (folder.path() / "file").string(), "faq", "list"});
  EXPECT_NE(blocked.status, 0);
  EXPECT_THAT(blocked.err, HasSubstr("file"));
  EXPECT_THAT(blocked.err, Not(HasSubstr("internal error")));
  // /proc takes no folders, not even from root.
  const auto impossible = run_quintet(folder.path(), {"--home", "/proc/quintet", "serve", "--port", "0"});
  EXPECT_NE(impossible.status, 0);
  EXPECT_THAT(impossible.err, HasSubstr("/proc/quintet"));
  EXPECT_THAT(impossible.err, Not(HasSubstr("internal error")));
}

TEST(Storage, AReadOnlyHomeIsSaidAndKept) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may write everywhere";
  const ScratchFolder folder;
  const auto file = folder.write("a.csv", "question,answer\nIs it there?,Yes.\n");
  ASSERT_EQ(run_quintet(folder.path(), {"faq", "import", file.string(), "--kb", "a"}).status, 0);
  using std::filesystem::perms;
  std::filesystem::permissions(database_file(folder.path()), perms::owner_read);
  std::filesystem::permissions(data_folder(folder.path()), perms::owner_read | perms::owner_exec);
  const auto refused = run_quintet(folder.path(), {"faq", "import", file.string(), "--kb", "b"});
  std::filesystem::permissions(data_folder(folder.path()), perms::owner_all);
  std::filesystem::permissions(database_file(folder.path()), perms::owner_read | perms::owner_write);
  EXPECT_NE(refused.status, 0);
  EXPECT_THAT(refused.err, HasSubstr("quintet.db"));
  EXPECT_EQ(text_of(run_quintet(folder.path(), {"faq", "ask", "--kb", "a", "--json", "is it there"}).json(),
                    "answer"),
            "Yes.");
}

TEST(Storage, AFileThatIsNoDatabaseIsLeftAlone) {
  const ScratchFolder folder;
  const std::string content = cat("precious", std::string(10'000, 'x'));
  folder.write("data/quintet.db", content);
  const auto result = run_quintet(folder.path(), {"serve", "--port", "0"});
  EXPECT_NE(result.status, 0);
  EXPECT_THAT(result.err, HasSubstr("quintet.db"));
  EXPECT_THAT(result.err, Not(HasSubstr("internal error")));
  std::ifstream in(database_file(folder.path()), std::ios::binary);
  const std::string after{std::istreambuf_iterator<char>(in), {}};
  EXPECT_EQ(after, content);
}

TEST(Storage, DataIsPrivate) {
  const RunningServer server;
  using std::filesystem::perms;
  for (const auto& path : {data_folder(server.folder().path()), database_file(server.folder().path())}) {
    const auto mode = std::filesystem::status(path).permissions();
    EXPECT_EQ(mode & (perms::group_all | perms::others_all), perms::none) << path;
  }
}

}  // namespace
}  // namespace quintet::functional
