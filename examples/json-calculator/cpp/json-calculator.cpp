// Adds two whole numbers given as JSON, as ../README.md says.
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace {

constexpr std::size_t input_bytes_max = 65'536;
constexpr int depth_max = 64;

// A value: the whole number that it is, if it is one that fits.
using Value = std::optional<std::int64_t>;

struct Member {
  std::string name;
  Value value;
};

// Reads JSON (RFC 8259). What cannot be read is `std::nullopt`.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  // The members of an object that is all of the text.
  std::optional<std::vector<Member>> object() {
    space();
    if (peek() != '{') return std::nullopt;
    auto members = this->members(0);
    space();
    return members && rest_.empty() ? members : std::nullopt;
  }

 private:
  // Any value, and the white space around it.
  std::optional<Value> value(int depth) {
    if (depth > depth_max) return std::nullopt;
    space();
    std::optional<Value> read;
    switch (peek()) {
      case '{':
      case '[':
        if (members(depth)) read = Value();
        break;
      case '"':
        if (string()) read = Value();
        break;
      case 't': read = word("true"); break;
      case 'f': read = word("false"); break;
      case 'n': read = word("null"); break;
      default: read = number(); break;
    }
    space();
    return read;
  }

  // The members of an object, or of an array, which have no names.
  std::optional<std::vector<Member>> members(int depth) {
    const bool is_object = peek() == '{';
    const char closing = is_object ? '}' : ']';
    std::vector<Member> members;
    rest_.remove_prefix(1);
    space();
    if (take(closing)) return members;
    do {
      Member member;
      if (is_object) {
        space();
        auto name = string();
        space();
        if (!name || !take(':')) return std::nullopt;
        member.name = *name;
      }
      const auto read = value(depth + 1);
      if (!read) return std::nullopt;
      member.value = *read;
      members.push_back(member);
    } while (take(','));
    if (!take(closing)) return std::nullopt;
    return members;
  }

  std::optional<std::string> string() {
    if (!take('"')) return std::nullopt;
    std::string text;
    while (!rest_.empty()) {
      const char first = next();
      if (first == '"') return text;
      if (static_cast<unsigned char>(first) < 0x20) return std::nullopt;
      if (first != '\\') {
        text += first;
      } else if (!escape(text)) {
        return std::nullopt;
      }
    }
    return std::nullopt;
  }

  bool escape(std::string& text) {
    constexpr std::string_view escapes = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
    if (rest_.empty()) return false;
    const char escaped = next();
    if (escaped != 'u') {
      const auto place = escapes.find(escaped);
      if (place == std::string_view::npos) return false;
      text += meanings[place];
      return true;
    }
    const auto digits = rest_.substr(0, 4);
    unsigned code = 0;
    const auto [end, error] = std::from_chars(digits.begin(), digits.end(), code, 16);
    if (digits.size() < 4 || error != std::errc() || end != digits.end()) return false;
    rest_.remove_prefix(4);
    // Kept as it stands where it is none of ASCII: no name that is looked for has others.
    text += code < 0x80 ? std::string(1, static_cast<char>(code)) : "\\u" + std::string(digits);
    return true;
  }

  std::optional<Value> number() {
    const auto text = rest_;
    take('-');
    const bool is_zero = peek() == '0';
    const auto count = digits();
    if (count == 0 || (count > 1 && is_zero)) return std::nullopt;
    bool is_whole = true;
    if (take('.')) {
      is_whole = false;
      if (digits() == 0) return std::nullopt;
    }
    if (take('e') || take('E')) {
      is_whole = false;
      if (!take('+')) take('-');
      if (digits() == 0) return std::nullopt;
    }
    std::int64_t whole = 0;
    const auto read = std::from_chars(text.begin(), rest_.begin(), whole);
    return is_whole && read.ec == std::errc() ? Value(whole) : Value();
  }

  std::size_t digits() {
    const auto end = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
    rest_.remove_prefix(end);
    return end;
  }

  std::optional<Value> word(std::string_view word) {
    if (!rest_.starts_with(word)) return std::nullopt;
    rest_.remove_prefix(word.size());
    return Value();
  }

  void space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\n\r"), rest_.size())); }

  bool take(char wanted) {
    if (peek() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }

  char next() {
    const char first = rest_.front();
    rest_.remove_prefix(1);
    return first;
  }

  // No value begins with NUL.
  char peek() const { return rest_.empty() ? '\0' : rest_.front(); }

  std::string_view rest_;
};

// The last member of that name.
const Member* find(const std::vector<Member>& members, std::string_view name) {
  const auto found = std::find_if(members.rbegin(), members.rend(),
                                  [name](const Member& member) { return member.name == name; });
  return found == members.rend() ? nullptr : &*found;
}

// Why there is no sum, or nothing.
const char* add(std::string_view text, std::int64_t& sum) {
  if (text.size() > input_bytes_max) return "the input is longer than 65536 bytes";
  const auto members = Reader(text).object();
  if (!members) return "the input is not a JSON object";
  const auto* first = find(*members, "firstAddend");
  const auto* second = find(*members, "secondAddend");
  if (!first || !second) return "`firstAddend` and `secondAddend` must both be there";
  if (!first->value || !second->value)
    return "`firstAddend` and `secondAddend` must be whole numbers of 64 bits";
  if (__builtin_add_overflow(*first->value, *second->value, &sum))
    return "the sum does not fit into 64 bits";
  return nullptr;
}

}  // namespace

int main() {
  std::string text(input_bytes_max + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), stdin));
  std::int64_t sum = 0;
  if (const char* why = add(text, sum)) {
    std::fprintf(stderr, "json-calculator: %s\n", why);
    return EXIT_FAILURE;
  }
  std::printf("{\"sum\": %lld}\n", static_cast<long long>(sum));
  return EXIT_SUCCESS;
}
