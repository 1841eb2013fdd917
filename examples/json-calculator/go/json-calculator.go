// Adds two whole numbers given as JSON, as ../README.md says.
package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"strconv"
)

const inputBytesMax = 65_536

func main() {
	sum, err := add(os.Stdin)
	if err != nil {
		os.Stderr.WriteString("json-calculator: " + err.Error() + "\n")
		os.Exit(1)
	}
	os.Stdout.WriteString("{\"sum\": " + strconv.FormatInt(sum, 10) + "}\n")
}

// add reads an input and gives its sum.
func add(input io.Reader) (int64, error) {
	text, err := io.ReadAll(io.LimitReader(input, inputBytesMax+1))
	if err != nil {
		return 0, errors.New("standard input cannot be read")
	}
	if len(text) > inputBytesMax {
		return 0, errors.New("the input is longer than 65536 bytes")
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil || members == nil {
		return 0, errors.New("the input is not a JSON object")
	}
	first, isFirst := members["firstAddend"]
	second, isSecond := members["secondAddend"]
	if !isFirst || !isSecond {
		return 0, errors.New("`firstAddend` and `secondAddend` must both be there")
	}
	a, errA := strconv.ParseInt(string(first), 10, 64)
	b, errB := strconv.ParseInt(string(second), 10, 64)
	if errA != nil || errB != nil {
		return 0, errors.New("`firstAddend` and `secondAddend` must be whole numbers of 64 bits")
	}
	sum := a + b
	// Two of one sign whose sum has the other.
	if (a^sum)&(b^sum) < 0 {
		return 0, errors.New("the sum does not fit into 64 bits")
	}
	return sum, nil
}
