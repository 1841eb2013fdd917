// The smallest useful spark in AssemblyScript: one exported function.

/** The sum, wrapping around at 32 bits. */
export function add(first: i32, second: i32): i32 {
  return first + second;
}
