;; Counts the numbers in a text, by a machine of states.
(module
  (memory 1)
  (func $write (local $at i32) (local $state i32)
    (local.set $state (i32.const 99))
    (loop $next
      (local.set $state (i32.add (i32.mul (local.get $state) (i32.const 1664525)) (i32.const 1013904223)))
      (i32.store8 (local.get $at) (i32.add (i32.const 42) (i32.shr_u (local.get $state) (i32.const 28))))
      (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (i32.const 16384)))))
  (func $is_digit (param $byte i32) (result i32)
    (i32.lt_u (i32.sub (local.get $byte) (i32.const 48)) (i32.const 10)))
  ;; 0: between numbers, 1: behind a sign, 2: in digits, 3: behind a point.
  (func $after (param $state i32) (param $byte i32) (result i32)
    (if (call $is_digit (local.get $byte))
      (then (return (select (i32.const 3) (i32.const 2) (i32.eq (local.get $state) (i32.const 3))))))
    (if (i32.eq (local.get $byte) (i32.const 46))
      (then (return (select (i32.const 3) (i32.const 0) (i32.eq (local.get $state) (i32.const 2))))))
    (i32.or (i32.eq (local.get $byte) (i32.const 43)) (i32.eq (local.get $byte) (i32.const 45))))
  (func $count (result i32) (local $at i32) (local $state i32) (local $next i32) (local $numbers i32)
    (loop $each
      (local.set $next (call $after (local.get $state) (i32.load8_u (local.get $at))))
      (if (i32.and (i32.ge_u (local.get $next) (i32.const 2)) (i32.lt_u (local.get $state) (i32.const 2)))
        (then (local.set $numbers (i32.add (local.get $numbers) (i32.const 1)))))
      (local.set $state (local.get $next))
      (br_if $each (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (i32.const 16384))))
    (local.get $numbers))
  (func (export "run") (param $rounds i32) (result i32) (local $sum i32)
    (call $write)
    (loop $again
      (local.set $sum (i32.add (local.get $sum) (call $count)))
      (br_if $again (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))
    (local.get $sum)))
