#include "llm/prompts.h"

#include <cstdlib>
#include <fstream>

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "testing/scratch_folder.h"

namespace quintet {
namespace {

constexpr std::string_view kGreeting =
    "---\nname: greeting\nversion: 2\ndescription: says hello\nvariables: name, mark\ndefault mark: "
    "!\n---\n\n"
    "Hello {{name}}{{ mark }} \\{{raw}}\n";

std::string message_of(const auto& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

TEST(Prompts, RenderReplacesVariablesAndUsesDefaults) {
  const Prompt prompt = parse_prompt(kGreeting, "greeting.md");
  EXPECT_EQ(prompt.version_tag(), "greeting@2");
  EXPECT_EQ(prompt.description, "says hello");
  EXPECT_EQ(render_prompt(prompt, {{"name", "Ada"}}), "Hello Ada! {{raw}}");
  EXPECT_EQ(render_prompt(prompt, {{"name", "Ada"}, {"mark", "?"}}), "Hello Ada? {{raw}}");
}

TEST(Prompts, ValuesAreNeverExpandedAgain) {
  const Prompt prompt = parse_prompt(kGreeting, "greeting.md");
  EXPECT_EQ(render_prompt(prompt, {{"name", "{{mark}} \\{{name}} {{"}}),
            "Hello {{mark}} \\{{name}} {{! {{raw}}");
}

TEST(Prompts, AMissingVariableNamesPromptAndVariable) {
  const Prompt prompt = parse_prompt(kGreeting, "greeting.md");
  EXPECT_EQ(message_of([&] { render_prompt(prompt, {{"mark", "?"}}); }),
            "prompt greeting@2: no value for the variable name");
}

TEST(Prompts, SlipsAreFoundWhenTheFileIsRead) {
  const auto parse = [](std::string_view text) { return message_of([&] { parse_prompt(text, "p.md"); }); };
  const std::string head = "---\nname: p\nversion: 1\nvariables: a\n---\n";
  EXPECT_EQ(parse(head + "one\n{{b}}"),
            "prompt p.md, line 2 of the text: {{b}} is not among the declared variables; for two braces "
            "write \\{{");
  EXPECT_EQ(parse(head + "one {{a"),
            "prompt p.md, line 1 of the text: \"{{\" is not closed by \"}}\"; for two braces write \\{{");
  EXPECT_EQ(parse(head), "prompt p.md: the text is empty");
  EXPECT_EQ(parse("Hello"), "prompt p.md: must begin with front matter between two lines \"---\"");
  EXPECT_EQ(parse(""), "prompt p.md: must begin with front matter between two lines \"---\"");
  EXPECT_EQ(parse("---\nname: p\n"), "prompt p.md: must begin with front matter between two lines \"---\"");
  EXPECT_EQ(parse("---\nname: p\n---\nx"), "prompt p.md: \"version\" is missing");
  EXPECT_NE(parse("---\nnam: p\n---\nx").find("line 2: unknown key \"nam\""), std::string::npos);
  EXPECT_NE(parse("---\nversion: 0\n---\nx").find("line 2: version"), std::string::npos);
  EXPECT_NE(parse("---\nname: p\nvariables: a, a\n---\nx").find("declared twice"), std::string::npos);
  EXPECT_NE(parse("---\nname: p\ndefault a: 1\n---\nx").find("a default for a"), std::string::npos);
}

TEST(Prompts, WindowsLineEndsAreRead) {
  const Prompt prompt =
      parse_prompt("---\r\nname: p\r\nversion: 1\r\nvariables: a\r\n---\r\nx {{a}}\r\n", "p.md");
  EXPECT_EQ(render_prompt(prompt, {{"a", "1"}}), "x 1");
}

TEST(PromptLibrary, AFileInTheDirectoryReplacesTheBuiltInPromptOfItsName) {
  const EmbeddedPrompt built_in[] = {{"greeting.md", kGreeting}};
  const ScratchFolder directory;
  directory.write("greeting.md", "---\nname: greeting\nversion: 9\n---\nHi");
  directory.write("notes.txt", "not a prompt");
  const PromptLibrary own(built_in, directory.path());
  EXPECT_EQ(own.render("greeting", {{"name", "Ada"}}).text, "Hi");
  EXPECT_EQ(own.render("greeting", {}).version_tag, "greeting@9");
  ASSERT_EQ(own.list().size(), 1u);
  EXPECT_EQ(own.list()[0].origin, directory.path() / "greeting.md");

  const PromptLibrary plain(built_in);
  EXPECT_EQ(plain.list().at(0).origin, "built in");
  EXPECT_THROW(plain.render("unknown", {}), NotFound);
}

TEST(PromptLibrary, RefusesADirectoryThatIsNotThereAndAFileWithAnotherName) {
  const EmbeddedPrompt built_in[] = {{"greeting.md", kGreeting}};
  EXPECT_THROW(PromptLibrary(built_in, "/no/such/directory"), InvalidArgument);
  const ScratchFolder directory;
  directory.write("other.md", kGreeting);
  EXPECT_THROW(PromptLibrary(built_in, directory.path()), InvalidArgument);
}

TEST(PromptFiles, OfTheFaqApplicationAreWellFormed) {
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(QN_SOURCE_DIR) / "src/apps/faq/prompts")) {
    const Prompt prompt = parse_prompt(read_file(entry.path()), entry.path().string());
    EXPECT_EQ(prompt.name, entry.path().stem().string());
    PromptValues values;
    for (const auto& variable : prompt.variables) {
      values[variable.name] = cat("<", variable.name, ">");
      EXPECT_NE(prompt.text.find(cat("{{", variable.name, "}}")), std::string::npos) << variable.name;
    }
    EXPECT_EQ(render_prompt(prompt, values).find("{{"), std::string::npos);
  }
}

}  // namespace
}  // namespace quintet
