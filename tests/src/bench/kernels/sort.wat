;; Fills an array with numbers of a generator and sorts it by insertion into gaps (Shell 1959).
(module
  (memory 1)
  (global $state (mut i32) (i32.const 12345))
  (func $fill (param $count i32) (local $at i32)
    (loop $next
      (global.set $state (i32.add (i32.mul (global.get $state) (i32.const 1103515245)) (i32.const 12345)))
      (i32.store (i32.shl (local.get $at) (i32.const 2)) (i32.shr_u (global.get $state) (i32.const 8)))
      (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (local.get $count)))))
  (func $sort (param $bytes i32) (local $gap i32) (local $i i32) (local $j i32) (local $value i32) (local $other i32)
    (local.set $gap (i32.shr_u (local.get $bytes) (i32.const 1)))
    (loop $gaps
      (local.set $gap (i32.and (local.get $gap) (i32.const -4)))
      (local.set $i (local.get $gap))
      (loop $each
        (local.set $value (i32.load (local.get $i)))
        (local.set $j (local.get $i))
        (block $placed
          (loop $shift
            (br_if $placed (i32.lt_u (local.get $j) (local.get $gap)))
            (local.set $other (i32.load (i32.sub (local.get $j) (local.get $gap))))
            (br_if $placed (i32.le_u (local.get $other) (local.get $value)))
            (i32.store (local.get $j) (local.get $other))
            (local.set $j (i32.sub (local.get $j) (local.get $gap)))
            (br $shift)))
        (i32.store (local.get $j) (local.get $value))
        (br_if $each (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 4))) (local.get $bytes))))
      (local.set $gap (i32.shr_u (local.get $gap) (i32.const 1)))
      (br_if $gaps (i32.ge_u (local.get $gap) (i32.const 4)))))
  (func (export "run") (param $rounds i32) (result i32) (local $sum i32)
    (loop $again
      (call $fill (i32.const 2000))
      (call $sort (i32.const 8000))
      (local.set $sum (i32.xor (i32.rotl (local.get $sum) (i32.const 1)) (i32.load (i32.const 4000))))
      (br_if $again (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))
    (local.get $sum)))
