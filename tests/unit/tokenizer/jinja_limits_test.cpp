// Templates come with model files from strangers: whatever they do ends in an error that names the limit.
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/text.h"
#include "jinja_testing.h"

namespace quintet {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string times(std::string_view text, std::size_t n) {
  std::string out;
  for (std::size_t i = 0; i < n; ++i) out += text;
  return out;
}

TEST(JinjaLimits, LoopsEndAtTheStepLimit) {
  const auto message =
      failure("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}", "{}",
              {.max_steps = 100'000});
  EXPECT_THAT(message, StartsWith("exhausted: chat template test, line 1, column "));
  EXPECT_THAT(message, HasSubstr("more than 100000 steps (max_steps)"));
}

TEST(JinjaLimits, RecursionEndsAtTheDepthLimit) {
  constexpr std::string_view macro = "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}";
  EXPECT_THAT(failure(macro), HasSubstr("more than 1000 nested evaluations (max_depth)"));
  EXPECT_THAT(
      failure(
          "{% set ns = namespace() %}{% macro f() %}{% for i in [1] %}{{ ns.g() }}{% endfor %}{% endmacro %}"
          "{% set ns.g = f %}{{ f() }}"),
      HasSubstr("(max_depth)"));
  EXPECT_THAT(failure("{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}"), HasSubstr("(max_depth)"));
}

TEST(JinjaLimits, OutputEndsAtItsLimit) {
  EXPECT_THAT(failure("{% for i in range(1000) %}0123456789{% endfor %}", "{}", {.max_output_bytes = 1000}),
              HasSubstr("writes more than 1000 bytes (max_output_bytes)"));
  EXPECT_THAT(failure("{% set x %}{% for i in range(1000) %}0123456789{% endfor %}{% endset %}", "{}",
                      {.max_output_bytes = 1000}),
              HasSubstr("(max_output_bytes)"));
}

TEST(JinjaLimits, MemoryEndsAtItsLimit) {
  const TemplateLimits small{.max_memory_bytes = std::size_t{1} << 20};
  for (const std::string_view source : {
           "{% set ns = namespace(t='0123456789') %}{% for i in range(100) %}{% set ns.t = ns.t + ns.t %}{% "
           "endfor %}",
           "{{ 'x' * 100000000000 }}",
           "{{ [1] * 100000000000 }}",
           "{{ ('x' * 100000)|replace('x', 'y' * 10000) }}",
           "{{ ('x' * 100000)|replace('', 'y' * 10000) }}",
           "{{ ([0] * 1000)|join('x' * 100000) }}",
           "{{ ([''] * 10000)|join('x' * 10000) }}",
           "{{ ('a\n' * 10000)|indent('x' * 10000) }}",
           "{{ ('%s' * 10000) % (('x' * 10000,) * 10000) }}",
           "{{ ('{0}' * 10000).format('x' * 10000) }}",
           "{% set ns = namespace(l=[1]) %}{% for i in range(100) %}{% set _ = ns.l.extend(ns.l) %}{% endfor "
           "%}",
           "{{ 'x' ~ 'y' * 1000000 ~ 'z' * 1000000 }}",
       })
    EXPECT_THAT(failure(source, "{}", small), HasSubstr("max_memory_bytes")) << source;
}

TEST(JinjaLimits, ValuesThatHoldThemselvesAreTooDeepNotEndless) {
  for (const std::string_view use :
       {"{{ l }}", "{{ l|tojson }}", "{{ l == m }}", "{{ [l, m]|sort }}", "{{ l in [m] }}", "{{ l|string }}",
        "{{ l < m }}", "{{ [l, m]|unique }}"}) {
    const auto source = cat(
        "{% set l = [1] %}{% set m = [1] %}{% set _ = l.insert(0, l) %}{% set _ = m.insert(0, m) %}", use);
    EXPECT_THAT(failure(source), HasSubstr("nested more than 200 deep")) << use;
  }
  EXPECT_THAT(failure("{% set ns = namespace(l=[]) %}{% for i in range(1000) %}{% set ns.l = [ns.l] %}{% "
                      "endfor %}{{ ns.l }}"),
              HasSubstr("nested more than 200 deep"));
}

TEST(JinjaLimits, ValuesThatShareTheirPartsCountEachVisit) {
  EXPECT_THAT(
      failure(
          "{% set ns = namespace(l=[1]) %}{% for i in range(100) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}"
          "{{ ns.l }}",
          "{}", {.max_steps = 100'000}),
      HasSubstr("(max_steps)"));
}

TEST(JinjaLimits, DeepNestingIsRefusedBeforeItIsRun) {
  constexpr std::size_t kMany = 100'000;
  EXPECT_THAT(failure(cat("{{ ", times("(", kMany), "1", times(")", kMany), " }}")),
              HasSubstr("nested too deeply"));
  EXPECT_THAT(failure(cat("{{ ", times("[", 500), times("]", 500), " }}")), HasSubstr("nested too deeply"));
  EXPECT_THAT(failure(cat("{{ ", times("-", kMany), "1 }}")), HasSubstr("nested too deeply"));
  EXPECT_THAT(failure(cat("{{ ", times("not ", kMany), "1 }}")), HasSubstr("nested too deeply"));
  EXPECT_THAT(failure(cat("{{ ", times("1 if 1 else ", kMany / 4), "1 }}")), HasSubstr("nested too deeply"));
  EXPECT_THAT(failure(times("{% if 1 %}", kMany / 2)), HasSubstr("nested too deeply"));
  EXPECT_THAT(failure(times("{% macro m() %}", kMany / 2)), HasSubstr("nested too deeply"));
  EXPECT_THAT(failure(cat("{% for ", times("(", kMany), "x")), HasSubstr("nested too deeply"));
  for (const std::string_view link :
       {" + 1", "|abs", "[0]", ".a", "()", " - 1", " and 1", " * 1", " ** 1", " is none", " if 1"})
    EXPECT_THAT(failure(cat("{{ x", times(link, kMany / 2), " }}")), HasSubstr("too long")) << link;
  EXPECT_THAT(failure(cat("{{ x is eq ", times("x is eq ", kMany / 2), "x }}")), HasSubstr("line 1"));
}

TEST(JinjaLimits, LongFlatTemplatesAreFine) {
  EXPECT_EQ(rendered(cat("{{ 1", times(" ~ 1", 50'000), " }}")).size(), 50'001u);
  EXPECT_EQ(rendered(cat("{% if 0 %}", times("{% elif 0 %}", 20'000), "{% else %}x{% endif %}")), "x");
  EXPECT_EQ(rendered(times("{{ 1 }}", 50'000)).size(), 50'000u);
  EXPECT_EQ(rendered(cat("{{ [", times("1,", 50'000), "]|length }}")), "50000");
}

TEST(JinjaLimits, RangesAndSourcesAreBounded) {
  EXPECT_THAT(failure("{{ range(100001) }}"),
              HasSubstr("'range' would have 100001 items, the most is 100000"));
  EXPECT_THAT(failure("{{ range(-9223372036854775807, 9223372036854775807) }}"), StartsWith("exhausted: "));
  EXPECT_EQ(rendered("{{ range(9223372036854775800, 9223372036854775807, 9223372036854775807) }}"),
            "[9223372036854775800]");
  EXPECT_THAT(failure(std::string((1 << 20) + 1, 'x')),
              HasSubstr("it has 1048577 bytes, the most is 1048576"));
}

TEST(JinjaLimits, ExtremeNumbersOverflowIntoErrors) {
  EXPECT_THAT(failure("{{ (-9223372036854775807 - 1) // -1 }}"), HasSubstr("64 bits"));
  EXPECT_THAT(failure("{{ -(-9223372036854775807 - 1) }}"), HasSubstr("64 bits"));
  EXPECT_THAT(failure("{{ (-9223372036854775807 - 1)|abs }}"), HasSubstr("64 bits"));
  EXPECT_THAT(failure("{{ 10 ** 19 }}"), HasSubstr("64 bits"));
  EXPECT_EQ(rendered("{{ (-9223372036854775807 - 1) % -1 }} {{ 3 ** 39 }} {{ (-1) ** 9223372036854775807 }}"),
            "0 4052555153018976267 -1");
  EXPECT_EQ(rendered("{{ [1, 2][::9223372036854775807] }} {{ [1, 2][::-9223372036854775807 - 1] }} {{ "
                     "[1][9223372036854775807:] }}"
                     "{{ [1][-9223372036854775807 - 1:] }}"),
            "[1] [2] [][1]");
  EXPECT_EQ(
      rendered("{{ 1e300|int }} {{ 'nan'|float }} {{ 1e308 * 10 }} {{ 'inf'|float|int }} {{ 1e22|round }}"),
      "0 nan inf 0 1e+22");
  EXPECT_EQ(rendered("{{ x }}", R"({"x": 18446744073709551615})"), "1.8446744073709552e+19");
}

TEST(JinjaLimits, DeepInputIsRefused) {
  Json value = 1;
  for (int i = 0; i < 300; ++i) value = JsonArray{value};
  JsonObject variables;
  variables["x"] = value;
  const auto chat_template = ChatTemplate::parse("{{ x }}");
  EXPECT_THROW(chat_template.render_variables(variables), Exhausted);
}

TEST(JinjaThreads, OneTemplateRendersInManyThreads) {
  const auto chat_template = ChatTemplate::parse(
      "{% set ns = namespace(t='') %}{% for i in range(n) %}{% set ns.t = ns.t ~ i %}{% endfor %}{{ "
      "ns.t|length }}");
  std::vector<std::string> results(4);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < results.size(); ++i)
    threads.emplace_back([&, i] {
      JsonObject variables;
      variables["n"] = static_cast<std::int64_t>(100 * (i + 1));
      results[i] = chat_template.render_variables(variables);
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(results, (std::vector<std::string>{"190", "490", "790", "1090"}));
}

}  // namespace
}  // namespace quintet
