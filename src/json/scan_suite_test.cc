// Verdicts on what the parsing suite of nst/JSONTestSuite asks about (its y, n and i cases; the inputs are made here):
// as there, y must be accepted and n refused; i is for the implementation to decide, and what is decided is written
// down. `behind` is an n whose only fault follows the first complete value: a stream of values ends there, as in Go.
#include <gtest/gtest.h>

#include <string>

#include "json/emit.h"
#include "json/scan.h"

namespace gladius::json {
namespace {

using std::string_literals::operator""s;

enum class Verdict : uint8_t { accepted, refused, behind };

struct Row {
    const char* name;
    std::string text;
    Verdict verdict;
};

constexpr auto y = Verdict::accepted;
constexpr auto n = Verdict::refused;

const Row kRows[] = {
    // Structure.
    {"lonely values", "42", y},
    {"lonely negative", "-0.1", y},
    {"lonely string", "\"asd\"", y},
    {"lonely null", "null", y},
    {"lonely true", "true", y},
    {"white space around", " \t\r\n[] \n", y},
    {"trailing newline", "[\"a\"]\n", y},
    {"no data", "", n},
    {"white space only", " ", n},
    {"byte order mark only", "\xEF\xBB\xBF", n},
    {"byte order mark cut off", "\xEF\xBB{}", n},
    {"i: byte order mark before an object", "\xEF\xBB\xBF{}", n},
    {"i: UTF-16, little endian with mark", "\xFF\xFE[\0]\0"s, n},
    {"i: UTF-16, little endian", "[\0\"\0\"\0]\0"s, n},
    {"i: UTF-16, big endian", "\0[\0\"\0\"\0]"s, n},
    {"i: 500 levels", std::string(500, '[') + std::string(500, ']'), y},
    {"100000 opening brackets", std::string(100000, '['), n},
    {"open array of objects", "[{\"\":[{\"\":", n},
    {"no-break space", "[\xC2\xA0]", n},
    {"word joiner", "[\xE2\x81\xA0]", n},
    {"form feed", "[\f]", n},
    {"vertical tab", "[\v1]", n},
    {"a lone quote", "\"", n},
    {"a lone bracket", "[", n},
    {"a lone closing bracket", "]", n},
    {"a lone brace", "{", n},
    {"angle brackets", "<.>", n},
    {"capital literal", "[True]", n},
    {"unknown word", "[nothing]", n},
    {"literal cut off", "[fals]", n},
    {"literal stuck to a literal", "[truefalse]", n},
    {"literal with a NUL", "[tru\0e]"s, n},
    {"single quotes", "['a']", n},
    {"a comment inside", "{\"a\":/*x*/1}", n},
    {"an unquoted word", "[a]", n},
    {"a lone surrogate byte pair", "[\xED\xA0\x80]", n},
    {"a byte that is no UTF-8", "[\xE5]", n},
    {"wrong bracket", "[1}", n},
    {"brackets the wrong way", "}{", n},
    {"array in an object without key", "{[]:1}", n},
    {"star", "[*]", n},
    {"behind: text after an array", "[1]x", Verdict::behind},
    {"behind: closed twice", "[1]]", Verdict::behind},
    {"behind: two arrays", "[][]", Verdict::behind},
    {"behind: a comma after it", "[\"\"],", Verdict::behind},
    {"behind: closed without opening", "1]", Verdict::behind},
    {"behind: comment after an object", "{\"a\":\"b\"}/**/", Verdict::behind},
    {"behind: hash after an object", "{\"a\":\"b\"}#", Verdict::behind},
    {"behind: text after a string", "\"\"x", Verdict::behind},
    {"behind: sign after a number", "2@", Verdict::behind},
    {"behind: leading zero at the top", "012", Verdict::behind},
    {"behind: a NUL after a number", "123\0"s, Verdict::behind},
    // Arrays.
    {"empty", "[]", y},
    {"with spaces", "[ 4 , 5 ]", y},
    {"empty string inside", "[\"\"]", y},
    {"mixed", "[null, 1, \"1\", {}]", y},
    {"newline before the end", "[1\n]", y},
    {"extra comma", "[1,]", n},
    {"two extra commas", "[1,,]", n},
    {"double comma", "[1,,2]", n},
    {"comma first", "[,1]", n},
    {"only a comma", "[,]", n},
    {"only a minus", "[-]", n},
    {"colon", "[\"\": 1]", n},
    {"not separated", "[1 true]", n},
    {"inner array not separated", "[3[4]]", n},
    {"closed too early", "[\"a\",\n4\n,1,", n},
    {"incomplete", "[x", n},
    {"unclosed", "[\"\"", n},
    {"unclosed with newlines", "[1,\n1\n,1", n},
    {"unclosed with an object", "[{}", n},
    // Objects.
    {"empty object", "{}", y},
    {"empty key", "{\"\":0}", y},
    {"equal keys", "{\"a\":\"b\",\"a\":\"c\"}", y},
    {"equal members", "{\"a\":\"b\",\"a\":\"b\"}", y},
    {"escaped NUL in a key", "{\"foo\\u0000bar\":42}", y},
    {"extreme numbers", "{\"min\":-1.0e+28,\"max\":1.0e+28}", y},
    {"newlines", "{\n\"a\":\"b\"\n}", y},
    {"bad value", "[\"x\", truth]", n},
    {"bracketed key", "{[:\"x\"}\n", n},
    {"comma instead of colon", "{\"x\",null}", n},
    {"double colon", "{\"x\"::\"b\"}", n},
    {"garbage at the end", "{\"a\":\"a\" 123}", n},
    {"key with single quotes", "{key:'value'}", n},
    {"no colon", "{\"a\"", n},
    {"no value", "{\"a\":", n},
    {"no key", "{:\"b\"}", n},
    {"number as key", "{1:1}", n},
    {"trailing comma", "{\"id\":0,}", n},
    {"many commas", "{\"id\":0,,,,,}", n},
    {"two commas in a row", "{\"a\":\"b\",,\"c\":\"d\"}", n},
    {"key alone", "{\"foo\":\"bar\",\"a\"}", n},
    {"unterminated value", "{\"a\":\"a", n},
    {"without quotes", "{a: \"b\"}", n},
    // Numbers.
    {"zero exponent", "[0e1]", y},
    {"zero plus", "[0e+1]", y},
    {"negative zero", "[-0]", y},
    {"capital exponent", "[1E22]", y},
    {"capital negative exponent", "[1E-2]", y},
    {"fraction with exponent", "[123.456e78]", y},
    {"close to zero", "[-0.000000000000000000000000000000000000000000000001]", y},
    {"space after", "[4 ]", y},
    {"i: huge exponent", "[0.4e00669999999999999999999999999999999999999999999999969999999006]", y},
    {"i: very negative exponent", "[123.456e-789]", y},
    {"i: integer beyond 64 bits", "[100000000000000000000]", y},
    {"i: negative integer beyond 64 bits", "[-123123123123123123123123123123]", y},
    {"i: overflow", "[1.5e+9999]", y},
    {"double minus", "[--1]", n},
    {"plus", "[+1]", n},
    {"double plus", "[++1234]", n},
    {"leading zeros", "[-01]", n},
    {"point first", "[.123]", n},
    {"minus point", "[-.123]", n},
    {"nothing behind the point", "[1.]", n},
    {"two points", "[1.2.3]", n},
    {"point and exponent", "[2.e3]", n},
    {"zero point exponent", "[0.e1]", n},
    {"empty exponent", "[0e]", n},
    {"empty signed exponent", "[1.0e+]", n},
    {"double exponent", "[1eE2]", n},
    {"exponent only", "[e1]", n},
    {"letters", "[1a]", n},
    {"hexadecimal", "[0x42]", n},
    {"infinity", "[Infinity]", n},
    {"minus infinity", "[-Infinity]", n},
    {"not a number", "[NaN]", n},
    {"minus not a number", "[-NaN]", n},
    {"an expression", "[1+2]", n},
    {"space inside", "[1 000.0]", n},
    {"minus space", "[- 1]", n},
    {"full width digit", "[\xEF\xBC\x91]", n},
    {"bad UTF-8 in a number", "[123\xE5]", n},
    {"bad UTF-8 in an exponent", "[1e1\xE5]", n},
    {"minus with letters", "[-foo]", n},
    {"minus at the end", "[-", n},
    // Strings.
    {"allowed escapes", "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]", y},
    {"escaped controls", "[\"\\u0012\"]", y},
    {"escaped non-character", "[\"\\uFFFF\"]", y},
    {"pair of escapes", "[\"\\uD801\\udc37\"]", y},
    {"two pairs", "[\"\\ud83d\\ude39\\ud83d\\udc8d\"]", y},
    {"backslash and quote at the end", "[\"\\\\\\\"\"]", y},
    {"DEL", "[\"a\x7f\"]", y},
    {"characters of two, three and four bytes", "[\"\xC3\xA9\xE2\x82\xAC\xF4\x8F\xBF\xBF\"]", y},
    {"line separator", "[\"\xE2\x80\xA8\"]", y},
    {"looks like a comment", "[\"a/*b*/c\"]", y},
    {"i: high surrogate alone", "[\"\\uDADA\"]", y},
    {"i: low surrogate alone", "[\"\\uDd1e\"]", y},
    {"i: high surrogate and something else", "[\"\\uD888\\u1234\"]", y},
    {"i: two high surrogates", "[\"\\uD800\\uD800\\n\"]", y},
    {"i: pair the wrong way", "[\"\\uDd1e\\uD834\"]", y},
    {"i: low surrogate alone in a key", "{\"\\uDFAA\":0}", y},
    {"i: overlong, two bytes", "[\"\xC0\xAF\"]", y},
    {"i: overlong, six bytes", "[\"\xFC\x80\x80\x80\x80\x80\"]", y},
    {"i: encoded surrogate", "[\"\xED\xA0\x80\"]", y},
    {"i: beyond Unicode", "[\"\xF4\xBF\xBF\xBF\"]", y},
    {"i: Latin-1", "[\"\xE9\"]", y},
    {"i: lone continuation", "[\"\x81\"]", y},
    {"i: cut off", "[\"\xE0\xFF\"]", y},
    {"escape x", "[\"\\x00\"]", n},
    {"escape a", "[\"\\a\"]", n},
    {"escaped NUL byte", "[\"\\\0\"]"s, n},
    {"escaped newline", "[\"\\\n\"]", n},
    {"escaped character", "[\"\\\xF0\x9F\x8C\x80\"]", n},
    {"escape cut off", "[\"\\\"]", n},
    {"no digits", "[\"\\u\"]", n},
    {"three digits", "[\"\\u00A\"]", n},
    {"a letter too far", "[\"\\uqqqq\"]", n},
    {"second escape without digits", "[\"\\uD800\\u\"]", n},
    {"second escape cut off", "[\"\\uD834\\uDd\"]", n},
    {"surrogate and bad escape", "[\"\\uD800\\uD800\\x\"]", n},
    {"bad UTF-8 behind an escape", "[\"\\\xE5\"]", n},
    {"bad UTF-8 within an escape", "[\"\\u\xE5\"]", n},
    {"newline inside", "[\"new\nline\"]", n},
    {"tab inside", "[\"\t\"]", n},
    {"NUL inside", "[\"a\0a\"]"s, n},
    {"escape outside", "[\\n]", n},
    {"single quote", "['single']", n},
    {"unquoted escape", "[\\u0020\"asd\"]", n},
};

TEST(ScanSuite, Verdicts) {
    for (const Row& row : kRows) {
        Arena arena;
        const Document* doc = scan(row.text, arena);
        bool accepted = doc->ok();
        bool rest = accepted && row.text.find_first_not_of(" \t\r\n", doc->consumed) != std::string::npos;
        Verdict got = !accepted ? Verdict::refused : rest ? Verdict::behind : Verdict::accepted;
        EXPECT_EQ(static_cast<int>(got), static_cast<int>(row.verdict)) << row.name << ": " << doc->error;
    }
}

}  // namespace
}  // namespace gladius::json
