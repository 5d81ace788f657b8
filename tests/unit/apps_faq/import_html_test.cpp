#include <ctime>

#include <gtest/gtest.h>

#include "apps/faq/html_markdown.h"
#include "apps/faq/import.h"
#include "core/text.h"

namespace quintet::faq {
namespace {

std::string pairs_of(const ImportResult& result) {
  std::string out;
  for (const auto& entry : result.entries) {
    out += entry.question + "=" + entry.answer;
    for (const auto& tag : entry.tags) out += " #" + tag;
    out += ";";
  }
  return out;
}

std::string problems_of(const ImportResult& result) {
  std::string out;
  for (const auto& problem : result.problems) out += to_text(problem) + "\n";
  return out;
}

ImportResult html(std::string_view text, std::string_view url = {}) {
  return import_entries(text, FaqFormat::html, {}, url);
}

TEST(ImportHtml, HeadingsDefinitionListsAndDetails) {
  EXPECT_EQ(
      pairs_of(html("<h1>FAQ</h1><p>Hello</p><h2>Pay</h2><h3>1.1. A?</h3><p>1</p><p>2</p><h3>B?</h3>3")),
      "A?=1\n\n2 #Pay;B?=3 #Pay;");
  EXPECT_EQ(pairs_of(html("<dl><dt>A?</dt><dd>1</dd><dt>B</dt><dd>2<p>3</dd></dl>after")), "A?=1;B=2\n\n3;");
  EXPECT_EQ(pairs_of(html("<dl><div><dt>A?<dt>Ah?</dt><dd>1</dd></div></dl>")), "A?=1;");
  EXPECT_EQ(html("<dl><dt>A?<dt>Ah?<dd>1</dl>").entries.at(0).alternatives, std::vector<std::string>{"Ah?"});
  EXPECT_EQ(pairs_of(html("<h2>Pay</h2><details><summary>A?</summary>1</details> "
                          "<details><summary>B?</summary><p>2</details>")),
            "A?=1 #Pay;B?=2 #Pay;");
  EXPECT_EQ(pairs_of(html("<div class=accordion><h2><button>A?</button></h2><div><div>1</div></div></div>")),
            "A?=1;");
}

TEST(ImportHtml, DefinitionListsAndDetailsInsideAnswersStayThere) {
  EXPECT_EQ(pairs_of(html("<h2>A?</h2><p>See:</p><dl><dt>x</dt><dd>1</dd></dl><h2>B?</h2>2")),
            "A?=See:\n\n**x**\n\n1;B?=2;");
  EXPECT_EQ(pairs_of(html("<h2>A?</h2><details><summary>more</summary>1</details>")), "A?=**more**\n\n1;");
}

TEST(ImportHtml, NavigationScriptsAndFormsAreNotRead) {
  EXPECT_EQ(
      pairs_of(html("<nav><h2>Menu?</h2>x</nav><script>var a = '<h2>Evil?</h2>'</script><style>h2{}</style>"
                    "<div class='toc'><dl><dt>A?</dt></dl></div><h2>A?</h2>1<script>alert(1)</script>"
                    "<form><input value=x><button>Send</button></form><footer><h2>Legal?</h2>y</footer>")),
      "A?=1;");
  const auto escaped = html(
      "<h2>&lt;script&gt;alert(1)&lt;/script&gt;?</h2><p>&lt;img src=x onerror=alert(1)&gt; "
      "<a href='javascript:alert(1)'>click</a> <img src=x alt='a &lt;b&gt;'></p>");
  EXPECT_EQ(pairs_of(escaped), "<script>alert(1)</script>?=\\<img src=x onerror=alert(1)> click a \\<b>;");
}

TEST(ImportHtml, StructuredDataIsPreferred) {
  EXPECT_EQ(
      pairs_of(html(R"(<h2>Other?</h2>x<script type="application/ld+json">{"@context":"https://schema.org",
      "@graph":[{"@type":"FAQPage","mainEntity":[{"@type":"Question","name":"A &amp; B?","acceptedAnswer":
      {"@type":"Answer","text":"<p>Yes, <b>both</b>.</p>"}},{"@type":["Question"],"name":"C?","acceptedAnswer":
      [{"text":"3"}]}]}]}</script>)")),
      "A & B?=Yes, **both**.;C?=3;");
  EXPECT_EQ(pairs_of(html(R"(<div itemscope itemtype="https://schema.org/FAQPage"><div itemscope
      itemtype="https://schema.org/Question" itemprop="mainEntity"><h3 itemprop="name">A?</h3><div itemscope
      itemprop="acceptedAnswer" itemtype="https://schema.org/Answer"><div itemprop="text"><p>1<p>2</div></div></div></div>)")),
            "A?=1\n\n2;");
  const auto broken =
      html("<script type='application/ld+json'>{\"@type\": \"Question\" oops</script><h2>A?</h2>1");
  EXPECT_EQ(pairs_of(broken), "A?=1;");
  EXPECT_EQ(broken.problems.size(), 1u);
  EXPECT_EQ(
      pairs_of(import_entries(R"({"@context":"https://schema.org","@type":"FAQPage","mainEntity":[{"@type":
      "Question","name":"A?","acceptedAnswer":{"@type":"Answer","text":"1"}}]})",
                              FaqFormat::json)),
      "A?=1;");
}

TEST(ImportHtml, AddressesLanguagesAndAnchors) {
  const auto given = html("<html lang=de><h2 id=x>A?</h2><a href=b.html#c>b</a> <a href='#d'>d</a>",
                          "https://x.org/f/a.html");
  ASSERT_EQ(given.entries.size(), 1u);
  EXPECT_EQ(given.entries[0].answer, "[b](https://x.org/f/b.html#c) [d](https://x.org/f/a.html#d)");
  EXPECT_EQ(given.entries[0].url, "https://x.org/f/a.html#x");
  EXPECT_EQ(given.entries[0].language, "de");
  const auto canonical =
      html("<link rel=canonical href='https://y.org/a'><h2><a name=n></a>A?</h2><a href=b>b</a>");
  ASSERT_EQ(canonical.entries.size(), 1u);
  EXPECT_EQ(canonical.entries[0].url, "https://y.org/a#n");
  EXPECT_EQ(canonical.entries[0].answer, "[b](https://y.org/b)");
  const auto unknown = html("<h2 id=x>A?</h2><a href=b>b</a> <a href='http://z.org/(1)'>z</a>");
  EXPECT_EQ(unknown.entries[0].url, "");
  EXPECT_EQ(unknown.entries[0].answer, "b [z](http://z.org/%281%29)");
}

TEST(ImportHtml, Charsets) {
  EXPECT_EQ(pairs_of(html("<meta charset=iso-8859-1><h2>Caf\xE9 \x80?</h2>1")), "Café €?=1;");
  EXPECT_EQ(pairs_of(html("<h2>Caf\xE9?</h2>1")), "Café?=1;");
  EXPECT_EQ(pairs_of(html("<h2>Café?</h2>1")), "Café?=1;");
  EXPECT_EQ(pairs_of(html("\xEF\xBB\xBF<meta charset=iso-8859-1><h2>Café?</h2>1")), "Café?=1;");
  EXPECT_EQ(
      pairs_of(html("<meta http-equiv=Content-Type content='text/html; charset=koi8-r'><h2>\xC4\xC1?</h2>1")),
      "да?=1;");
  EXPECT_EQ(pairs_of(html("<meta charset='x\"//TRANSLIT'><h2>A?</h2>1")), "A?=1;");
  const auto wrong = html("<meta charset=utf-8>\n<h2>Caf\xE9?</h2>1");
  EXPECT_EQ(pairs_of(wrong), "Caf\xEF\xBF\xBD?=1;");
  EXPECT_EQ(wrong.problems.size(), 1u);
  EXPECT_EQ(wrong.problems[0].line, 2u);
  EXPECT_EQ(problems_of(html("<meta charset=koi\xFF><h2>A?</h2>1")),
            "warning: the page names an unknown charset, \"koi\xEF\xBF\xBD\"\n");
  using namespace std::string_view_literals;
  EXPECT_EQ(pairs_of(html("\xFF\xFE<\0h\0"
                          "2\0>\0A\0?\0<\0/\0h\0"
                          "2\0>\0"
                          "1\0"sv)),
            "A?=1;");
  EXPECT_EQ(pairs_of(html("<h2>A\0?</h2>1"sv)), "A?=1;");
}

TEST(ImportHtml, EmptyAndQuestionlessPages) {
  EXPECT_EQ(problems_of(html("")), "error: the file is empty\n");
  EXPECT_EQ(problems_of(html("<p>Hello</p>")), "warning: no questions were found (read as html)\n");
  EXPECT_EQ(problems_of(html("<h2>A?</h2>\n<h2>B?</h2>2")), "line 1: error: question \"A?\" has no answer\n");
}

std::string md(std::string_view fragment) {
  return html_to_markdown(fragment, "");
}

TEST(HtmlToMarkdown, BlocksAndInlines) {
  EXPECT_EQ(md("<p>a  <b>b </b><i> c</i>\n d<br>e</p><hr><blockquote><p>q<p>r</blockquote>"),
            "a **b** *c* d\\\ne\n\n---\n\n> q\n>\n> r");
  EXPECT_EQ(md("<ul><li>a<li>b<ul><li>c</ul></ul><ol start=3><li><p>x<p>y<li>z</ol>"),
            "- a\n- b\n  - c\n\n3. x\n\n   y\n\n4. z");
  EXPECT_EQ(md("<pre><code class='language-sh'>\nls &lt;x&gt;\n\n  ``` </code></pre>"),
            "````sh\nls <x>\n\n  ```\n````");
  EXPECT_EQ(md("use <code>a`b</code> and <kbd>`</kbd>"), "use ``a`b`` and `` ` ``");
  EXPECT_EQ(md("<table><tr><th>a<th>b<tr><td>1|2<td><b>x</b><tr><td>3</table>"),
            "| a | b |\n| --- | --- |\n| 1\\|2 | **x** |\n| 3 |");
  EXPECT_EQ(md("<table><tr><td>a<td>b</table>"), "|  |  |\n| --- | --- |\n| a | b |");
  EXPECT_EQ(md("<table><tr><td><p>just<p>layout</table>"), "just\n\nlayout");
  EXPECT_EQ(md("<h3>T</h3>x"), "### T\n\nx");
  EXPECT_EQ(md("<span><p>a</p><p>b</p></span>c"), "a\n\nb\n\nc");
  EXPECT_EQ(md("<b><p>a</p></b>"), "a");
  EXPECT_EQ(md("<a href='https://x.org'> a </a>b"), "[a](https://x.org) b");
  EXPECT_EQ(md("plain"), "plain");
  EXPECT_EQ(md(""), "");
}

TEST(HtmlToMarkdown, LiteralTextStaysLiteral) {
  EXPECT_EQ(md("1. a"), "1\\. a");
  EXPECT_EQ(md("# a"), "\\# a");
  EXPECT_EQ(md("- a"), "\\- a");
  EXPECT_EQ(md("&gt; a<br>+ b"), "\\> a\\\n\\+ b");
  EXPECT_EQ(md("*a* _b_ c_d `e` [f](g) $5 &amp;amp; ~~x~~ \\ &lt;b&gt;"),
            "\\*a\\* \\_b\\_ c_d \\`e\\` \\[f\\](g) \\$5 \\&amp; \\~\\~x\\~\\~ \\\\ \\<b>");
}

TEST(ImportHtml, HostileShapesTakeLinearTime) {
  const std::clock_t start = std::clock();  // processor time: a busy machine is not slow code
  for (const std::string_view piece : {"<div>",
                                       "<b>",
                                       "<a>",
                                       "<ul><li>",
                                       "<table><tr><td>",
                                       "<h2>a?</h2>",
                                       "<h2>",
                                       "<dl><dt>a?",
                                       "<blockquote>",
                                       "<details><summary>a?</summary>",
                                       "<dl>",
                                       "<pre>",
                                       "<p>",
                                       "<",
                                       "&amp",
                                       "<!--",
                                       "<script>",
                                       "<h2>a?</h2><b><i>",
                                       "<form>",
                                       "<font><p>"}) {
    std::string text = "<h1>x</h1><h2>q?</h2>";
    while (text.size() < 100'000) text += piece;
    const std::clock_t each = std::clock();
    html(text);
    EXPECT_LT(std::clock() - each, 5 * CLOCKS_PER_SEC) << piece;  // generous for sanitizers
  }
  EXPECT_LT(std::clock() - start, 60 * CLOCKS_PER_SEC);
}

}  // namespace
}  // namespace quintet::faq
