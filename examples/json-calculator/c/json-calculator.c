// Adds two whole numbers given as JSON, as ../README.md says.
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUT_BYTES_MAX = 65536, DEPTH_MAX = 64, NAME_BYTES_MAX = 16 };

// JSON (RFC 8259) that is still to be read; NUL stands behind it.
struct reader {
  const char *at;
};

// A value: whether it is a whole number that fits, and which.
struct value {
  bool is_whole;
  int64_t whole;
};

static bool read_value(struct reader *reader, int depth, struct value *value);

static void skip_space(struct reader *reader) { reader->at += strspn(reader->at, " \t\n\r"); }

static bool take(struct reader *reader, char wanted) {
  if (*reader->at != wanted) return false;
  reader->at++;
  return true;
}

static int hexadecimal(char digit) {
  const char *digits = "0123456789abcdef";
  const char *found = digit == 0 ? NULL : strchr(digits, digit >= 'A' && digit <= 'F' ? digit + 32 : digit);
  return found ? (int)(found - digits) : -1;
}

// One character of a string, an escape decoded; -1 at its end, -2 for what is none.
static int next(struct reader *reader) {
  unsigned char first = (unsigned char)*reader->at++;
  if (first == '"') return -1;
  if (first < 0x20) return -2;
  if (first != '\\') return first;
  static const char escapes[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
  char escaped = *reader->at++;
  if (escaped == 'u') {
    int code = 0;
    for (int digit = 0; digit < 4; digit++) {
      int part = hexadecimal(*reader->at++);
      if (part < 0) return -2;
      code = code * 16 + part;
    }
    // No name that is looked for has others.
    return code < 0x80 ? code : 0x80;
  }
  const char *found = escaped == 0 ? NULL : strchr(escapes, escaped);
  return found ? meanings[found - escapes] : -2;
}

// A string, of which as much is kept as a name that is looked for has.
static bool read_string(struct reader *reader, char name[NAME_BYTES_MAX]) {
  if (!take(reader, '"')) return false;
  size_t length = 0;
  for (;;) {
    int read = next(reader);
    if (read == -2) return false;
    if (read == -1) break;
    if (length < NAME_BYTES_MAX) name[length++] = (char)read;
  }
  // What is longer is none of them.
  name[length < NAME_BYTES_MAX ? length : 0] = 0;
  return true;
}

static size_t skip_digits(struct reader *reader) {
  size_t digits = strspn(reader->at, "0123456789");
  reader->at += digits;
  return digits;
}

static bool read_number(struct reader *reader, struct value *value) {
  const char *start = reader->at;
  take(reader, '-');
  const char *first = reader->at;
  size_t digits = skip_digits(reader);
  if (digits == 0 || (digits > 1 && *first == '0')) return false;
  value->is_whole = true;
  if (take(reader, '.')) {
    value->is_whole = false;
    if (skip_digits(reader) == 0) return false;
  }
  if (take(reader, 'e') || take(reader, 'E')) {
    value->is_whole = false;
    if (!take(reader, '+')) take(reader, '-');
    if (skip_digits(reader) == 0) return false;
  }
  errno = 0;
  value->whole = strtoll(start, NULL, 10);
  value->is_whole = value->is_whole && errno == 0;
  return true;
}

// The members of an object, or of an array, which has no names. Those of an
// object that `addends` asks for are kept; of several the last.
static bool read_members(struct reader *reader, int depth, bool is_object, struct value addends[2],
                         bool is_there[2]) {
  const char closing = is_object ? '}' : ']';
  reader->at++;
  skip_space(reader);
  if (take(reader, closing)) return true;
  do {
    char name[NAME_BYTES_MAX] = "";
    struct value value = {0};
    if (is_object) {
      skip_space(reader);
      if (!read_string(reader, name)) return false;
      skip_space(reader);
      if (!take(reader, ':')) return false;
    }
    if (!read_value(reader, depth + 1, &value)) return false;
    int place = strcmp(name, "firstAddend") == 0 ? 0 : strcmp(name, "secondAddend") == 0 ? 1 : -1;
    if (addends && place >= 0) {
      addends[place] = value;
      is_there[place] = true;
    }
  } while (take(reader, ','));
  return take(reader, closing);
}

static bool read_word(struct reader *reader, const char *word) {
  size_t length = strlen(word);
  if (strncmp(reader->at, word, length) != 0) return false;
  reader->at += length;
  return true;
}

// Any value, and the white space around it.
static bool read_value(struct reader *reader, int depth, struct value *value) {
  if (depth > DEPTH_MAX) return false;
  skip_space(reader);
  bool is_read = false;
  char text[NAME_BYTES_MAX];
  switch (*reader->at) {
    case '{':
    case '[': is_read = read_members(reader, depth, *reader->at == '{', NULL, NULL); break;
    case '"': is_read = read_string(reader, text); break;
    case 't': is_read = read_word(reader, "true"); break;
    case 'f': is_read = read_word(reader, "false"); break;
    case 'n': is_read = read_word(reader, "null"); break;
    default: is_read = read_number(reader, value); break;
  }
  skip_space(reader);
  return is_read;
}

// Why there is no sum, or NULL.
static const char *add(const char *text, size_t length, int64_t *sum) {
  struct reader reader = {text};
  struct value addends[2] = {0};
  bool is_there[2] = {false, false};
  skip_space(&reader);
  bool is_object = *reader.at == '{' && read_members(&reader, 0, true, addends, is_there);
  skip_space(&reader);
  if (!is_object || reader.at != text + length) return "the input is not a JSON object";
  if (!is_there[0] || !is_there[1]) return "`firstAddend` and `secondAddend` must both be there";
  if (!addends[0].is_whole || !addends[1].is_whole)
    return "`firstAddend` and `secondAddend` must be whole numbers of 64 bits";
  if (__builtin_add_overflow(addends[0].whole, addends[1].whole, sum))
    return "the sum does not fit into 64 bits";
  return NULL;
}

int main(void) {
  static char text[INPUT_BYTES_MAX + 2];
  size_t length = fread(text, 1, INPUT_BYTES_MAX + 1, stdin);
  int64_t sum = 0;
  const char *why = length > INPUT_BYTES_MAX ? "the input is longer than 65536 bytes"
                                             : add(text, length, &sum);
  if (why) {
    fprintf(stderr, "json-calculator: %s\n", why);
    return EXIT_FAILURE;
  }
  printf("{\"sum\": %" PRId64 "}\n", sum);
  return EXIT_SUCCESS;
}
