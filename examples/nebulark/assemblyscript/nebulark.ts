// Adds two whole numbers given as JSON, through Nebulark's nine functions, as
// ../README.md says. They stand here in the order in which the host calls them.

const INPUT_BYTES_MAX: i32 = 65_536;
const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** First as they came, then as they are to leave. */
let input = new Uint8Array(0);
let output = new Uint8Array(0);

export function nebulark_ion_spark_construct(): i32 {
  input = new Uint8Array(0);
  output = new Uint8Array(0);
  return 0;
}

export function nebulark_ion_spark_input_set_length(length: i32): i32 {
  if (length < 0 || length > INPUT_BYTES_MAX) return 1;
  input = new Uint8Array(length);
  return 0;
}

export function nebulark_ion_spark_input_set(index: i32, byte: i32): i32 {
  if (index < 0 || index >= input.length || byte < 0 || byte > 255) return 1;
  input[index] = <u8>byte;
  return 0;
}

/** The input is there: reads the base64. */
export function nebulark_ion_spark_open(): i32 {
  const decoded = decode(input);
  if (decoded == null) return 1;
  input = decoded;
  return 0;
}

/** Does the work. */
export function nebulark_ion_spark_ignite(): i32 {
  const answer = new Calculator(String.UTF8.decode(input.buffer)).answer();
  if (answer == null) return 1;
  output = Uint8Array.wrap(String.UTF8.encode(answer));
  return 0;
}

/** Makes the output ready to be fetched. */
export function nebulark_ion_spark_close(): i32 {
  output = encode(output);
  return 0;
}

export function nebulark_ion_spark_output_get_length(): i32 {
  return output.length;
}

/** A byte of the output; -1 where there is none. */
export function nebulark_ion_spark_output_get(index: i32): i32 {
  return index >= 0 && index < output.length ? output[index] : -1;
}

export function nebulark_ion_spark_deconstruct(): i32 {
  return nebulark_ion_spark_construct();
}

/** Base64 with padding (RFC 4648, section 4): three bytes become four digits. */
function encode(bytes: Uint8Array): Uint8Array {
  const text = new Uint8Array(((bytes.length + 2) / 3) * 4);
  let length = 0;
  for (let at = 0; at < bytes.length; at += 3) {
    let bits = 0;
    for (let place = at; place < at + 3; place++) {
      bits = (bits << 8) | (place < bytes.length ? <i32>bytes[place] : 0);
    }
    for (let digit = 0; digit < 4; digit++) {
      const index = (bits >> (18 - 6 * digit)) & 63;
      text[length++] = <u8>(at + digit <= bytes.length ? DIGITS.charCodeAt(index) : 0x3d);
    }
  }
  return text;
}

/** Four digits become three bytes; `null` where they are no digits. */
function decode(text: Uint8Array): Uint8Array | null {
  if (text.length % 4 != 0) return null;
  const bytes = new Uint8Array((text.length / 4) * 3);
  let length = 0;
  for (let at = 0; at < text.length; at += 4) {
    let bits = 0;
    let padding = 0;
    for (let digit = 0; digit < 4; digit++) {
      const code = <i32>text[at + digit];
      const value = DIGITS.indexOf(String.fromCharCode(code));
      if (code == 0x3d && digit >= 2 && at + 4 == text.length) padding++;
      else if (value < 0 || padding > 0) return null;
      bits = (bits << 6) | max(value, 0);
    }
    for (let byte = 0; byte < 3 - padding; byte++) bytes[length++] = <u8>(bits >> (16 - 8 * byte));
  }
  return bytes.slice(0, length);
}

/**
 * As much of JSON (RFC 8259) as two numbers need: an object whose values are whole
 * numbers, and whose names have no escapes.
 */
class Calculator {
  private at: i32 = 0;
  private number: i64 = 0;

  constructor(private text: string) {}

  /** `{"sum": int}`; `null` where there is nothing to add, or the sum has more than 64 bits. */
  answer(): string | null {
    let first: i64 = 0;
    let second: i64 = 0;
    let hasFirst = false;
    let hasSecond = false;
    if (!this.expect("{")) return null;
    do {
      const name = this.name();
      if (name == null || !this.expect(":") || !this.read()) return null;
      if (name == "firstAddend") {
        first = this.number;
        hasFirst = true;
      } else if (name == "secondAddend") {
        second = this.number;
        hasSecond = true;
      }
    } while (this.expect(","));
    if (!this.expect("}") || !hasFirst || !hasSecond) return null;
    this.space();
    const sum = first + second;
    // Two of one sign whose sum has the other.
    const isTooLarge = ((first ^ sum) & (second ^ sum)) < 0;
    return this.at < this.text.length || isTooLarge ? null : `{"sum": ${sum}}`;
  }

  private peek(): i32 {
    return this.at < this.text.length ? this.text.charCodeAt(this.at) : -1;
  }

  private space(): void {
    while (" \t\n\r".indexOf(this.text.charAt(this.at)) >= 0 && this.peek() >= 0) this.at++;
  }

  /** That character, after any white space. */
  private expect(wanted: string): bool {
    this.space();
    if (this.peek() != wanted.charCodeAt(0)) return false;
    this.at++;
    return true;
  }

  private name(): string | null {
    if (!this.expect('"')) return null;
    const start = this.at;
    while (this.peek() >= 0x20 && this.peek() != 0x22 && this.peek() != 0x5c) this.at++;
    const name = this.text.slice(start, this.at);
    return this.expect('"') ? name : null;
  }

  /** Reads a number; whether there is one that 64 bits hold. */
  private read(): bool {
    this.space();
    const isNegative = this.peek() == 0x2d;
    if (isNegative) this.at++;
    const start = this.at;
    let number: i64 = 0;
    while (this.peek() >= 0x30 && this.peek() <= 0x39) {
      const digit: i64 = this.peek() - 0x30;
      // Downwards, where there is one number more.
      if (number < (i64.MIN_VALUE + digit) / 10) return false;
      number = number * 10 - digit;
      this.at++;
    }
    const digits = this.at - start;
    if (digits == 0 || (digits > 1 && this.text.charCodeAt(start) == 0x30)) return false;
    if (!isNegative && number == i64.MIN_VALUE) return false;
    this.number = isNegative ? number : -number;
    return true;
  }
}
