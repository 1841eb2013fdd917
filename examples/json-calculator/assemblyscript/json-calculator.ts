// Adds two whole numbers given as JSON, as ../README.md says.

// @ts-ignore: decorator
@external("wasi_snapshot_preview1", "fd_read")
declare function fd_read(stream: i32, into: usize, count: i32, read: usize): i32;
// @ts-ignore: decorator
@external("wasi_snapshot_preview1", "fd_write")
declare function fd_write(stream: i32, from: usize, count: i32, written: usize): i32;
// @ts-ignore: decorator
@external("wasi_snapshot_preview1", "proc_exit")
declare function proc_exit(code: i32): void;

const INPUT_BYTES_MAX: i32 = 65_536;
const DEPTH_MAX: i32 = 64;

/** A value: whether it is a whole number that fits, and which. */
class Value {
  constructor(
    public isWhole: bool,
    public whole: i64,
  ) {}
}

class Member {
  constructor(
    public name: string,
    public value: Value,
  ) {}
}

/** Reads JSON (RFC 8259). What cannot be read is `null`. */
class Reader {
  private at: i32 = 0;

  constructor(private text: string) {}

  /** The members of an object that is all of the text. */
  object(): Member[] | null {
    this.space();
    if (this.peek() != 0x7b) return null;
    const members = this.members(0);
    this.space();
    return this.at == this.text.length ? members : null;
  }

  /** Any value, and the white space around it. */
  private value(depth: i32): Value | null {
    if (depth > DEPTH_MAX) return null;
    this.space();
    const read = this.bare(depth);
    this.space();
    return read;
  }

  private bare(depth: i32): Value | null {
    const other = new Value(false, 0);
    switch (this.peek()) {
      case 0x7b: // {
      case 0x5b: // [
        return this.members(depth) == null ? null : other;
      case 0x22: // "
        return this.string() == null ? null : other;
      case 0x74:
        return this.word("true") ? other : null;
      case 0x66:
        return this.word("false") ? other : null;
      case 0x6e:
        return this.word("null") ? other : null;
      default:
        return this.number();
    }
  }

  /** The members of an object, or of an array, which have no names. */
  private members(depth: i32): Member[] | null {
    const isObject = this.peek() == 0x7b;
    const closing = isObject ? 0x7d : 0x5d;
    const members: Member[] = [];
    this.at++;
    this.space();
    if (this.take(closing)) return members;
    do {
      let name: string | null = "";
      if (isObject) {
        this.space();
        name = this.string();
        this.space();
        if (name == null || !this.take(0x3a)) return null;
      }
      const value = this.value(depth + 1);
      if (value == null) return null;
      members.push(new Member(name, value));
    } while (this.take(0x2c));
    return this.take(closing) ? members : null;
  }

  private string(): string | null {
    if (!this.take(0x22)) return null;
    let text = "";
    while (this.at < this.text.length) {
      const first = this.next();
      if (first == 0x22) return text;
      if (first < 0x20) return null;
      if (first != 0x5c) {
        text += String.fromCharCode(first);
        continue;
      }
      const decoded = this.escape();
      if (decoded < 0) return null;
      text += String.fromCharCode(decoded);
    }
    return null;
  }

  /** What an escape stands for; -1 for what is none. */
  private escape(): i32 {
    const escaped = this.next();
    if (escaped != 0x75) {
      const place = "\"\\/bfnrt".indexOf(String.fromCharCode(escaped));
      return escaped < 0 || place < 0 ? -1 : "\"\\/\b\f\n\r\t".charCodeAt(place);
    }
    let code = 0;
    for (let digit = 0; digit < 4; digit++) {
      const next = this.next();
      const place = "0123456789abcdef".indexOf(String.fromCharCode(next).toLowerCase());
      if (next < 0 || place < 0) return -1;
      code = code * 16 + place;
    }
    return code;
  }

  private number(): Value | null {
    const isNegative = this.take(0x2d);
    const start = this.at;
    const count = this.digits();
    if (count == 0 || (count > 1 && this.text.charCodeAt(start) == 0x30)) return null;
    const whole = new Value(false, 0);
    // Negative on the way, because there is one more of those.
    let sum: i64 = 0;
    let fits = true;
    for (let at = start; at < this.at; at++) {
      const digit = (this.text.charCodeAt(at) - 0x30) as i64;
      if (sum < (i64.MIN_VALUE + digit) / 10) fits = false;
      sum = sum * 10 - digit;
    }
    whole.isWhole = fits && (isNegative || sum != i64.MIN_VALUE);
    whole.whole = isNegative ? sum : -sum;
    if (this.take(0x2e)) {
      whole.isWhole = false;
      if (this.digits() == 0) return null;
    }
    if (this.take(0x65) || this.take(0x45)) {
      whole.isWhole = false;
      if (!this.take(0x2b)) this.take(0x2d);
      if (this.digits() == 0) return null;
    }
    return whole;
  }

  private digits(): i32 {
    const start = this.at;
    while (this.peek() >= 0x30 && this.peek() <= 0x39) this.at++;
    return this.at - start;
  }

  private word(word: string): bool {
    if (!this.text.startsWith(word, this.at)) return false;
    this.at += word.length;
    return true;
  }

  private space(): void {
    while (" \t\n\r".indexOf(String.fromCharCode(this.peek())) >= 0) this.at++;
  }

  private take(wanted: i32): bool {
    if (this.peek() != wanted) return false;
    this.at++;
    return true;
  }

  private next(): i32 {
    const first = this.peek();
    this.at++;
    return first;
  }

  /** -1 at the end. */
  private peek(): i32 {
    return this.at < this.text.length ? this.text.charCodeAt(this.at) : -1;
  }
}

/** The last member of that name. */
function find(members: Member[], name: string): Value | null {
  for (let at = members.length - 1; at >= 0; at--) {
    if (members[at].name == name) return members[at].value;
  }
  return null;
}

/** The sum as JSON, or why there is none, which begins with a space. */
function add(text: string): string {
  const members = new Reader(text).object();
  if (members == null) return " the input is not a JSON object";
  const first = find(members, "firstAddend");
  const second = find(members, "secondAddend");
  if (first == null || second == null)
    return " `firstAddend` and `secondAddend` must both be there";
  if (!first.isWhole || !second.isWhole)
    return " `firstAddend` and `secondAddend` must be whole numbers of 64 bits";
  const sum = first.whole + second.whole;
  // Two of one sign whose sum has the other.
  if (((first.whole ^ sum) & (second.whole ^ sum)) < 0)
    return " the sum does not fit into 64 bits";
  return `{"sum": ${sum}}\n`;
}

/** All of standard input, but no more than one byte above the limit. */
function read(): ArrayBuffer {
  const text = new ArrayBuffer(INPUT_BYTES_MAX + 1);
  const vector = new StaticArray<usize>(3);
  let length = 0;
  while (length < text.byteLength) {
    vector[0] = changetype<usize>(text) + length;
    vector[1] = text.byteLength - length;
    const place = changetype<usize>(vector);
    if (fd_read(0, place, 1, place + 2 * sizeof<usize>()) != 0 || vector[2] == 0) break;
    length += vector[2] as i32;
  }
  return text.slice(0, length);
}

function write(stream: i32, text: string): void {
  const bytes = String.UTF8.encode(text);
  const vector = new StaticArray<usize>(3);
  let done = 0;
  while (done < bytes.byteLength) {
    vector[0] = changetype<usize>(bytes) + done;
    vector[1] = bytes.byteLength - done;
    const place = changetype<usize>(vector);
    if (fd_write(stream, place, 1, place + 2 * sizeof<usize>()) != 0) return;
    done += vector[2] as i32;
  }
}

export function _start(): void {
  const input = read();
  const isLong = input.byteLength > INPUT_BYTES_MAX;
  const said = isLong ? " the input is longer than 65536 bytes" : add(String.UTF8.decode(input));
  if (said.startsWith(" ")) {
    write(2, "json-calculator:" + said + "\n");
    proc_exit(1);
  }
  write(1, said);
}
