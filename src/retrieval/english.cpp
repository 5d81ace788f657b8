#include "retrieval/english.h"

#include <array>
#include <cstddef>
#include <unordered_map>
#include <unordered_set>

#include "core/text.h"

namespace quintet::retrieval {

namespace {

using Table = std::unordered_map<std::string_view, std::string_view>;

const Table& irregular_forms() {
  static const Table table = {
      {"got", "get"},
      {"gotten", "get"},
      {"took", "take"},
      {"taken", "take"},
      {"went", "go"},
      {"gone", "go"},
      {"goes", "go"},
      {"sent", "send"},
      {"paid", "pay"},
      {"made", "make"},
      {"did", "do"},
      {"done", "do"},
      {"does", "do"},
      {"was", "be"},
      {"were", "be"},
      {"been", "be"},
      {"am", "be"},
      {"are", "be"},
      {"is", "be"},
      {"had", "have"},
      {"has", "have"},
      {"lost", "lose"},
      {"stole", "steal"},
      {"stolen", "steal"},
      {"bought", "buy"},
      {"came", "come"},
      {"gave", "give"},
      {"given", "give"},
      {"saw", "see"},
      {"seen", "see"},
      {"forgot", "forget"},
      {"forgotten", "forget"},
      {"kept", "keep"},
      {"left", "leave"},
      {"thought", "think"},
      {"found", "find"},
      {"told", "tell"},
      {"said", "say"},
      {"chose", "choose"},
      {"chosen", "choose"},
      {"broke", "break"},
      {"broken", "break"},
      {"held", "hold"},
      {"knew", "know"},
      {"known", "know"},
      {"spent", "spend"},
      {"sold", "sell"},
      {"wrote", "write"},
      {"written", "write"},
      {"withdrew", "withdraw"},
      {"withdrawn", "withdraw"},
      {"ran", "run"},
      {"began", "begin"},
      {"begun", "begin"},
      {"built", "build"},
      {"caught", "catch"},
      {"drove", "drive"},
      {"driven", "drive"},
      {"ate", "eat"},
      {"eaten", "eat"},
      {"fell", "fall"},
      {"fallen", "fall"},
      {"felt", "feel"},
      {"flew", "fly"},
      {"flown", "fly"},
      {"grew", "grow"},
      {"grown", "grow"},
      {"heard", "hear"},
      {"hid", "hide"},
      {"hidden", "hide"},
      {"led", "lead"},
      {"lent", "lend"},
      {"meant", "mean"},
      {"met", "meet"},
      {"rode", "ride"},
      {"spoke", "speak"},
      {"spoken", "speak"},
      {"taught", "teach"},
      {"understood", "understand"},
      {"won", "win"},
      {"children", "child"},
      {"men", "man"},
      {"women", "woman"},
      {"feet", "foot"},
  };
  return table;
}

constexpr std::string_view kFunctionWords =
    "a an the this that these those i me my mine myself you your yours we us our ours he him his she her "
    "hers it its "
    "they them their theirs is am are was were be been being do does did doing done have has had having will "
    "would "
    "shall should can could may might must ought of to in on at by for from with about into onto over under "
    "up out "
    "off as than then so if or and but because while when where what which who whom whose why how there here "
    "not no "
    "nor yes just only very too also any some all each every much many more most such own same please hi "
    "hello hey "
    "thanks thank ok okay tell know want need like get got go going lot really still yet now take takes make "
    "makes let "
    "give put say see think look something anything someone anyone one thing way";

constexpr std::array<std::pair<std::string_view, std::string_view>, 58> kContractions = {{
    {"can't", "can not"},       {"cant", "can not"},       {"cannot", "can not"},
    {"won't", "will not"},      {"wont", "will not"},      {"don't", "do not"},
    {"dont", "do not"},         {"doesn't", "does not"},   {"doesnt", "does not"},
    {"didn't", "did not"},      {"didnt", "did not"},      {"isn't", "is not"},
    {"isnt", "is not"},         {"wasn't", "was not"},     {"wasnt", "was not"},
    {"aren't", "are not"},      {"arent", "are not"},      {"weren't", "were not"},
    {"werent", "were not"},     {"hasn't", "has not"},     {"hasnt", "has not"},
    {"haven't", "have not"},    {"havent", "have not"},    {"hadn't", "had not"},
    {"hadnt", "had not"},       {"couldn't", "could not"}, {"couldnt", "could not"},
    {"wouldn't", "would not"},  {"wouldnt", "would not"},  {"shouldn't", "should not"},
    {"shouldnt", "should not"}, {"i'm", "i am"},           {"im", "i am"},
    {"i've", "i have"},         {"ive", "i have"},         {"i'd", "i would"},
    {"i'll", "i will"},         {"you're", "you are"},     {"you've", "you have"},
    {"you'll", "you will"},     {"we're", "we are"},       {"we've", "we have"},
    {"they're", "they are"},    {"they've", "they have"},  {"it's", "it is"},
    {"that's", "that is"},      {"what's", "what is"},     {"whats", "what is"},
    {"where's", "where is"},    {"wheres", "where is"},    {"how's", "how is"},
    {"who's", "who is"},        {"there's", "there is"},   {"here's", "here is"},
    {"when's", "when is"},      {"why's", "why is"},       {"it'll", "it will"},
    {"let's", "let us"},
}};

bool has_vowel(std::string_view word) {
  return word.find_first_of("aeiouy") != std::string_view::npos;
}

bool is_ascii_word(std::string_view word) {
  for (const char c : word)
    if (c < 'a' || c > 'z') return false;
  return true;
}

void strip_plural(std::string& word) {
  if (word.ends_with("ies")) {
    word.replace(word.size() - 3, 3, "y");
  } else if (word.ends_with("sses")) {
    word.resize(word.size() - 2);
  } else if (word.ends_with("s") && !word.ends_with("ss") && !word.ends_with("us")) {
    word.pop_back();
  }
}

bool strip_verb_ending(std::string& word) {
  for (const std::string_view ending : {std::string_view("ing"), std::string_view("ed")}) {
    if (!word.ends_with(ending) || word.size() < ending.size() + 3) continue;
    const std::string_view rest(word.data(), word.size() - ending.size());
    if (!has_vowel(rest)) continue;
    word.resize(rest.size());
    const char last = word.back();
    // "stopped" doubles its consonant, "called", "passed" and "buzzed" do not.
    if (word[word.size() - 2] == last && std::string_view("lsz").find(last) == std::string_view::npos) {
      word.pop_back();
    }
    return true;
  }
  return false;
}

void strip_noun_ending(std::string& word) {
  for (const std::string_view ending :
       {std::string_view("ly"), std::string_view("ment"), std::string_view("er"), std::string_view("ation"),
        std::string_view("tion"), std::string_view("al")}) {
    if (!word.ends_with(ending) || word.size() < ending.size() + 4) continue;
    word.resize(word.size() - ending.size());
    return;
  }
}

}  // namespace

std::string_view english_base_form(std::string_view word) {
  const auto found = irregular_forms().find(word);
  return found == irregular_forms().end() ? word : found->second;
}

std::string english_stem(std::string_view word) {
  word = english_base_form(word);
  std::string out(word);
  if (out.size() <= 3 || !is_ascii_word(word)) return out;
  strip_plural(out);
  if (!strip_verb_ending(out)) strip_noun_ending(out);
  if (out.size() > 3 && out.back() == 'e') out.pop_back();
  if (out.size() > 3 && out.back() == 'y') out.back() = 'i';
  return out;
}

bool is_english_function_word(std::string_view word) {
  static const std::unordered_set<std::string_view> words = [] {
    const auto parts = split(kFunctionWords, ' ');
    return std::unordered_set<std::string_view>(parts.begin(), parts.end());
  }();
  return words.contains(word);
}

std::string_view expand_english_contraction(std::string_view word) {
  static const Table table(kContractions.begin(), kContractions.end());
  const auto found = table.find(word);
  return found == table.end() ? std::string_view() : found->second;
}

}  // namespace quintet::retrieval
