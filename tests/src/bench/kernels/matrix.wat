;; Multiplies two matrices of 64 by 64 floats.
(module
  (memory 2)
  (func $fill (local $at i32)
    (loop $next
      (f64.store (local.get $at) (f64.convert_i32_u (i32.rem_u (local.get $at) (i32.const 97))))
      (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (i32.const 65536)))))
  (func $dot (param $row i32) (param $column i32) (result f64) (local $end i32) (local $sum f64)
    (local.set $end (i32.add (local.get $row) (i32.const 512)))
    (loop $next
      (local.set $sum (f64.add (local.get $sum) (f64.mul (f64.load (local.get $row)) (f64.load (local.get $column)))))
      (local.set $column (i32.add (local.get $column) (i32.const 512)))
      (br_if $next (i32.lt_u (local.tee $row (i32.add (local.get $row) (i32.const 8))) (local.get $end))))
    (local.get $sum))
  (func $multiply (local $row i32) (local $column i32)
    (loop $rows
      (local.set $column (i32.const 0))
      (loop $columns
        (f64.store
          (i32.add (i32.const 65536) (i32.add (i32.shl (local.get $row) (i32.const 9)) (local.get $column)))
          (call $dot (i32.shl (local.get $row) (i32.const 9)) (i32.add (i32.const 32768) (local.get $column))))
        (br_if $columns (i32.lt_u (local.tee $column (i32.add (local.get $column) (i32.const 8))) (i32.const 512))))
      (br_if $rows (i32.lt_u (local.tee $row (i32.add (local.get $row) (i32.const 1))) (i32.const 64)))))
  (func (export "run") (param $rounds i32) (result i32)
    (call $fill)
    (loop $again
      (call $multiply)
      (br_if $again (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))
    (i32.trunc_sat_f64_u (f64.load (i32.const 70000)))))
