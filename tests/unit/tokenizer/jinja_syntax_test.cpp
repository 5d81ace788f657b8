// Expected texts are what Jinja2 3.1 writes with trim_blocks and lstrip_blocks on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "jinja_testing.h"

namespace quintet {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(JinjaWhiteSpace, ABlockTakesItsLineWithIt) {
  EXPECT_EQ(rendered("a\n  {% if true %}\n  b\n  {% endif %}\nc\n"), "a\n  b\nc");
  EXPECT_EQ(rendered("a\n  {{ 'x' }}\nb"), "a\n  x\nb");
  EXPECT_EQ(rendered("x {% if true %}\ny{% endif %}\n\nz"), "x y\nz");
  EXPECT_EQ(rendered("\t {# note #}\nb"), "b");
}

TEST(JinjaWhiteSpace, MinusTakesAllAndPlusKeeps) {
  EXPECT_EQ(rendered("a \n {%- if true -%} \n b \n {%- endif -%} \n c"), "abc");
  EXPECT_EQ(rendered("a \n {{- 'x' -}} \n b"), "axb");
  EXPECT_EQ(rendered("a \n {#- note -#} \n b"), "ab");
  EXPECT_EQ(rendered("  {%+ if true +%}\n b{% endif %}"), "  \n b");
  EXPECT_EQ(rendered("\xE2\x80\x83{%- if true %}a{% endif %}"), "a");  // em space
}

TEST(JinjaWhiteSpace, OneLineEndAtTheEndGoesAndAllLineEndsAreUnixOnes) {
  EXPECT_EQ(rendered("a\r\nb\rc\n\n"), "a\nb\nc\n");
  EXPECT_EQ(rendered(""), "");
}

TEST(JinjaBlocks, RawTextIsNotRead) {
  EXPECT_EQ(rendered("{% raw %}{{ x }}{# y #}{% if %}{% endraw %}!"), "{{ x }}{# y #}{% if %}!");
  EXPECT_EQ(rendered("{% raw -%}  a  {%- endraw %}"), "a");
  EXPECT_EQ(rendered("{% raw %}\n a\n  {% endraw %}\nb"), "\n a\nb");
}

TEST(JinjaBlocks, IfTakesTheFirstTrueCase) {
  constexpr std::string_view source =
      "{% if x == 1 %}one{% elif x == 2 %}two{% elif x == 3 %}three{% else %}more{% endif %}";
  EXPECT_EQ(rendered(source, R"({"x": 1})"), "one");
  EXPECT_EQ(rendered(source, R"({"x": 3})"), "three");
  EXPECT_EQ(rendered(source, R"({"x": 9})"), "more");
}

TEST(JinjaBlocks, ForKnowsWhereItIs) {
  EXPECT_EQ(
      rendered("{% for i in 'abc' %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}"
               "{{ loop.first }}{{ loop.last }}{{ loop.length }} {% endfor %}"),
      "1032TrueFalse3 2121FalseFalse3 3210FalseTrue3 ");
  EXPECT_EQ(rendered("{% for i in [1, 2, 2] %}[{{ loop.previtem }}<{{ i }}<{{ loop.nextitem }}]{{ "
                     "loop.cycle('x', 'y') }}"
                     "{{ loop.changed(i) }} {% endfor %}"),
            "[<1<2]xTrue [1<2<2]yTrue [2<2<]xFalse ");
}

TEST(JinjaBlocks, ForFiltersUnpacksAndHasAnElse) {
  EXPECT_EQ(rendered("{% for i in range(6) if i is odd %}{{ loop.index }}:{{ i }} {% endfor %}"),
            "1:1 2:3 3:5 ");
  EXPECT_EQ(rendered("{% for k, v in {'a': 1, 'b': 2}.items() %}{{ k }}={{ v }};{% endfor %}"), "a=1;b=2;");
  EXPECT_EQ(rendered("{% for (a, (b, c)) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}"), "123");
  EXPECT_EQ(rendered("{% for i in [] %}x{% else %}none{% endfor %}"), "none");
  EXPECT_EQ(rendered("{% for i in [1] if i > 1 %}x{% else %}none{% endfor %}"), "none");
  EXPECT_EQ(rendered("{% for i in nothing %}x{% endfor %}ok"), "ok");
  EXPECT_EQ(rendered("{% for k in {'a': 1} %}{{ k }}{% endfor %}"), "a");
  EXPECT_EQ(rendered("{% for i in 1, 2 %}{{ i }}{% endfor %}"), "12");
}

TEST(JinjaBlocks, BreakAndContinueLeaveOneLoop) {
  EXPECT_EQ(rendered("{% for i in range(9) %}{% if i == 1 %}{% continue %}{% endif %}{% if i == 4 %}{% break "
                     "%}{% endif %}"
                     "{{ i }}{% endfor %}"),
            "023");
  EXPECT_EQ(rendered("{% for i in [1, 2] %}{% for j in [3, 4] %}{% break %}{% endfor %}{{ i }}{% endfor %}"),
            "12");
  EXPECT_EQ(rendered("{% for i in [1, 2] %}{% set x %}a{% break %}{% endset %}b{% endfor %}c"), "c");
}

TEST(JinjaBlocks, ElseFollowsALoopThatNeverCameToTheEndOfItsBody) {
  EXPECT_EQ(rendered("{% for i in [1, 2] %}{{ i }}{% continue %}{% else %}e{% endfor %}"), "12e");
  EXPECT_EQ(rendered("{% for i in [1, 2] %}{{ i }}{% break %}{% else %}e{% endfor %}"), "1e");
  EXPECT_EQ(
      rendered("{% for i in [1, 2] %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% else %}e{% endfor %}"),
      "1");
}

TEST(JinjaBlocks, ARecursiveForCallsItself) {
  EXPECT_EQ(rendered("{% for n in tree recursive %}{{ n.v }}@{{ loop.depth }}{{ loop.depth0 }}({{ loop(n.c) "
                     "}}){% endfor %}",
                     R"({"tree": [{"v": 1, "c": [{"v": 2, "c": []}]}, {"v": 3, "c": []}]})"),
            "1@10(2@21())3@10()");
}

TEST(JinjaBlocks, SetInALoopStaysThereAndANamespaceRemembers) {
  EXPECT_EQ(
      rendered("{% set a = 1 %}{% for i in [1, 2] %}{{ a }}{% set a = a + 1 %}{{ a }} {% endfor %}{{ a }}"),
      "12 12 1");
  EXPECT_EQ(rendered("{% set ns = namespace(n=0) %}{% for i in [1, 2] %}{% set ns.n = ns.n + i %}{% endfor "
                     "%}{{ ns.n }}"),
            "3");
  EXPECT_EQ(rendered("{% if true %}{% set a = 1 %}{% endif %}{{ a }}"), "1");
  EXPECT_EQ(rendered("{% set ns = namespace({'a': 1}, b=2) %}{{ ns.a }}{{ ns['b'] }}{{ ns.c is defined }}"),
            "12False");
  EXPECT_EQ(rendered("{% set a, b = 1, [2] %}{{ a }}{{ b }}"), "1[2]");
}

TEST(JinjaBlocks, SetAndFilterBlocksTakeText) {
  EXPECT_EQ(rendered("{% set x %}a{{ 1 + 1 }}{% endset %}[{{ x }}]"), "[a2]");
  EXPECT_EQ(rendered("{% set x | upper | trim %} a {% endset %}[{{ x }}]"), "[A]");
  EXPECT_EQ(rendered("{% filter upper | replace('B', 'c') %}ab{% endfilter %}"), "Ac");
  EXPECT_EQ(rendered("{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}{{ a }}"), "3");
  EXPECT_EQ(rendered("{% generation %}a{% endgeneration %}b"), "ab");
  EXPECT_EQ(rendered("x\n  {%- generation -%}\n a\n{%- endgeneration -%}\n b"), "xab");
}

TEST(JinjaMacros, TakeDefaultsAndNames) {
  constexpr std::string_view macro = "{% macro m(a, b=2, c=b) %}{{ a }}-{{ b }}-{{ c }};{% endmacro %}";
  EXPECT_EQ(rendered(std::string(macro) +
                     "{{ m(1) }}{{ m(1, c=9) }}{{ m(1, 2, 3) }}{{ m() }}{{ m(*[7, 8], **{'c': 9}) }}"),
            "1-2-2;1-2-9;1-2-3;-2-2;7-8-9;");
  EXPECT_EQ(rendered("{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, a=3) }}"),
            "(1, 2){'a': 3}");
  EXPECT_EQ(
      rendered("{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(3) }}"),
      "3210");
  EXPECT_EQ(rendered("{% set a = 'out' %}{% macro m(a) %}{{ a }}{% endmacro %}[{{ m() }}]"), "[]");
  EXPECT_EQ(rendered("{% macro m() %}{{ x }}{% endmacro %}{% set x = 1 %}{{ m() }}"), "1");
}

TEST(JinjaMacros, CallBlocksHandOverTheirBody) {
  EXPECT_EQ(rendered("{% macro box(t) %}<{{ t }}>{{ caller() }}</{{ t }}>{% endmacro %}{% call box('b') "
                     "%}hi{% endcall %}"),
            "<b>hi</b>");
  EXPECT_EQ(rendered("{% macro each(l) %}{% for i in l %}{{ caller(i, 'z') }}{% endfor %}{% endmacro %}"
                     "{% call(x, y) each([1, 2]) %}[{{ x }}{{ y }}]{% endcall %}"),
            "[1z][2z]");
}

TEST(JinjaExpressions, CountAsInPython) {
  EXPECT_EQ(rendered("{{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 % -3 }} {{ 7 / 2 }} {{ 6 / 2 }} {{ 2 ** "
                     "10 }} {{ 2 ** -1 }}"),
            "3 -4 2 -2 3.5 3.0 1024 0.5");
  EXPECT_EQ(rendered("{{ 2 ** 3 ** 2 }} {{ -2 ** 2 }} {{ 10 - 2 - 3 }} {{ 2 + 3 * 4 }} {{ true + 1 }}"),
            "64 4 5 14 2");
  EXPECT_EQ(rendered("{{ 7.5 // 2 }} {{ -7.5 % 2 }} {{ 1e3 }} {{ 0x1f }} {{ 0b101 }} {{ 0o17 }} {{ 1_000 }} "
                     "{{ -1|abs }}"),
            "3.0 0.5 1000.0 31 5 15 1000 1");
  EXPECT_EQ(rendered("{{ [1] + [2] }} {{ (1,) + (2,) }} {{ 'ab' * 2 }} {{ [0] * 3 }} {{ 'a' 'b' }}"),
            "[1, 2] (1, 2) abab [0, 0, 0] ab");
}

TEST(JinjaExpressions, NumbersPrintAsInPython) {
  EXPECT_EQ(rendered("{{ 0.1 + 0.2 }} {{ 1e16 }} {{ 1e15 }} {{ 1e-5 }} {{ 0.0001 }} {{ 1.5e300 }} {{ -0.0 }} "
                     "{{ 123456789012345678 }}"),
            "0.30000000000000004 1e+16 1000000000000000.0 1e-05 0.0001 1.5e+300 -0.0 123456789012345678");
  EXPECT_EQ(rendered("{{ a }} {{ b }} {{ c }}", R"({"a": 1, "b": 1.0, "c": -9223372036854775808})"),
            "1 1.0 -9223372036854775808");
}

TEST(JinjaExpressions, ValuesPrintAsInPython) {
  EXPECT_EQ(
      rendered("{{ true }} {{ False }} {{ none }} {{ (1,) }} {{ () }} {{ {} }} {{ [true, none, 1.0] }}"),
      "True False None (1,) () {} [True, None, 1.0]");
  EXPECT_EQ(
      rendered("{{ x }}",
               R"({"x": {"a": ["it's", "say \"x\"", "\n\t\u0001é\u200b", "\ud83d\ude00"], "b": null}})"),
      "{'a': [\"it's\", 'say \"x\"', '\\n\\t\\x01é\\u200b', '😀'], 'b': None}");
  EXPECT_EQ(rendered("{{ 'a' ~ 1 ~ none ~ true ~ 1.5 ~ [1] ~ nothing }}"), "a1NoneTrue1.5[1]");
}

TEST(JinjaExpressions, CompareAndChoose) {
  EXPECT_EQ(rendered("{{ 1 < 2 < 3 }} {{ 3 > 2 > 2 }} {{ 'a' < 'b' }} {{ [1, 2] == [1.0, 2] }} {{ 1 == true "
                     "}} {{ 'a' == none }}"),
            "True False True True True False");
  EXPECT_EQ(rendered("{{ 0 or 'x' }} {{ '' and 1 }}| {{ not '' }} {{ not 1 == 2 }}"), "x | True True");
  EXPECT_EQ(
      rendered(
          "{{ 'a' if true else 'b' }} {{ 'a' if false }}| {{ 'a' if false else 'b' if false else 'c' }}"),
      "a | c");
  EXPECT_EQ(rendered("{{ 1 in [1] }} {{ 'a' not in 'abc' }} {{ 'k' in {'k': 1} }} {{ 1 in nothing }} {{ 2 is "
                     "in [1, 2] }}"),
            "True False True False True");
}

TEST(JinjaExpressions, SlicesTakeNegativeStepsAndCountCharacters) {
  EXPECT_EQ(rendered("{{ [1, 2, 3, 4][::-1] }} {{ [1, 2, 3][5:] }} {{ [1, 2, 3, 4][1:-1] }} {{ [1, 2, 3, "
                     "4][::2] }} {{ [1, 2, 3][-2::-1] }}"),
            "[4, 3, 2, 1] [] [2, 3] [1, 3] [2, 1]");
  EXPECT_EQ(
      rendered("{{ 'héllo'[1:3] }} {{ 'héllo'[::-1] }} {{ 'héllo'[-1] }} {{ 'héllo'[9] }}| {{ (1, 2)[:1] }}"),
      "él olléh o | (1,)");
  EXPECT_EQ(rendered("{{ [1, 2].0 }} {{ 'ab'.1 }} {{ [3, 4][-1] }}"), "1 b 4");
}

TEST(JinjaExpressions, StringsKnowPythonsEscapes) {
  EXPECT_EQ(rendered(R"({{ 'a\tb\\n\'q\' \x41\u00e9\U0001F600\101 \q' }}{{ "\ud83d\ude00" }})"),
            "a\tb\\n'q' Aé😀A \\q😀");
  EXPECT_EQ(rendered("{{ 'a\\\nb' }}"), "ab");
}

TEST(JinjaUndefined, PrintsNothingAndIsFalse) {
  EXPECT_EQ(rendered("[{{ x }}]{{ x is defined }}{{ x|default('d') }}{{ x|length }}{{ x or 'z' }}{{ d.y }}{{ "
                     "d['y'] }}{{ l[3] }}{{ none.a }}",
                     R"({"d": {}, "l": []})"),
            "[]Falsed0z");
  EXPECT_EQ(rendered("{{ x == y }} {{ x == none }}"), "True False");
}

TEST(JinjaUndefined, HasNoAttributesItemsOrSums) {
  EXPECT_EQ(failure("ab\n  {{ user.name }}"),
            "invalid_argument: chat template test, line 2, column 10: cannot read '.name' of 'user', which "
            "is undefined; "
            "test it with 'is defined' first");
  EXPECT_THAT(failure("{{ d.a.b }}", R"({"d": {}})"),
              HasSubstr("cannot read '.b' of 'a', which is undefined"));
  EXPECT_THAT(failure("{{ l[0].b }}", R"({"l": []})"),
              HasSubstr("cannot read '.b' of 'item 0', which is undefined"));
  EXPECT_THAT(failure("{{ x[0] }}"), HasSubstr("cannot take an item of 'x', which is undefined"));
  EXPECT_THAT(failure("{{ x + 1 }}"),
              HasSubstr("cannot apply '+' to 'x', which is undefined and an integer"));
  EXPECT_THAT(failure("{{ x() }}"), HasSubstr("there is no function or method 'x'"));
}

TEST(JinjaErrors, SayWhereAndWhatWouldWork) {
  EXPECT_EQ(failure("a\n{% if x %}b"),
            "invalid_argument: chat template test, line 2, column 1: this {% if %} is not closed; end it "
            "with {% endif %}");
  EXPECT_THAT(failure("{{ 'a' + 1 }}"),
              HasSubstr("cannot apply '+' to a string and an integer; join texts of any kind with ~"));
  EXPECT_THAT(failure("{{ x | nope }}"), HasSubstr("there is no filter 'nope'; there are: abs, attr"));
  EXPECT_THAT(failure("{{ x is nope }}"), HasSubstr("there is no test 'nope'; there are: !=, <"));
  EXPECT_THAT(failure("{{ raise_exception('no way') }}"),
              HasSubstr("the template refuses this conversation: no way"));
  EXPECT_THAT(failure("{{ 1 < 'a' }}"), HasSubstr("cannot order an integer and a string"));
  EXPECT_THAT(failure("{% set d = {} %}{% set d.a = 1 %}"),
              HasSubstr("only a namespace has attributes that can be set"));
  EXPECT_THAT(failure("{{ 9223372036854775807 + 1 }}"), HasSubstr("not a whole number of at most 64 bits"));
  EXPECT_THAT(failure("{{ 1 // 0 }}"), HasSubstr("division by zero"));
}

TEST(JinjaErrors, NameTheBrokenSyntax) {
  for (const auto& [source, message] : {
           std::pair{"{{ 1", "this expression is not closed; end it with }}"},
           {"{% if 1", "this tag is not closed; end it with %}"},
           {"{# x", "this comment is not closed; end it with #}"},
           {"{% raw %}x", "this raw block is not closed"},
           {"{{ 'x }}", "this string is not closed; end it with '"},
           {"{{ (1] }}", "this is ] where ) was expected"},
           {"{{ 1) }}", "this ) closes nothing"},
           {"{{ ! }}", "the character \"!\" has no meaning here"},
           {"{{ }}", "expected a value, got '}}'"},
           {"{{ 1 2 }}", "expected the end of the expression, '}}', got '2'"},
           {"{% endif %}", "{% endif %} closes nothing here"},
           {"{% if 1 %}{% endfor %}",
            "{% endfor %} closes nothing here; expected {% elif %} or {% else %} or {% endif %}"},
           {"{% include 'x' %}", "there is no statement 'include' in chat templates; there are if, for, set"},
           {"{% for x of y %}", "expected 'in' after the loop's variable, got 'of'"},
           {"{% break %}", "{% break %} stands in no loop"},
           {"{% for i in x %}{% macro m() %}{% break %}{% endmacro %}{% endfor %}",
            "{% break %} stands in no loop"},
           {"{% set true = 1 %}", "'true' cannot be assigned to"},
           {"{% macro m(a, a) %}", "parameter 'a' stands twice"},
           {"{% macro m(a=1, b) %}", "parameter 'b' needs a default"},
           {"{{ f(a=1, 2) }}", "arguments without a name come before those with one"},
           {"{{ f(a=1, a=2) }}", "argument 'a' stands twice"},
           {"{{ x[1:2:3:4] }}", "a slice has at most three parts"},
           {"{{ x[] }}", "expected an index between the brackets"},
           {"{{ 99999999999999999999 }}", "is not a whole number of at most 64 bits"},
           {"{{ '\\x4' }}", "\\x needs 2 hexadecimal digits"},
           {"{% call x %}{% endcall %}", "expected a call of a macro"},
       }) {
    EXPECT_THAT(failure(source), HasSubstr(message)) << source;
    EXPECT_THAT(failure(source), StartsWith("invalid_argument: chat template test, line 1, column "))
        << source;
  }
  EXPECT_THAT(failure("a\n\xFF"), HasSubstr("line 2, column 1: the text is not valid UTF-8"));
}

TEST(JinjaErrors, NameWrongArguments) {
  EXPECT_THAT(failure("{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}"),
              HasSubstr("macro 'm' takes at most 1 arguments, got 2"));
  EXPECT_THAT(failure("{% macro m(a) %}{% endmacro %}{{ m(b=2) }}"),
              HasSubstr("macro 'm' has no parameter 'b'"));
  EXPECT_THAT(failure("{% macro m(a) %}{% endmacro %}{{ m(1, a=2) }}"), HasSubstr("got parameter 'a' twice"));
  EXPECT_THAT(failure("{{ 'a' | replace('b') }}"), HasSubstr("'replace' needs its argument 'new'"));
  EXPECT_THAT(failure("{{ 'a' | trim(x=1) }}"), HasSubstr("'trim' has no argument 'x'; it has: chars"));
  EXPECT_THAT(failure("{{ 'a' | upper(1) }}"), HasSubstr("takes no arguments"));
  EXPECT_THAT(failure("{% for a, b in [[1]] %}{% endfor %}"), HasSubstr("cannot assign 1 values to 2 names"));
}

}  // namespace
}  // namespace quintet
