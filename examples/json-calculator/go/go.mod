module json-calculator

go 1.24
