;; Fibonacci's numbers by two calls each.
(module
  (func $number (param $of i32) (result i32)
    (if (result i32) (i32.lt_u (local.get $of) (i32.const 2))
      (then (local.get $of))
      (else (i32.add
        (call $number (i32.sub (local.get $of) (i32.const 1)))
        (call $number (i32.sub (local.get $of) (i32.const 2)))))))
  (func (export "run") (param $rounds i32) (result i32) (local $sum i32)
    (loop $again
      (local.set $sum (i32.add (local.get $sum) (call $number (i32.const 20))))
      (br_if $again (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))
    (local.get $sum)))
