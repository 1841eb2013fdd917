;; An interpreter of a machine with one register and a counter, and a program for it.
(module
  (memory 1)
  ;; add 7, rotate by 3, xor the counter, double if odd, store, count down, repeat.
  (data (i32.const 0) "\00\01\02\03\04\05")
  (func $interpret (param $count i32) (param $value i32) (result i32) (local $at i32)
    (loop $step
      (block $repeat (block $store (block $double (block $xor (block $rotate (block $add
        (br_table $add $rotate $xor $double $store $repeat (i32.load8_u (local.get $at))))
          (local.set $value (i32.add (local.get $value) (i32.const 7)))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br $step))
          (local.set $value (i32.rotl (local.get $value) (i32.const 3)))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br $step))
          (local.set $value (i32.xor (local.get $value) (local.get $count)))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br $step))
          (if (i32.and (local.get $value) (i32.const 1))
            (then (local.set $value (i32.shl (local.get $value) (i32.const 1)))))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br $step))
          (i32.store (i32.add (i32.const 64) (i32.and (local.get $value) (i32.const 1020))) (local.get $value))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br $step))
      (local.set $at (i32.const 0))
      (br_if $step (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
    (local.get $value))
  (func (export "run") (param $rounds i32) (result i32) (local $value i32)
    (loop $again
      (local.set $value (call $interpret (i32.const 1000) (local.get $value)))
      (br_if $again (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))
    (local.get $value)))
