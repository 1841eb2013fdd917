;; Points of the Mandelbrot set, in a grid of 32 by 32.
(module
  (func $point (param $x f64) (param $y f64) (result i32)
    (local $a f64) (local $b f64) (local $c f64) (local $left i32)
    (local.set $left (i32.const 100))
    (block $out
      (loop $next
        (local.set $c (f64.add (f64.sub (f64.mul (local.get $a) (local.get $a)) (f64.mul (local.get $b) (local.get $b))) (local.get $x)))
        (local.set $b (f64.add (f64.mul (f64.mul (f64.const 2) (local.get $a)) (local.get $b)) (local.get $y)))
        (local.set $a (local.get $c))
        (br_if $out (f64.gt (f64.add (f64.mul (local.get $a) (local.get $a)) (f64.mul (local.get $b) (local.get $b))) (f64.const 4)))
        (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))
    (local.get $left))
  (func $grid (result i32) (local $x f64) (local $y f64) (local $sum i32)
    (local.set $y (f64.const -1))
    (loop $rows
      (local.set $x (f64.const -2))
      (loop $columns
        (local.set $sum (i32.add (local.get $sum) (call $point (local.get $x) (local.get $y))))
        (br_if $columns (f64.lt (local.tee $x (f64.add (local.get $x) (f64.const 0.09375))) (f64.const 1))))
      (br_if $rows (f64.lt (local.tee $y (f64.add (local.get $y) (f64.const 0.0625))) (f64.const 1))))
    (local.get $sum))
  (func (export "run") (param $rounds i32) (result i32) (local $sum i32)
    (loop $again
      (local.set $sum (i32.add (local.get $sum) (call $grid)))
      (br_if $again (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))
    (local.get $sum)))
