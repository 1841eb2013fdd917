// Adds two whole numbers given as JSON, through Nebulark's nine functions, as
// ../README.md says. They stand here in the order in which the host calls them.
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

// One of the nine. `open` and `close` alone would be those of the C library.
#define SPARK(name) \
  __attribute__((export_name("nebulark_ion_spark_" #name))) int32_t nebulark_ion_spark_##name

enum { INPUT_BYTES_MAX = 65536, OUTPUT_BYTES_MAX = 64 };

static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// First as it came, then as it is to leave. One byte more, for a NUL at the end.
static char input[INPUT_BYTES_MAX + 1], output[OUTPUT_BYTES_MAX + 1];
static int32_t input_length, output_length;

// Base64 with padding (RFC 4648, section 4), in place; false where it is none.
static bool decode(void) {
  if (input_length % 4 != 0) return false;
  int32_t length = 0;
  for (int32_t at = 0; at < input_length; at += 4) {
    uint32_t bits = 0;
    int padding = 0;
    for (int place = 0; place < 4; place++) {
      char digit = input[at + place];
      const char *found = digit == 0 ? NULL : strchr(DIGITS, digit);
      if (digit == '=' && place >= 2 && at + 4 == input_length) padding++;
      else if (!found || padding > 0) return false;
      bits = bits << 6 | (found ? (uint32_t)(found - DIGITS) : 0);
    }
    for (int place = 0; place < 3 - padding; place++) input[length++] = (char)(bits >> (16 - 8 * place));
  }
  input_length = length;
  input[length] = 0;
  return true;
}

static void encode(const char *text, int32_t length) {
  output_length = 0;
  for (int32_t at = 0; at < length; at += 3) {
    uint32_t bits = 0;
    for (int place = 0; place < 3; place++) {
      bits = bits << 8 | (at + place < length ? (unsigned char)text[at + place] : 0);
    }
    for (int place = 0; place < 4; place++) {
      bool is_there = at + place <= length;
      output[output_length++] = is_there ? DIGITS[bits >> (18 - 6 * place) & 63] : '=';
    }
  }
}

// As much of JSON (RFC 8259) as two numbers need: an object whose values are whole
// numbers, and whose names have no escapes.
static bool expect(const char **at, char wanted) {
  *at += strspn(*at, " \t\n\r");
  if (**at != wanted) return false;
  ++*at;
  return true;
}

static bool read_number(const char **at, int64_t *number) {
  *at += strspn(*at, " \t\n\r");
  bool is_negative = **at == '-';
  *at += is_negative;
  size_t digits = strspn(*at, "0123456789");
  if (digits == 0 || (digits > 1 && **at == '0')) return false;
  *number = 0;
  for (; digits > 0; digits--, ++*at) {
    int64_t digit = is_negative ? '0' - **at : **at - '0';
    if (__builtin_mul_overflow(*number, 10, number)) return false;
    if (__builtin_add_overflow(*number, digit, number)) return false;
  }
  return true;
}

static bool add(const char *at, int64_t *sum) {
  int64_t first = 0, second = 0;
  bool has_first = false, has_second = false;
  if (!expect(&at, '{')) return false;
  do {
    int64_t number;
    if (!expect(&at, '"')) return false;
    const char *name = at;
    while ((unsigned char)*at >= ' ' && *at != '"' && *at != '\\') at++;
    size_t length = (size_t)(at - name);
    if (!expect(&at, '"') || !expect(&at, ':') || !read_number(&at, &number)) return false;
    if (length == 11 && memcmp(name, "firstAddend", 11) == 0) {
      first = number;
      has_first = true;
    } else if (length == 12 && memcmp(name, "secondAddend", 12) == 0) {
      second = number;
      has_second = true;
    }
  } while (expect(&at, ','));
  if (!expect(&at, '}') || !has_first || !has_second) return false;
  at += strspn(at, " \t\n\r");
  return at == input + input_length && !__builtin_add_overflow(first, second, sum);
}

SPARK(construct)(void) {
  input_length = output_length = 0;
  return 0;
}

SPARK(input_set_length)(int32_t length) {
  if (length < 0 || length > INPUT_BYTES_MAX) return 1;
  input_length = length;
  return 0;
}

SPARK(input_set)(int32_t index, int32_t byte) {
  if (index < 0 || index >= input_length || byte < 0 || byte > 255) return 1;
  input[index] = (char)byte;
  return 0;
}

// The input is there: reads the base64.
SPARK(open)(void) { return decode() ? 0 : 1; }

static char answer[OUTPUT_BYTES_MAX / 4 * 3 + 1];

// Does the work.
SPARK(ignite)(void) {
  int64_t sum;
  if (!add(input, &sum)) return 1;
  snprintf(answer, sizeof answer, "{\"sum\": %" PRId64 "}", sum);
  return 0;
}

// Makes the output ready to be fetched.
SPARK(close)(void) {
  encode(answer, (int32_t)strlen(answer));
  return 0;
}

SPARK(output_get_length)(void) { return output_length; }

// A byte of the output; -1 where there is none.
SPARK(output_get)(int32_t index) {
  return index >= 0 && index < output_length ? (unsigned char)output[index] : -1;
}

SPARK(deconstruct)(void) { return nebulark_ion_spark_construct(); }
