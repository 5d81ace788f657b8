// Expected texts are what Jinja2 3.1 writes with transformers' filters.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "jinja_testing.h"

namespace quintet {
namespace {

using testing::HasSubstr;

TEST(JinjaFilters, WriteJsonAsTransformersDoes) {
  EXPECT_EQ(
      rendered(
          "{{ x|tojson }}",
          R"({"x": {"a": [1, 2.0, null, true, []], "b": {"c": "<é\u007f\u2028\"\\\n\u0001>"}, "d": {}}})"),
      "{\"a\": [1, 2.0, null, true, []], \"b\": {\"c\": \"<é\x7F\xE2\x80\xA8\\\"\\\\\\n\\u0001>\"}, \"d\": "
      "{}}");
  EXPECT_EQ(rendered("{{ x|tojson(indent=2) }}", R"({"x": {"a": [1, {"b": []}], "c": {}}})"),
            "{\n  \"a\": [\n    1,\n    {\n      \"b\": []\n    }\n  ],\n  \"c\": {}\n}");
  EXPECT_EQ(
      rendered("{{ {'b': 1, 'a': 'é😀'}|tojson(ensure_ascii=true, sort_keys=true, separators=(',', ':')) }}"),
      "{\"a\":\"\\u00e9\\ud83d\\ude00\",\"b\":1}");
  EXPECT_EQ(
      rendered("{{ [1]|tojson(2) }} {{ [1]|tojson(indent='-') }} {{ {1: 2, none: 3, true: 4}|tojson }}"),
      "[\n  1\n] [\n-1\n] {\"1\": 4, \"null\": 3}");
  EXPECT_THAT(failure("{{ range|tojson }}"), HasSubstr("'tojson' cannot write a function"));
}

TEST(JinjaFilters, ChangeTexts) {
  EXPECT_EQ(rendered("{{ ' a '|trim }}|{{ 'xax'|trim('x') }}|{{ 'aB'|upper }}|{{ 'aB'|lower }}|{{ 'hELLO "
                     "wORLD'|capitalize }}"),
            "a|a|AB|ab|Hello world");
  EXPECT_EQ(rendered("{{ \"it's a hello-world (foo)\"|title }} {{ 'ab'|replace('a', 'x') }} {{ "
                     "'aaa'|replace('a', 'b', 2) }} {{ 1|string ~ 2 }}"),
            "It's A Hello-World (Foo) xb bba 12");
  EXPECT_EQ(rendered("{{ '<a href=\"x\">&\\'</a>'|e }} {{ '<'|safe }} {{ 'a b/ü'|urlencode }}"),
            "&lt;a href=&#34;x&#34;&gt;&amp;&#39;&lt;/a&gt; < a%20b/%C3%BC");
  EXPECT_EQ(rendered("{{ 'a\nb\n\nc'|indent }}|{{ 'a\nb'|indent(2, true) }}|{{ 'a\n\nb\n'|indent(1, "
                     "blank=true) }}|{{ 'a\nb'|indent('> ') }}"),
            "a\n    b\n\n    c|  a\n  b|a\n \n b\n |a\n> b");
  EXPECT_EQ(rendered("{{ 'foo bar baz'|truncate(8) }} {{ 'foobarbazz'|truncate(7, true, '~', 0) }} {{ "
                     "'ab'|center(5) }}| {{ 'a b  c'|wordcount }}"),
            "foo bar baz foobar~   ab | 3");
  EXPECT_EQ(rendered("{{ '%s-%d-%.2f-%5s|%-3s|%03d%%' % ('a', 3, 2.345, 'b', 'c', 7) }} {{ '%s'|format('x') "
                     "}} {{ '%(a)s'|format(a=1) }}"),
            "a-3-2.35-    b|c  |007% x 1");
}

TEST(JinjaFilters, FormatNamesTheWholeCharacterItDoesNotKnow) {
  EXPECT_THAT(failure("{{ '%é' % 1 }}"), HasSubstr("format: '%é' is not known"));
  EXPECT_THAT(failure("{{ '{:é}'.format(1) }}"), HasSubstr("format: 'é' is not understood"));
}

TEST(JinjaFilters, ConvertNumbers) {
  EXPECT_EQ(rendered("{{ '12'|int }} {{ '3.7'|int }} {{ 'x'|int }} {{ 'x'|int(7) }} {{ '0x1F'|int(base=16) "
                     "}} {{ 3.9|int }} {{ -3.9|int }} {{ none|int }} {{ ' 1_0 '|int }}"),
            "12 3 0 7 31 3 -3 0 10");
  EXPECT_EQ(
      rendered("{{ '1.5'|float }} {{ 'x'|float }} {{ 2|float }} {{ 'x'|float(none) }} {{ '1e3'|float }}"),
      "1.5 0.0 2.0 None 1000.0");
  EXPECT_EQ(rendered("{{ 2.5|round }} {{ 3.5|round }} {{ 3.14159|round(2) }} {{ 3.2|round(method='ceil') }} "
                     "{{ 5|round }} {{ 42.55|round(1) }} {{ -3.7|round(0, 'floor') }}"),
            "2.0 4.0 3.14 4.0 5 42.5 -4.0");
}

TEST(JinjaFilters, GoThroughLists) {
  EXPECT_EQ(
      rendered("{{ [3, 1, 2]|sort }} {{ ['b', 'A', 'c']|sort }} {{ ['b', 'A']|sort(case_sensitive=true) }} "
               "{{ [1, 2]|sort(reverse=true) }} {{ [none, none]|sort }}"),
      "[1, 2, 3] ['A', 'b', 'c'] ['A', 'b'] [2, 1] [None, None]");
  EXPECT_EQ(rendered("{{ l|sort(attribute='v,n')|map(attribute='n')|join }}",
                     R"({"l": [{"n": "c", "v": 2}, {"n": "b", "v": 1}, {"n": "a", "v": 2}]})"),
            "bac");
  EXPECT_EQ(rendered("{{ [1, 2, 3]|sum }} {{ [1, 2]|min }} {{ ['a', 'B']|max }} {{ [1, 2, 2, 1]|unique|list "
                     "}} {{ ['a', 'A']|unique|list }}"),
            "6 1 B [1, 2] ['a']");
  EXPECT_EQ(rendered("{{ [1, 2, 3, 4, 5]|batch(2)|list }} {{ [1, 2, 3]|batch(2, 'x')|list }} {{ [1, 2, 3, 4, "
                     "5]|slice(2)|list }}"),
            "[[1, 2], [3, 4], [5]] [[1, 2], [3, 'x']] [[1, 2, 3], [4, 5]]");
  EXPECT_EQ(rendered("{{ 'abc'|list }} {{ 'abc'|first }} {{ [1, 2]|last }} {{ []|first }}| {{ 'abc'|reverse "
                     "}} {{ [1, 2]|reverse|list }} {{ {'a': 1}|length }} {{ 'é'|count }}"),
            "['a', 'b', 'c'] a 2 | cba [2, 1] 1 1");
  EXPECT_EQ(rendered("{{ [1, none, 'a']|join('|') }} {{ 'abc'|join('-') }} {{ [{'a': 1}, {'a': 2}]|join(',', "
                     "attribute='a') }}"),
            "1|None|a a-b-c 1,2");
}

TEST(JinjaFilters, SelectAndMap) {
  constexpr std::string_view list =
      R"({"l": [{"n": "a", "v": 1, "d": {"e": 5}}, {"n": "b", "v": 2}, {"n": "c"}]})";
  EXPECT_EQ(
      rendered(
          "{{ l|selectattr('v')|map(attribute='n')|list }} {{ l|rejectattr('v')|map(attribute='n')|list }}",
          list),
      "['a', 'b'] ['c']");
  EXPECT_EQ(rendered("{{ l|selectattr('v', 'eq', 2)|map(attribute='n')|first }} {{ l|selectattr('v', "
                     "'undefined')|list|length }} {{ l|selectattr('n', 'in', ['a', 'c'])|list|length }}",
                     list),
            "b 1 2");
  EXPECT_EQ(
      rendered(
          "{{ l|map(attribute='d.e', default=0)|list }} {{ l|map('length')|list }} {{ ['a']|map('replace', "
          "'a', 'b')|list }} {{ [1, 2, 3]|select('odd')|list }} {{ [0, 1]|reject|list }}",
          list),
      "[5, 0, 0] [3, 2, 1] ['b'] [1, 3] [0]");
  EXPECT_EQ(rendered("{{ none|selectattr('a')|list }} {{ none|map('upper')|list }}"), "[] []");
}

TEST(JinjaFilters, ReadMappings) {
  EXPECT_EQ(rendered("{{ {'b': 1, 'A': 2}|dictsort }} {{ {'b': 1, 'a': 2}|dictsort(by='value') }} {{ {'a': "
                     "1}|items|list }} {{ nothing|items|list }}"),
            "[('A', 2), ('b', 1)] [('b', 1), ('a', 2)] [('a', 1)] []");
  EXPECT_EQ(rendered("{{ l|groupby('r')|list }}", R"({"l": [{"r": "b"}, {"r": "a"}, {"r": "b"}]})"),
            "[('a', [{'r': 'a'}]), ('b', [{'r': 'b'}, {'r': 'b'}])]");
  EXPECT_EQ(rendered("{{ none|default('x') }} {{ none|default('x', true) }} {{ ''|d('y', boolean=true) }} {{ "
                     "{'a': 1}|attr('b') }}"),
            "None x y ");
}

TEST(JinjaTests, TellKindsApart) {
  EXPECT_EQ(rendered("{{ 1 is number }}{{ 'a' is string }}{{ {} is mapping }}{{ [] is sequence }}{{ 'a' is "
                     "iterable }}{{ true is boolean }}"
                     "{{ 1 is integer }}{{ 1.0 is float }}{{ none is none }}{{ range is callable }}{{ x is "
                     "undefined }}{{ 1 is defined }}"),
            std::string("TrueTrueTrueTrueTrueTrueTrueTrueTrueTrueTrueTrue"));
  EXPECT_EQ(rendered("{{ 'a' is number }}{{ 1 is string }}{{ [] is mapping }}{{ 1 is iterable }}{{ 1 is "
                     "boolean }}{{ true is integer }}{{ 1 is float }}"),
            "FalseFalseFalseFalseFalseFalseFalse");
  EXPECT_EQ(
      rendered(
          "{{ 4 is even }} {{ 4 is odd }} {{ 4 is divisibleby 2 }} {{ 4 is divisibleby(3) }} {{ 1 is eq 1 }} "
          "{{ 1 is ne 1 }} {{ 3 is gt 2 }} {{ 3 is lessthan 2 }} {{ true is true }} {{ 0 is false }}"),
      "True False True False True False True False True False");
  EXPECT_EQ(
      rendered("{{ 1 is not none }} {{ x is not defined }} {{ 'A' is upper }} {{ 'a' is lower }} {{ 'tojson' "
               "is filter }} {{ x is defined and x or 'no' }} {{ 'a' if x is defined else 'b' }}"),
      "True True True True True no b");
}

TEST(JinjaMethods, OfStrings) {
  EXPECT_EQ(rendered("{{ 'a,b,c'.split(',') }} {{ ' a  b c '.split() }} {{ 'a,b,c'.split(',', 1) }} {{ ' a b "
                     "'.split(none, 1) }} {{ 'a,b,c'.rsplit(',', 1) }} {{ 'a\nb\r\n'.splitlines() }}"),
            "['a', 'b', 'c'] ['a', 'b', 'c'] ['a', 'b,c'] ['a', 'b '] ['a,b', 'c'] ['a', 'b']");
  EXPECT_EQ(
      rendered("{{ ' a '.strip() }}|{{ 'xya'.lstrip('xy') }}|{{ 'a\n'.rstrip() }}|{{ 'abc'.startswith('a') "
               "}}{{ 'abc'.endswith(('x', 'bc')) }}{{ 'abc'.startswith('b', 1) }}"),
      "a|a|a|TrueTrueTrue");
  EXPECT_EQ(rendered("{{ 'aé'.upper() }} {{ 'ß'.upper() }} {{ 'ΑΣ'.lower() }} {{ 'hello wORLD'.title() }} {{ "
                     "'hELLO'.capitalize() }} {{ 'aB'.swapcase() }}"),
            "AÉ SS ας Hello World Hello Ab");
  EXPECT_EQ(rendered("{{ 'abab'.replace('b', 'x') }} {{ 'abab'.replace('b', 'x', 1) }} {{ 'ab'.replace('', "
                     "'-') }} {{ '-'.join(['a', 'b']) }} {{ 'abcb'.find('b') }} {{ 'abcb'.rfind('b') }} {{ "
                     "'a'.find('x') }} {{ 'abab'.count('ab') }}"),
            "axax axab -a-b- a-b 1 3 -1 2");
  EXPECT_EQ(rendered("{{ '12'.isdigit() }}{{ 'a1'.isalpha() }}{{ 'a1'.isalnum() }}{{ ' '.isspace() }}{{ "
                     "'AB'.isupper() }}{{ ''.islower() }} {{ '7'.zfill(3) }} {{ '-7'.zfill(4) }} {{ "
                     "'a'.ljust(3, '.') }} {{ 'a'.rjust(3) }} {{ 'ab'.center(5, '*') }}"),
            "TrueFalseTrueTrueTrueFalse 007 -007 a..   a **ab*");
  EXPECT_EQ(
      rendered("{{ 'a=b=c'.partition('=') }} {{ 'a=b=c'.rpartition('=') }} {{ 'foobar'.removeprefix('foo') "
               "}} {{ 'foobar'.removesuffix('bar') }} {{ 'é😀'.index('😀') }}"),
      "('a', '=', 'b=c') ('a=b', '=', 'c') bar foo 1");
  EXPECT_EQ(rendered("{{ '{} {{}} {}'.format(1, 'b') }} {{ '{1}{0}{n!r}'.format('a', 'b', n='c') }} {{ "
                     "'{:>4}|{:.2f}|{:,}|{:<3}|{:^3}|{:03d}'.format('a', 1.234, 1234567, 'b', 'c', 7) }}"),
            "1 {} b ba'c'    a|1.23|1,234,567|b  | c |007");
}

TEST(JinjaMethods, OfListsAndMappings) {
  EXPECT_EQ(rendered("{% set l = [1, 2] %}{% set _ = l.append(3) %}{{ l }}{{ l.pop() }}{{ l.pop(0) }}{{ l "
                     "}}{{ l.extend([5]) }}{{ l.insert(0, 9) }}{{ l }}{{ l.index(5) }}{{ l.count(2) }}"),
            "[1, 2, 3]31[2]NoneNone[9, 2, 5]21");
  EXPECT_EQ(rendered("{% set d = {'a': 1} %}{{ d.get('a') }}{{ d.get('b') }}{{ d.get('b', 2) }}{{ "
                     "d.keys()|list }}{{ d.values()|list }}{{ d.items()|list }}{% set _ = d.update({'b': 3}, "
                     "c=4) %}{{ d }}{{ d.pop('a') }}{{ d.setdefault('e', 5) }}{{ d }}"),
            "1None2['a'][1][('a', 1)]{'a': 1, 'b': 3, 'c': 4}15{'b': 3, 'c': 4, 'e': 5}");
  // A method hides a key of its name behind the dot, not in brackets.
  EXPECT_EQ(rendered("{{ d['items'] }}{{ d.items is callable }}", R"({"d": {"items": 1}})"), "1True");
  EXPECT_EQ(rendered("{{ dict(a=1, b=2) }} {{ dict([('a', 1)]) }} {{ range(3)|list }} {{ range(1, 7, 3)|list "
                     "}} {{ range(3, 0, -1)|list }}"),
            "{'a': 1, 'b': 2} {'a': 1} [0, 1, 2] [1, 4] [3, 2, 1]");
  EXPECT_EQ(rendered("{% set j = joiner(', ') %}{% for i in [1, 2] %}{{ j() }}{{ i }}{% endfor %}"), "1, 2");
}

TEST(JinjaFunctions, StrftimeNowReadsTheGivenTime) {
  EXPECT_EQ(
      rendered("{{ strftime_now('%d %b %Y') }} {{ strftime_now('%Y-%m-%d %H:%M:%S.%f %A %B %j %-d %% %') }}"),
      "27 Oct 2024 2024-10-27 03:33:20.000000 Sunday October 301 27 % %");
}

}  // namespace
}  // namespace quintet
