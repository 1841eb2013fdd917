;; CRC-32 (IEEE 802.3) of 32 KiB, a byte at a time by a table.
(module
  (memory 1)
  (func $prepare (local $at i32) (local $bit i32) (local $value i32)
    (loop $entries
      (local.set $value (local.get $at))
      (local.set $bit (i32.const 8))
      (loop $bits
        (local.set $value
          (i32.xor (i32.shr_u (local.get $value) (i32.const 1))
            (i32.and (i32.const 0xedb88320) (i32.sub (i32.const 0) (i32.and (local.get $value) (i32.const 1))))))
        (br_if $bits (local.tee $bit (i32.sub (local.get $bit) (i32.const 1)))))
      (i32.store (i32.shl (local.get $at) (i32.const 2)) (local.get $value))
      (br_if $entries (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (i32.const 256))))
    (loop $bytes
      (i32.store8 (i32.add (i32.const 1024) (local.get $bit)) (i32.mul (local.get $bit) (i32.const 31)))
      (br_if $bytes (i32.lt_u (local.tee $bit (i32.add (local.get $bit) (i32.const 1))) (i32.const 32768)))))
  (func $crc (param $crc i32) (result i32) (local $at i32)
    (local.set $at (i32.const 1024))
    (loop $next
      (local.set $crc
        (i32.xor (i32.shr_u (local.get $crc) (i32.const 8))
          (i32.load (i32.shl
            (i32.and (i32.xor (local.get $crc) (i32.load8_u (local.get $at))) (i32.const 255)) (i32.const 2)))))
      (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (i32.const 33792))))
    (local.get $crc))
  (func (export "run") (param $rounds i32) (result i32) (local $crc i32)
    (call $prepare)
    (local.set $crc (i32.const -1))
    (loop $again
      (local.set $crc (call $crc (local.get $crc)))
      (br_if $again (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))
    (local.get $crc)))
