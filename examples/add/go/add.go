// The smallest useful spark in Go: one exported function.
package main

// add is the sum, wrapping around at 32 bits.
//
//go:wasmexport add
func add(first, second int32) int32 {
	return first + second
}

// A module of functions has a main that is never called.
func main() {}
